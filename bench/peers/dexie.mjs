// Dexie, with the textbook's tables. Its two ways to delete: {how: 'bulk'} looks up the primary keys and calls bulkDelete,
// {how: 'where'} calls delete() on the query.
import { Dexie } from 'dexie';
import { byTime, lineOf } from './indexeddb.mjs';
import { serve } from './worker.mjs';

serve(async ({ how }) => {
  const [database, relaxed] = ['strict', 'relaxed'].map((chromeTransactionDurability) => {
    const opened = new Dexie('dexie', { chromeTransactionDurability });
    opened.version(1).stores({
      messages: 'messageID, [conversationID+seq], [conversationID+sentTime]',
      conversations: 'conversationID',
    });
    return opened;
  });
  const { messages, conversations } = database;
  const all = (table, conversationID) =>
    table.where('[conversationID+seq]').between([conversationID, Dexie.minKey], [conversationID, Dexie.maxKey]);

  const remove = async (query) =>
    how === 'bulk' ? messages.bulkDelete(await query.primaryKeys()) : void (await query.delete());

  const deleteConversations = (ids) =>
    database.transaction('rw', messages, conversations, async () => {
      await conversations.bulkDelete(ids);
      for (const conversationID of ids) {
        await remove(all(messages, conversationID));
      }
    });

  return {
    insert: (conversationID, batch) =>
      relaxed.transaction('rw', relaxed.messages, relaxed.conversations, async () => {
        await relaxed.messages.bulkPut(batch);
        await relaxed.conversations.put(lineOf(conversationID, batch));
      }),

    list: async () => byTime(await conversations.toArray()),

    async newest(conversationID, count) {
      const page = await all(messages, conversationID).reverse().limit(count).toArray();
      return page.reverse().map((message) => ({ ...message, id: message.messageID }));
    },

    count: (conversationID) => all(messages, conversationID).count(),

    deleteConversation: (conversationID) => deleteConversations([conversationID]),

    deleteConversations,

    deleteOlder: (conversationID, before) =>
      database.transaction('rw', messages, () =>
        remove(
          messages
            .where('[conversationID+sentTime]')
            .between([conversationID, Dexie.minKey], [conversationID, before], true, false),
        ),
      ),

    deleteIds: (ids) =>
      database.transaction('rw', messages, () =>
        how === 'bulk' ? messages.bulkDelete(ids) : messages.where('messageID').anyOf(ids).delete(),
      ),
  };
});
