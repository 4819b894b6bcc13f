// Lethe, through its public API only; what it has reclaimed is looked up in its database.
import { measure, soon } from './measure.mjs';

let chat;
let erasures = []; // {conversationID, at}
let last; // the last deletion: {start, conversationIDs, erased}

async function timed(work) {
  const start = performance.now();
  const value = await work();
  return { time: performance.now() - start, value };
}

async function deletion(conversationIDs, work) {
  erasures = [];
  last = { start: performance.now(), conversationIDs };
  const { time, value } = await timed(work);
  if (value.data.failed?.length > 0) {
    throw new Error(`refused: ${JSON.stringify(value.data.failed[0])}`);
  }
  last.erased = value.data.erasure === 'erased' ? time : undefined;
  return { time };
}

measure({
  async open({ userID, token, workerURL }) {
    chat = await Lethe.create({ url: location.origin, workerURL });
    chat.on(Lethe.EVENT.ERASED, ({ data }) => {
      erasures.push({ conversationID: data.conversationID, at: performance.now() });
    });
    await chat.login({ userID, token });
  },

  list: () => timed(async () => (await chat.getConversationList()).data.conversationList),

  /** From the server to the device, in pages. */
  insert: (conversationID) =>
    timed(async () => {
      let count = 0;
      for (let next = '', completed = false; !completed; ) {
        const { data } = await chat.getMessageList({ conversationID, count: 1024, nextReqMessageID: next });
        count += data.messageList.length;
        next = data.nextReqMessageID;
        completed = data.isCompleted;
      }
      return count;
    }),

  newest: (conversationID, count) =>
    timed(async () => (await chat.getMessageList({ conversationID, count })).data.messageList),

  idOf: ({ ID }) => ID,

  deleteConversation: (conversationID) => deletion([conversationID], () => chat.deleteConversation(conversationID)),

  deleteConversations: (ids) => deletion(ids, () => chat.deleteConversation({ conversationIDList: ids })),

  deleteOlder: (conversationID, before) =>
    deletion([conversationID], () => chat.deleteMessages({ conversationID, before }, { scope: 'both' })),

  deleteIds: (ids, conversationIDs) => deletion(conversationIDs, () => chat.deleteMessages({ ids }, { scope: 'both' })),

  /** What follows the last deletion in the background: ms from the call until it is erased, and until nothing is left of it. */
  async finished() {
    const { start, conversationIDs } = last;
    const open = () => conversationIDs.filter((id) => !erasures.some(({ conversationID }) => conversationID === id));
    if (last.erased === undefined) {
      await soon('it is erased', () => open().length === 0);
      last.erased = Math.max(...erasures.map(({ at }) => at)) - start;
    }
    return { erased: last.erased, reclaimed: (await reclaimedAt()) - start };
  },

  /** Waits until the server knows of the last deletion. */
  async delivered() {
    for (const id of last.conversationIDs) {
      await soon('the server knows', async () => (await chat.inspectConversation(id)).data.outbox === 0);
    }
  },

  count: (conversationID) => timed(async () => (await chat.inspectConversation(conversationID)).data.messages),
});

/** When no note of garbage is left. */
async function reclaimedAt() {
  const { name } = (await indexedDB.databases()).find((database) => database.name.startsWith('lethe-'));
  const done = (request) =>
    new Promise((resolve) => Object.assign(request, { onsuccess: () => resolve(request.result) }));
  const database = await done(indexedDB.open(name));
  await soon('it is reclaimed', async () => {
    return (await done(database.transaction('garbage').objectStore('garbage').count())) === 0;
  });
  database.close();
  return performance.now();
}
