/** Answers the page's calls with the methods of a peer. */
export function answer(peer) {
  self.addEventListener('message', async ({ data: { call, method, args } }) => {
    if (call === undefined) {
      return;
    }
    try {
      self.postMessage({ call, value: await peer[method](...args) });
    } catch (thrown) {
      self.postMessage({ call, failure: thrown?.stack ?? String(thrown) });
    }
  });
}

/** Rows of messages, as an app would keep them. */
export function* rowsOf({ conversations }) {
  for (const { conversationID, messages } of conversations) {
    for (const { id, from, time, text } of messages) {
      yield { id, conversationID, from, time, text };
    }
  }
}

/** Rows of the list: the name, the draft and what the newest message says. */
export function* listOf({ conversations }) {
  for (const { conversationID, name, draft, messages } of conversations) {
    yield { conversationID, name, draft, preview: messages.at(-1).text };
  }
}
