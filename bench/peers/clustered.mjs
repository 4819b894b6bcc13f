// Raw IndexedDB at its best with one record a message: a number for a key, the conversation's ordinal above, the seq below,
// so that a conversation is one range and deleting it one request. No index: the time rises with the seq.
import { byTime, commit, done, lineOf, open } from './indexeddb.mjs';
import { serve } from './worker.mjs';

const BOTH = ['messages', 'conversations'];

serve(async () => {
  const database = await open('clustered', (created) => {
    created.createObjectStore('messages');
    created.createObjectStore('conversations', { keyPath: 'conversationID' });
  });
  const lines = () => database.transaction('conversations').objectStore('conversations');
  const rows = () => database.transaction('messages').objectStore('messages');
  const known = await done(lines().getAll());
  const ordinals = new Map(known.map(({ conversationID, ordinal }) => [conversationID, ordinal]));
  const place = (ordinal, seq) => ordinal * 2 ** 32 + seq;
  const all = (conversationID) => {
    const ordinal = ordinals.get(conversationID) ?? -1;
    return IDBKeyRange.bound(place(ordinal, 0), place(ordinal + 1, 0), false, true);
  };

  /** The first key of the range whose message is not older, by halving. */
  async function firstSince(messages, conversationID, time) {
    const ordinal = ordinals.get(conversationID);
    let from = 0;
    let to = known.find((line) => line.conversationID === conversationID).head + 1;
    while (from < to) {
      const middle = (from + to) >> 1;
      const range = IDBKeyRange.bound(place(ordinal, middle), place(ordinal, to), false, true);
      const [message] = await done(messages.getAll(range, 1));
      if (message === undefined) {
        to = middle;
      } else if (message.sentTime < time) {
        from = message.seq + 1;
      } else {
        to = middle;
      }
    }
    return place(ordinal, from);
  }

  return {
    insert(conversationID, batch) {
      const ordinal = ordinals.get(conversationID) ?? ordinals.size;
      ordinals.set(conversationID, ordinal);
      return commit(database, BOTH, 'relaxed', (messages, conversations) => {
        for (const message of batch) {
          messages.put(message, place(ordinal, message.seq));
        }
        conversations.put({ ...lineOf(conversationID, batch), ordinal });
      });
    },

    list: async () => byTime(await done(lines().getAll())),

    async newest(conversationID, count) {
      const ordinal = ordinals.get(conversationID);
      const { head } = await done(lines().get(conversationID));
      const near = IDBKeyRange.bound(place(ordinal, Math.max(0, head - count + 1)), place(ordinal, head));
      const page = await done(rows().getAll(near));
      return page.map((message) => ({ ...message, id: place(ordinal, message.seq) }));
    },

    count: (conversationID) => done(rows().count(all(conversationID))),

    deleteConversation: (conversationID) =>
      commit(database, BOTH, 'strict', (messages, conversations) => {
        conversations.delete(conversationID);
        messages.delete(all(conversationID));
      }),

    deleteConversations: (ids) =>
      commit(database, BOTH, 'strict', (messages, conversations) => {
        for (const conversationID of ids) {
          conversations.delete(conversationID);
          messages.delete(all(conversationID));
        }
      }),

    deleteOlder: (conversationID, before) =>
      commit(database, ['messages'], 'strict', async (messages) => {
        const since = await firstSince(messages, conversationID, before);
        messages.delete(IDBKeyRange.bound(all(conversationID).lower, since, false, true));
      }),

    deleteIds: (ids) =>
      commit(database, ['messages'], 'strict', (messages) => {
        for (const id of ids) {
          messages.delete(id);
        }
      }),
  };
});
