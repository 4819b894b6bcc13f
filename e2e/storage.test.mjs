// What may become of a device's storage: records garbled, tables missing, a newer version, everything cleared by the browser, or
// no database at all. The app works or says what is lost, and nothing that was deleted comes back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { readDatabases, stored } from './database.mjs';
import { Device, soon, texts } from './device.mjs';
import { Server } from './server.mjs';

const COUNT = 700;
const STORAGE_DAMAGED = 90015;
const TABLES = ['device', 'conversations', 'segments', 'tail', 'sent', 'ledgers', 'outbox', 'garbage'];

function talk(from, count = COUNT) {
  return Array.from({ length: count }, (_, i) => ({ from, time: Date.UTC(2026, 0, 1) + i, text: `${from} ${i + 1}` }));
}

test('storage', async (t) => {
  const server = await Server.start(t);
  const browser = await Browser.start(t, { tolerated: /ERR_CONNECTION_REFUSED|WebSocket connection to/ });
  let people = 0;

  /** A user with two conversations, from one of which every seventh message is deleted; a third one is deleted whole. */
  const begin = async ({ pending = false, ...options } = {}) => {
    const user = `user${++people}`;
    await server.load('C2Cbob', talk('bob'), user);
    await server.load('C2Ccid', talk('cid', 30), user);
    await server.load('C2Cdan', talk('dan', 30), user);
    const device = await Device.open(browser, { page: server.url, ...options });
    const others = await names(device);
    await device.login(user, await server.token(user));
    const name = (await names(device)).find((one) => !others.includes(one));
    const held = await device.messages('C2Cbob');
    await device.messages('C2Ccid');
    await device.send('C2C', 'cid', 'mine');
    await device.settled('C2Ccid');
    await device.call('setOnline', !pending);
    const ids = held.filter(({ seq }) => seq % 7 === 0).map(({ ID }) => ID);
    await device.call('deleteMessages', { ids });
    await device.call('deleteConversation', 'C2Cdan');
    if (!pending) {
      await device.settled('C2Cbob', 'C2Cdan');
    }
    await soon('it is reclaimed', async () => (await readDatabases(device.page)).tables.garbage.records === 0);
    return { user, device, name, left: texts(held.filter(({ seq }) => seq % 7 !== 0)) };
  };
  const again = async ({ device, user }) => {
    await device.load();
    return device.login(user, await server.token(user));
  };
  const damage = async (device) => (await device.events('ERROR')).filter(({ code }) => code === STORAGE_DAMAGED);
  const intact = async ({ device, left }, why) => {
    await device.settled('C2Cbob', 'C2Cdan');
    assert.deepEqual(texts(await device.messages('C2Cbob')), left, why);
    assert.equal((await device.messages('C2Ccid')).filter(({ text }) => /^cid \d+$/.test(text)).length, 30, why);
    assert.deepEqual((await device.list()).sort(), ['C2Cbob', 'C2Ccid'], why);
    assert.deepEqual(texts(await device.remote('C2Cbob')), left, why);
  };

  const garblings = Object.entries({
    'a string': () => 'not bytes',
    'half of it': (value) => value.slice(0, value.length >> 1),
    'another bit': (value) => value.with(value.length - 5, value.at(-5) ^ 4),
    'another type of number': (value) => new Uint16Array(value.length),
  });
  for (const [i, table] of TABLES.entries()) {
    const [how, garble] = garblings[i % garblings.length]; // all of them in all of them: sdk/vault's TestGarbledRecords
    await t.test(`${table} has ${how} in it`, async () => {
      const begun = await begin({ pending: table !== 'outbox' });
      const { device, name } = begun;
      await device.call('logout');
      const changed = await device.page.evaluate(change, [name, table, `(${garble})`]);
      assert.equal(changed > 0, !['outbox', 'garbage'].includes(table), 'nothing to garble');
      await again(begun);
      const said = await damage(device);
      const rows = ['segments', 'tail', 'sent'].includes(table);
      assert.equal(said.length, rows ? 0 : 1, JSON.stringify(said));
      await intact(begun, `${table}, ${how}`);
      assert.ok((await device.send('C2C', 'bob', 'it works')).ID);
      await device.call('logout', { wipe: 'force' });
      await device.close();
    });
  }

  await t.test('tables are missing', async () => {
    for (const missing of [['segments'], ['conversations', 'tail'], ['ledgers'], ['garbage', 'sent']]) {
      const begun = await begin({ pending: true });
      const { device, name } = begun;
      await device.call('logout');
      await device.page.evaluate(drop, [name, missing]);
      await again(begun);
      await intact(begun, `without ${missing}`);
      await device.call('logout', { wipe: 'force' });
      await device.close();
    }
  });

  await t.test('a newer database is refused and left as it is', async () => {
    const begun = await begin();
    const { device, name } = begun;
    await device.call('logout');
    await device.page.evaluate(upgrade, [name, 3]);
    const before = await mine(device, name);
    await assert.rejects(again(begun), ({ code, retryable }) => code === 90013 && retryable === false);
    assert.deepEqual(await mine(device, name), before);
    await device.page.evaluate((which) => indexedDB.deleteDatabase(which), name);
    await device.close();
  });

  const CLEARED = { everything: 'all', 'the database': 'indexeddb', 'the file of keys': 'file_systems' };
  for (const [what, storageTypes] of Object.entries(CLEARED)) {
    await t.test(`${what} was cleared between sessions`, async () => {
      const begun = await begin();
      const { device } = begun;
      const { deviceID } = await device.login(begun.user, await server.token(begun.user));
      await device.call('logout'); // else its worker may hold the file of keys for a while after its page is gone
      await device.page.goto('about:blank');
      const line = await device.page.context().newCDPSession(device.page);
      await line.send('Storage.clearDataForOrigin', { origin: server.url, storageTypes });
      const login = await again(begun);
      assert.notEqual(login.deviceID, deviceID, 'a new device');
      assert.equal((await damage(device)).length, storageTypes === 'file_systems' ? 1 : 0);
      await intact(begun, what);
      await device.call('logout', { wipe: 'force' });
      await device.close();
    });
  }

  await t.test('everything is cleared while it is open: it says so, and a login begins anew', async () => {
    const begun = await begin();
    const { device, user } = begun;
    const line = await device.page.context().newCDPSession(device.page);
    await line.send('Storage.clearDataForOrigin', { origin: server.url, storageTypes: 'indexeddb' });
    await soon('it is told', async () => (await device.events('ERROR')).some(({ code }) => code === 90014));
    await assert.rejects(device.call('deleteConversation', 'C2Cbob'), ({ code }) => code === 90014);
    await device.login(user, await server.token(user));
    await intact(begun, 'cleared while open');
    await device.call('logout', { wipe: 'force' });
    await device.close();
  });

  await t.test('no database: it says so, and a deletion waits for the server', async () => {
    const user = `user${++people}`;
    await server.load('C2Cbob', talk('bob', 50), user);
    const device = new Device();
    Object.assign(device, { page: await browser.newPage(), address: server.url });
    device.options = { url: server.url, worker: false };
    await device.page.addInitScript(() => Object.defineProperty(globalThis, 'indexedDB', { value: undefined }));
    await device.load();
    const token = await server.token(user);
    assert.equal((await device.login(user, token)).storage, 'memory');
    const held = await device.messages('C2Cbob');
    for (const scope of ['both', 'remote']) {
      const id = scope === 'both' ? held[0].ID : held[1].ID;
      await device.call('setOnline', false);
      await assert.rejects(device.call('deleteMessages', { ids: [id] }, { scope }), ({ name }) => name === 'OFFLINE');
      assert.equal((await device.messages('C2Cbob')).length, scope === 'both' ? 50 : 49, 'nothing was changed');
      await device.online();
      const { server: told } = await device.call('deleteMessages', { ids: [id] }, { scope });
      assert.equal(told, 'acknowledged');
    }
    await device.load();
    await device.login(user, token);
    assert.equal((await device.messages('C2Cbob')).length, 48, 'the page is gone, the deletions are not');
    await device.close();
  });
});

/** The databases of the page's origin. */
function names(device) {
  return device.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
}

/** One of them, by its bytes and its keys'. */
async function mine(device, name) {
  return (await stored(device.page)).find((one) => one.name === name);
}

/** Runs in the page: makes of every value of a table what the function makes of it; tells how many. Foreign keys come too. */
async function change([name, table, source]) {
  const garble = new Function(`return ${source}`)();
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await done(indexedDB.open(name));
  const store = database.transaction(table, 'readwrite').objectStore(table);
  const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
  const changed = keys.map((key, i) => [key, values[i]]).filter(([key]) => table !== 'device' || key === 0);
  for (const [key, value] of changed) {
    store.put(garble(value), key);
  }
  for (const foreign of [0.5, -3, 'a word', [1, 2], new Date(), 2 ** 53 - 1]) {
    store.put('of somebody else', foreign);
  }
  await new Promise((resolve) => {
    store.transaction.oncomplete = resolve;
  });
  database.close();
  return changed.length;
}

/** Runs in the page: makes the database anew without some tables, in its version. */
async function drop([name, missing]) {
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const old = await done(indexedDB.open(name));
  const { version } = old;
  const kept = [];
  for (const table of old.objectStoreNames) {
    const store = old.transaction(table).objectStore(table);
    kept.push({ table, keys: await done(store.getAllKeys()), values: await done(store.getAll()) });
  }
  old.close();
  await done(indexedDB.deleteDatabase(name));
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => {
    for (const { table, keys, values } of kept) {
      if (!missing.includes(table)) {
        const store = request.result.createObjectStore(table);
        keys.forEach((key, i) => {
          store.put(values[i], key);
        });
      }
    }
  };
  (await done(request)).close();
}

/** Runs in the page: gives the database another version. */
async function upgrade([name, version]) {
  const request = indexedDB.open(name, version);
  await new Promise((resolve, reject) => {
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  });
  request.result.close();
}
