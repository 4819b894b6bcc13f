// How far a deletion gets on the device: keys destroyed when it says so, whatever happens next; rows only where there is no
// file for keys. And databases of before are sealed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { keysIn, readDatabases, stored } from './database.mjs';
import { Device, soon, texts } from './device.mjs';
import { inClear, writeInClear } from './format1.mjs';
import { Server } from './server.mjs';

const COUNT = 1500;

function talk(name, from = 'bob') {
  return Array.from({ length: COUNT }, (_, i) => ({
    from,
    time: Date.now() - COUNT + i,
    text: markOf(name, i),
  }));
}

function markOf(name, i) {
  return `K7Q2ZX9W${name}J4VB8YH5${i}TD3M`;
}

test('erasure', async (t) => {
  const server = await Server.start(t);
  const browser = await Browser.start(t);
  let people = 0;

  /** A user of one's own with a conversation on the device. */
  const begin = async (options = {}) => {
    const user = `user${++people}`;
    await server.load('C2Cbob', talk(user), user);
    const device = await Device.open(browser, { page: server.url, ...options });
    const login = await device.login(user, await server.token(user));
    const held = await device.messages('C2Cbob', 1024);
    assert.equal(held.length, COUNT);
    return { user, device, held, login };
  };
  const keyringOf = async (device) => (await stored(device.page)).find(({ keyring }) => keyring).keyring;
  const wipe = async ({ device }) => {
    await device.call('logout', { wipe: 'force' });
    await device.close();
  };

  await t.test('a whole conversation: its keys are gone when the call resolves', async () => {
    const begun = await begin();
    const { user, device, login } = begun;
    assert.equal(login.erasure, 'erased');
    const marks = [markOf(user, 0), markOf(user, 700), markOf(user, COUNT - 1)];
    const before = await readDatabases(device.page, marks);
    assert.equal(before.found.size, 3, 'the search finds what is there');
    const keys = keysIn(await keyringOf(device));
    const { erasure } = await device.call('deleteConversation', 'C2Cbob');
    assert.equal(erasure, 'erased');
    const left = keysIn(await keyringOf(device));
    // Two of the device's own may stay: its key, and what it notes in the file while it writes.
    assert.ok(keys.filter((key) => left.includes(key)).length <= 2, 'all keys of the conversation are overwritten');
    assert.ok(keys.length > COUNT / 256);
    assert.equal((await readDatabases(device.page, marks)).found.size, 0);
    assert.equal((await device.events('ERASED')).length, 1);
    await wipe(begun);
  });

  await t.test('by ids and by time: hidden at once, erased soon, or when it is waited for', async () => {
    const begun = await begin();
    const { user, device, held } = begun;
    const ids = held.filter(({ seq }) => seq % 7 === 0).map(({ ID }) => ID);
    const { erasure } = await device.call('deleteMessages', { ids }, { scope: 'local' });
    assert.equal(erasure, 'hidden');
    await soon('it says that it is erased', async () => (await device.events('ERASED')).length === 1);
    assert.deepEqual(await device.events('ERASED'), [{ conversationID: 'C2Cbob', erasure: 'erased' }]);
    const gone = [markOf(user, 6), markOf(user, 699)];
    const stays = [markOf(user, 7), markOf(user, 1400)];
    assert.deepEqual(new Set((await readDatabases(device.page, [...gone, ...stays])).found.keys()), new Set(stays));

    const keys = keysIn(await keyringOf(device));
    const before = held[1000].sentTime;
    const waited = await device.call('deleteMessages', { conversationID: 'C2Cbob', before }, { awaitErasure: true });
    assert.equal(waited.erasure, 'erased');
    assert.equal((await readDatabases(device.page, [markOf(user, 7)])).found.size, 0);
    assert.equal((await readDatabases(device.page, [markOf(user, 1400)])).found.size, 1);
    const left = keysIn(await keyringOf(device));
    assert.ok(keys.some((key) => !left.includes(key)));
    const shown = held.slice(1000).filter(({ seq }) => seq % 7 !== 0);
    assert.deepEqual(texts(await device.messages('C2Cbob')), texts(shown));
    const again = await device.call('deleteMessages', { conversationID: 'C2Cbob', before });
    assert.equal(again.erasure, 'erased', 'what is gone is gone');
    await wipe(begun);
  });

  await t.test('the browser is killed when it has said so: what it said holds', async () => {
    const { user, device } = await begin();
    const keys = keysIn(await keyringOf(device));
    await device.call('deleteConversation', 'C2Cbob');
    await browser.kill();
    await browser.start();
    const later = await Device.open(browser, { page: server.url });
    const left = keysIn(await keyringOf(later));
    assert.ok(keys.filter((key) => left.includes(key)).length <= 2);
    await later.login(user, await server.token(user));
    assert.deepEqual(await later.list(), []);
    await wipe({ device: later });
  });

  await t.test('a tab that dies in the middle leaves no key behind another one’s deletion', async () => {
    const begun = await begin();
    const { user, device } = begun;
    const other = await Device.open(browser, { page: server.url });
    await other.login(user, await server.token(user));
    await server.load('C2Ccid', talk(`${user}c`, 'cid'), user);
    await soon('both know all of it', async () => {
      const lists = await Promise.all([device, other].map((tab) => tab.call('getConversationList')));
      return lists.every(({ conversationList }) =>
        conversationList.some((one) => one.conversationID === 'C2Ccid' && one.lastMessage?.lastSequence === COUNT),
      );
    });
    // It is closed while it stores what it fetches.
    other.page.evaluate(() => window.chat.getMessageList({ conversationID: 'C2Ccid', count: 1024 })).catch(() => {});
    await other.close();
    const { erasure } = await device.call('deleteConversation', { conversationIDList: ['C2Ccid'] });
    assert.equal(erasure, 'erased');
    const marks = Array.from({ length: COUNT }, (_, i) => markOf(`${user}c`, i));
    assert.equal((await readDatabases(device.page, marks)).found.size, 0);
    assert.equal((await device.messages('C2Cbob')).length, COUNT);
    await wipe(begun);
  });

  await t.test('logging out with wipe destroys every key before anything is removed', async () => {
    const { user, device } = await begin();
    const [{ name, keyring }] = await stored(device.page);
    await device.call('logout', { wipe: 'force' });
    const databases = await stored(device.page);
    assert.deepEqual(databases, []);
    await device.login(user, await server.token(user));
    const [fresh] = await stored(device.page);
    assert.equal(fresh.name, name);
    const left = keysIn(fresh.keyring);
    assert.ok(!keysIn(keyring).some((key) => left.includes(key)), 'nothing of before');
    await wipe({ device });
  });

  await t.test('without a worker there is no file for keys: rows are removed, and it says so', async () => {
    const begun = await begin({ worker: false });
    const { user, device, held, login } = begun;
    assert.equal(login.erasure, 'removed');
    assert.ok((await stored(device.page)).every(({ keyring }) => keyring === undefined));
    assert.equal((await readDatabases(device.page, [markOf(user, 3)])).found.size, 1, 'sealed all the same');
    const some = await device.call('deleteMessages', { ids: [held[3].ID] }, { awaitErasure: true });
    assert.equal(some.erasure, 'removed');
    assert.equal((await readDatabases(device.page, [markOf(user, 3)])).found.size, 0);
    const whole = await device.call('deleteConversation', 'C2Cbob');
    assert.equal(whole.erasure, 'hidden');
    await soon('its rows are removed', async () => (await device.events('ERASED')).length === 2);
    assert.equal((await device.events('ERASED'))[1].erasure, 'removed');
    assert.equal((await readDatabases(device.page, [markOf(user, 9)])).found.size, 0);
    await wipe(begun);
  });

  await t.test('a core in the page leaves a worker’s database alone: there the user has another device', async () => {
    const { user, device } = await begin();
    await device.close();
    const inPage = await Device.open(browser, { page: server.url, worker: false });
    const other = await inPage.login(user, await server.token(user));
    assert.equal(other.erasure, 'removed');
    assert.equal((await inPage.messages('C2Cbob')).length, COUNT);
    await inPage.call('deleteMessages', { conversationID: 'C2Cbob' }, { scope: 'local' });
    await wipe({ device: inPage });
    const back = await Device.open(browser, { page: server.url });
    await back.login(user, await server.token(user));
    assert.equal((await back.messages('C2Cbob')).length, COUNT);
    await wipe({ device: back });
  });

  await t.test('a database that was not sealed is, when it is opened', async () => {
    const { user, device } = await begin();
    await device.call('setOnline', false);
    await device.call('setDraft', { conversationID: 'C2Cbob', draft: 'half a thought' });
    const [sealed] = await stored(device.page);
    const tables = inClear(sealed);
    await device.call('logout', { wipe: 'force' });
    await device.close();
    // What the version before has left behind: the same records in clear, in a database of version 1.
    const past = await browser.newPage();
    await past.goto(server.url);
    await past.evaluate(writeInClear, [sealed.name, tables]);
    await past.close();
    const later = await Device.open(browser, { page: server.url });
    await later.login(user, await server.token(user));
    assert.deepEqual(texts(await later.messages('C2Cbob')), texts(talk(user)));
    const { conversation } = await later.call('getConversation', 'C2Cbob');
    assert.equal(conversation.draft, 'half a thought');
    await soon('all of it is sealed', async () => {
      const [now] = await stored(later.page);
      return now.tables.every(({ values }) => values.every((value) => (value[0] & 0x0f) === 1 && value[0] < 0x20));
    });
    assert.deepEqual(texts(await later.messages('C2Cbob')), texts(talk(user)));
    // What stood in clear may still be in the browser's files: no more is said than that its rows are gone.
    const { erasure } = await later.call('deleteConversation', 'C2Cbob', { awaitErasure: true });
    assert.equal(erasure, 'removed');
    assert.equal((await readDatabases(later.page, [markOf(user, 5)])).found.size, 0);
    await wipe({ device: later });
  });
});
