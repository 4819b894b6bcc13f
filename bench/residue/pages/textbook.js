// IndexedDB as tutorials have it: an object store by id, an index by conversation and time, deletions by cursor or key.
import { answer, listOf, rowsOf } from './answer.js';

const NAME = 'chat';
let database;

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function write(work) {
  const tx = database.transaction(['messages', 'conversations'], 'readwrite', { durability: 'strict' });
  const ended = new Promise((resolve, reject) => {
    tx.oncomplete = resolve;
    tx.onabort = () => reject(tx.error);
  });
  await work(tx.objectStore('messages'), tx.objectStore('conversations'));
  await ended;
}

const ofConversation = (id, before = []) => IDBKeyRange.bound([id], [id, before], false, true);

function deleteRange(messages, range) {
  return new Promise((resolve, reject) => {
    const request = messages.index('byTime').openCursor(range);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) {
        return resolve();
      }
      cursor.delete();
      cursor.continue();
    };
  });
}

/** The list's row shows what is the newest message now. */
async function preview(messages, conversations, id) {
  const row = await done(conversations.get(id));
  const cursor = await done(messages.index('byTime').openCursor(ofConversation(id), 'prev'));
  conversations.put({ ...row, preview: cursor?.value.text ?? '' });
}

answer({
  async open() {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('messages', { keyPath: 'id' }).createIndex('byTime', ['conversationID', 'time']);
      request.result.createObjectStore('conversations', { keyPath: 'conversationID' });
    };
    database = await done(request);
  },

  fill: (planted) =>
    write(async (messages, conversations) => {
      for (const row of rowsOf(planted)) {
        messages.put(row);
      }
      for (const row of listOf(planted)) {
        conversations.put(row);
      }
    }),

  async remove(deletions) {
    await write(async (messages, conversations) => {
      for (const id of deletions.conversations) {
        await deleteRange(messages, ofConversation(id));
        conversations.delete(id);
      }
    });
    await write(async (messages, conversations) => {
      const touched = new Set([...deletions.cleared, deletions.older.conversationID]);
      for (const id of deletions.cleared) {
        await deleteRange(messages, ofConversation(id));
      }
      await deleteRange(messages, ofConversation(deletions.older.conversationID, deletions.older.before));
      for (const id of deletions.ids) {
        touched.add((await done(messages.get(id))).conversationID);
        messages.delete(id);
      }
      for (const id of touched) {
        await preview(messages, conversations, id);
      }
    });
  },

  async texts() {
    return (await done(database.transaction('messages').objectStore('messages').getAll())).map(({ text }) => text);
  },

  async wipe() {
    database.close();
    await done(indexedDB.deleteDatabase(NAME));
  },
});
