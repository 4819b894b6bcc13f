// Raw IndexedDB as it is taught: messages under their messageID, an index for the order and one for the time; deleting looks
// the keys up in an index and deletes them one by one, in one transaction.
import { byTime, commit, done, lineOf, open } from './indexeddb.mjs';
import { serve } from './worker.mjs';

const BOTH = ['messages', 'conversations'];

serve(async () => {
  const database = await open('textbook', (created) => {
    const messages = created.createObjectStore('messages', { keyPath: 'messageID' });
    messages.createIndex('order', ['conversationID', 'seq']);
    messages.createIndex('time', ['conversationID', 'sentTime']);
    created.createObjectStore('conversations', { keyPath: 'conversationID' });
  });
  const all = (conversationID) => IDBKeyRange.bound([conversationID], [conversationID, []]);
  const order = () => database.transaction('messages').objectStore('messages').index('order');

  async function deleteRange(messages, index, range) {
    for (const key of await done(messages.index(index).getAllKeys(range))) {
      messages.delete(key);
    }
  }

  return {
    insert: (conversationID, batch) =>
      commit(database, BOTH, 'relaxed', (messages, conversations) => {
        for (const message of batch) {
          messages.put(message);
        }
        conversations.put(lineOf(conversationID, batch));
      }),

    list: async () => byTime(await done(database.transaction('conversations').objectStore('conversations').getAll())),

    newest: (conversationID, count) =>
      new Promise((resolve, reject) => {
        const page = [];
        const request = order().openCursor(all(conversationID), 'prev');
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          const cursor = request.result;
          if (cursor) {
            page.unshift({ ...cursor.value, id: cursor.primaryKey });
          }
          if (cursor && page.length < count) {
            cursor.continue();
          } else {
            resolve(page);
          }
        };
      }),

    count: (conversationID) => done(order().count(all(conversationID))),

    deleteConversation: (conversationID) =>
      commit(database, BOTH, 'strict', (messages, conversations) => {
        conversations.delete(conversationID);
        return deleteRange(messages, 'order', all(conversationID));
      }),

    deleteConversations: (ids) =>
      commit(database, BOTH, 'strict', (messages, conversations) =>
        Promise.all(
          ids.map((conversationID) => {
            conversations.delete(conversationID);
            return deleteRange(messages, 'order', all(conversationID));
          }),
        ),
      ),

    deleteOlder: (conversationID, before) =>
      commit(database, ['messages'], 'strict', (messages) =>
        deleteRange(messages, 'time', IDBKeyRange.bound([conversationID], [conversationID, before], false, true)),
      ),

    deleteIds: (ids) =>
      commit(database, ['messages'], 'strict', (messages) => {
        for (const id of ids) {
          messages.delete(id);
        }
      }),
  };
});
