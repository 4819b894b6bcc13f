// Dexie, with the deletions that its documentation offers.
import { Dexie } from 'dexie';
import { answer, listOf, rowsOf } from './answer.js';

let database;

async function preview(id) {
  const newest = await database.messages
    .where('[conversationID+time]')
    .between([id, Dexie.minKey], [id, Dexie.maxKey])
    .last();
  await database.conversations.update(id, { preview: newest?.text ?? '' });
}

answer({
  async open() {
    database = new Dexie('chat', { chromeTransactionDurability: 'strict' });
    database
      .version(1)
      .stores({ messages: 'id, conversationID, [conversationID+time]', conversations: 'conversationID' });
    await database.open();
  },

  async fill(planted) {
    await database.messages.bulkPut([...rowsOf(planted)]);
    await database.conversations.bulkPut([...listOf(planted)]);
  },

  async remove({ conversations, cleared, ids, older }) {
    await database.messages
      .where('conversationID')
      .anyOf([...conversations, ...cleared])
      .delete();
    await database.conversations.bulkDelete(conversations);
    await database.messages
      .where('[conversationID+time]')
      .between([older.conversationID, Dexie.minKey], [older.conversationID, older.before])
      .delete();
    const touched = (await database.messages.bulkGet(ids)).map(({ conversationID }) => conversationID);
    await database.messages.bulkDelete(ids);
    for (const id of new Set([...touched, ...cleared, older.conversationID])) {
      await preview(id);
    }
  },

  async texts() {
    return (await database.messages.toArray()).map(({ text }) => text);
  },

  wipe: () => database.delete(),
});
