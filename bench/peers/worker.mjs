// The worker of a peer: carries out one call at a time as it comes, and times each from the call to its durable end.

/** Messages in one insert. */
const BATCH = 1000;

export function serve(open) {
  let peer;
  const methods = {
    async open(options) {
      peer = await open(options);
    },

    /** Messages come from the bench's server; only what the peer does with them is timed. */
    async insert(conversationID, messages) {
      let time = 0;
      for (let seq = 1; seq <= messages; seq += BATCH) {
        const count = Math.min(BATCH, messages - seq + 1);
        const batch = await (await fetch(`/talk?${new URLSearchParams({ conversationID, seq, count })}`)).json();
        const start = performance.now();
        await peer.insert(conversationID, batch);
        time += performance.now() - start;
      }
      return { time, value: messages };
    },
  };
  addEventListener('message', async ({ data: { id, method, args } }) => {
    if (id === undefined) {
      return; // absurd-sql's own
    }
    try {
      if (method in methods) {
        postMessage({ id, ...(await methods[method](...args)) });
        return;
      }
      const start = performance.now();
      const value = await peer[method](...args);
      postMessage({ id, time: performance.now() - start, value });
    } catch (thrown) {
      postMessage({ id, failure: String(thrown.stack ?? thrown) });
    }
  });
}
