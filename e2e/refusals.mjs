// Bad input as a table: an expression over the page's chat, and the code it must be refused with.
import assert from 'node:assert/strict';
import { readDatabases } from './database.mjs';
import { texts } from './device.mjs';

/** Evaluates an expression in the page, where `chat` is the device's; resolves to what it was refused with, or undefined. */
export function refusalOf(device, expression) {
  return device.page.evaluate(`(async () => {
    try {
      await (${expression});
    } catch (thrown) {
      const { name, code, message, retryable } = thrown;
      const isLetheError = thrown instanceof Lethe.LetheError && thrown instanceof Error;
      return { isLetheError, name, code, message, retryable };
    }
  })()`);
}

/** Holds a refusal to its code, and to being a proper error. names are ErrorCode by number. */
export function checkRefusal(refusal, code, names) {
  assert.ok(refusal, 'it was not refused');
  assert.equal(refusal.code, code, `${refusal.name}: ${refusal.message}`);
  assert.equal(refusal.name, names[code]);
  assert.ok(refusal.isLetheError);
  assert.ok(refusal.message.length > 0);
  assert.equal(typeof refusal.retryable, 'boolean');
}

/** The names of the page's error codes, by number. */
export async function codeNames(device) {
  const codes = await device.page.evaluate(() => Lethe.ErrorCode);
  return Object.fromEntries(Object.entries(codes).map(([name, code]) => [code, name]));
}

/** Everything that a refused call must leave as it is: the list, the views, the server's answers, the database's records. */
export async function stateOf(device, conversationIDs) {
  const state = { list: (await device.call('getConversationList')).conversationList, conversations: {} };
  for (const id of conversationIDs) {
    state.conversations[id] = {
      device: texts(await device.messages(id)),
      server: texts(await device.remote(id)),
      held: await device.call('inspectConversation', id),
    };
  }
  state.database = (await readDatabases(device.page)).tables;
  return state;
}
