// What a page of the bench does with its candidate. Every candidate's method resolves to {time, value}: a Lethe's is timed
// here in the page, a peer's in its worker, from the call to the durable end.
import { Heart } from './heart.mjs';

/** Waits until a condition holds. */
export async function soon(what, condition, patience = 120_000) {
  const deadline = performance.now() + patience;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`not within ${patience} ms: ${what}`);
    }
    await pause(5);
  }
}

export function pause(time) {
  return new Promise((resolve) => setTimeout(resolve, time));
}

/** Offers the candidate to the driver, and opens it as the page loads: options stand in the address, after the #. */
export function measure(candidate) {
  const heart = new Heart();
  const opened = open(candidate);
  window.bench = {
    opened: () => opened,
    longest: () => heart.longest(),
    settle,
    pause,
    call: (method, ...args) => candidate[method](...args),
    newest: (conversationID, count, times) => newest(candidate, conversationID, count, times),
    deletePicked: (conversationIDs, each) => deletePicked(candidate, conversationIDs, each),
    deleteWhileReading: (conversationID, other) => deleteWhileReading(candidate, conversationID, other),
  };
}

/** From the navigation to the list of conversations. */
async function open(candidate) {
  await candidate.open(JSON.parse(decodeURIComponent(location.hash.slice(1))));
  const { value } = await candidate.list();
  const [browser] = navigator.userAgent.match(/Chrome\/\S+/);
  return { time: performance.now(), value: value.length, browser };
}

/** The newest page, several times; the first reads warm up. */
async function newest(candidate, conversationID, count, times) {
  const measured = [];
  for (let i = -10; i < times; i++) {
    const { time, value } = await candidate.newest(conversationID, count);
    if (value.length !== count || typeof value[0].payload.text !== 'string') {
      throw new Error('not the page that was asked for');
    }
    if (i >= 0) {
      measured.push(time);
    }
  }
  return measured;
}

/** Deletes some messages of each conversation by the ids under which a page shows them; reading them is not timed. */
async function deletePicked(candidate, conversationIDs, each) {
  const ids = [];
  for (const conversationID of conversationIDs) {
    const { value } = await candidate.newest(conversationID, each * 10);
    ids.push(...value.filter((_, i) => i % 10 === 3).map((message) => candidate.idOf(message)));
  }
  if (ids.length !== conversationIDs.length * each) {
    throw new Error(`${ids.length} ids to delete instead of ${conversationIDs.length * each}`);
  }
  return candidate.deleteIds(ids, conversationIDs);
}

/** Opens another conversation again and again until a deletion is over, reclaiming included. The time is the longest wait. */
async function deleteWhileReading(candidate, conversationID, other) {
  let over = false;
  let wait = 0;
  const reading = (async () => {
    while (!over) {
      const start = performance.now();
      await candidate.newest(other, 50);
      wait = Math.max(wait, performance.now() - start);
      await pause(2);
    }
  })();
  await candidate.deleteConversation(conversationID);
  await candidate.finished();
  over = true;
  await reading;
  return { time: wait };
}

/** Waits until the browser's writing and compacting is over: three small strict commits in a row take less than 5 ms. */
async function settle() {
  const request = indexedDB.open('bench-settle', 1);
  request.onupgradeneeded = () => request.result.createObjectStore('commits');
  await new Promise((resolve, reject) => {
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  });
  const start = performance.now();
  for (let quick = 0; quick < 3; ) {
    const before = performance.now();
    await new Promise((resolve, reject) => {
      const transaction = request.result.transaction('commits', 'readwrite', { durability: 'strict' });
      transaction.objectStore('commits').put(0, 0);
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    quick = performance.now() - before < 5 ? quick + 1 : 0;
    if (performance.now() - start > 60_000) {
      break; // a machine this busy does not get quieter
    }
    await pause(20);
  }
  request.result.close();
}
