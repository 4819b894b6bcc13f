// The database goes away under tabs that are open, or belongs to another version: nothing hangs, nothing is lost that is not, and the
// app is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { readDatabases, stored } from './database.mjs';
import { Device, soon, texts } from './device.mjs';
import { inClear, writeInClear } from './format1.mjs';
import { Server } from './server.mjs';

const COUNT = 300;
const BLOCKED = 90012;
const NEWER = 90013;
const LOST = 90014;

test('a database that goes away', async (t) => {
  const server = await Server.start(t);
  const browser = await Browser.start(t);
  let users = 0;

  async function open(user) {
    const tab = await Device.open(browser, { page: server.url });
    const login = await tab.login(user, await server.token(user));
    return Object.assign(tab, login);
  }

  /** A new user with tabs that show the same. */
  async function begin(count = 1) {
    const user = `user${++users}`;
    await server.load('C2Cbob', talk(), user);
    const tabs = [];
    for (let i = 0; i < count; i++) {
      tabs.push(await open(user));
      assert.equal((await tabs[i].messages('C2Cbob')).length, COUNT);
    }
    const ids = (await tabs[0].messages('C2Cbob')).map(({ ID }) => ID);
    const [{ name }] = await stored(tabs[0].page);
    return { user, tabs, ids, name };
  }

  const end = async (...tabs) => {
    await tabs[0].call('logout', { wipe: 'force' });
    await Promise.all(tabs.map((tab) => tab.close()));
  };

  /** A page of the origin without a chat. */
  async function bare() {
    const page = await browser.newPage();
    await page.goto(server.url);
    return page;
  }

  const told = (tab, code) =>
    soon(`${code} is told`, async () => (await tab.events('ERROR')).some((error) => error.code === code));

  /** Every call of the tab is refused with the code. */
  async function refuses(tab, code) {
    for (const call of [
      ['getConversationList'],
      ['getMessageList', { conversationID: 'C2Cbob' }],
      ['deleteConversation', 'C2Cbob'],
      ['setOnline', true],
      ['logout', { wipe: true }],
    ]) {
      await assert.rejects(tab.call(...call), { code }, call[0]);
    }
  }

  await t.test(
    'a newer version is opened in another tab: this one lets go, says so, and leaves what it owes',
    async () => {
      const { user, tabs, ids, name } = await begin();
      const [tab] = tabs;
      await tab.call('setOnline', false);
      await tab.call('deleteMessages', { ids: ids.slice(0, 7) });
      const newer = await bare();
      const waited = await newer.evaluate(async (database) => {
        const start = performance.now();
        window.newer = await new Promise((resolve, reject) => {
          const request = indexedDB.open(database, 77);
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
        return performance.now() - start;
      }, name);
      assert.ok(waited < 3000, `it waited ${waited} ms`);
      await told(tab, NEWER);
      await refuses(tab, NEWER);
      await newer.evaluate(() => window.newer.close());
      const before = await stored(newer);
      assert.equal(before[0].tables.find(({ table }) => table === 'outbox').keys.length, 1, 'what it owed is there');
      // This version, started again, does not touch it either.
      await tab.load();
      await assert.rejects(tab.login(user, await server.token(user)), { code: NEWER });
      assert.deepEqual(await stored(newer), before);
      await newer.evaluate(deleteDatabase, name);
      await Promise.all([newer.close(), tab.close()]);
    },
  );

  await t.test('an older version is open in another tab: it is asked to let go, and waited for', async () => {
    for (const polite of [true, false]) {
      const { user, tabs, ids } = await begin();
      const [tab] = tabs;
      await tab.call('setOnline', false);
      await tab.call('deleteMessages', { ids: ids.slice(0, 7) });
      const [sealed] = await stored(tab.page);
      const clear = inClear(sealed);
      await tab.call('logout', { wipe: 'force' });
      await tab.load();
      const old = await bare();
      await old.evaluate(writeInClear, [sealed.name, clear, polite]);
      const start = Date.now();
      if (!polite) {
        await assert.rejects(tab.login(user, await server.token(user)), { code: BLOCKED });
        const took = Date.now() - start;
        assert.ok(took > 3000 && took < 15_000, `${took} ms`);
        await old.evaluate(() => window.oldTab.close());
      }
      await soon('it can be opened', () =>
        server
          .token(user)
          .then((token) => tab.login(user, token))
          .catch(({ code }) => assert.equal(code, BLOCKED)),
      );
      assert.ok(await old.evaluate(() => window.asked));
      await tab.settled('C2Cbob');
      assert.equal((await tab.remote('C2Cbob')).length, COUNT - 7, 'what the older one owed is delivered');
      assert.equal((await tab.messages('C2Cbob')).length, COUNT - 7);
      await old.close();
      await end(tab);
    }
  });

  for (const count of [1, 2]) {
    await t.test(`it is deleted under ${count} tabs`, async () => {
      const { user, tabs, ids, name, deviceID } = { ...(await begin(count)) };
      await tabs[0].call('deleteMessages', { ids: ids.slice(0, 100) });
      await tabs[0].settled('C2Cbob');
      const other = await bare();
      await other.evaluate(deleteDatabase, name);
      for (const tab of tabs) {
        await told(tab, LOST);
        await refuses(tab, LOST);
      }
      await anew(user, tabs, deviceID);
      await other.close();
      await end(...tabs);
    });

    await t.test(`the site's data is cleared under ${count} tabs, in the middle of their work`, async () => {
      const { user, tabs, ids, deviceID } = { ...(await begin(count)) };
      await tabs[0].call('deleteMessages', { ids: ids.slice(0, 100) });
      await tabs[0].settled('C2Cbob');
      const session = await browser.devTools(tabs[0].page);
      const calls = tabs.map((tab) =>
        tab.page.evaluate(async (all) => {
          const ends = { good: 0, refused: {}, unsettled: 0 };
          window.ends = ends;
          for (const [i, ID] of all.entries()) {
            const call = window.chat.deleteMessages({ ids: [ID] }, { scope: ['local', 'both', 'remote'][i % 3] });
            const how = await Promise.race([
              new Promise((resolve) => setTimeout(resolve, 20_000, 'late')),
              call.then(
                () => 'good',
                ({ code }) => code,
              ),
            ]);
            if (how === 'good') {
              ends.good++;
            } else if (how === 'late') {
              ends.unsettled++;
              break;
            } else {
              ends.refused[how] = (ends.refused[how] ?? 0) + 1;
            }
          }
          return ends;
        }, ids.slice(100)),
      );
      for (const tab of tabs) {
        await soon('it is at work', () => tab.page.evaluate(() => window.ends?.good > 0));
      }
      await session.send('Storage.clearDataForOrigin', { origin: new URL(server.url).origin, storageTypes: 'all' });
      for (const { good, refused, unsettled } of await Promise.all(calls)) {
        assert.equal(unsettled, 0, JSON.stringify(refused));
        assert.ok(good > 0, 'it came too early');
        assert.deepEqual(Object.keys(refused), [String(LOST)], `${good} were good`);
      }
      for (const tab of tabs) {
        await told(tab, LOST);
        await refuses(tab, LOST);
      }
      await anew(user, tabs, deviceID);
      await end(...tabs);
    });
  }

  /** Logging in again begins a new device, which shows nothing of what was deleted, in no tab, and works. */
  async function anew(user, tabs, before) {
    const token = await server.token(user);
    const logins = [];
    for (const tab of tabs) {
      await soon('it can be opened', async () => {
        // not while the browser is still clearing
        const login = await tab.login(user, token).catch(({ code }) => assert.equal(code, LOST));
        return login && logins.push(login);
      });
    }
    assert.equal(new Set(logins.map(({ deviceID }) => deviceID)).size, 1);
    assert.notEqual(logins[0].deviceID, before);
    const left = texts(await tabs[0].remote('C2Cbob'));
    assert.ok(left.length <= COUNT - 100 && !left.includes('words 0'));
    for (const tab of tabs) {
      assert.deepEqual(texts(await tab.messages('C2Cbob')), left);
    }
    await tabs.at(-1).send('C2C', 'bob', 'here again');
    await soon('all tabs show it', async () => {
      const shown = await Promise.all(tabs.map(async (tab) => texts(await tab.messages('C2Cbob')).at(-1)));
      return shown.every((text) => text === 'here again');
    });
    assert.ok((await readDatabases(tabs[0].page)).tables.conversations.records > 0);
  }
});

/** Runs in the page. */
function deleteDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('blocked'));
  });
}

function talk() {
  return Array.from({ length: COUNT }, (_, i) => ({ from: 'bob', time: Date.now() - 100_000 + i, text: `words ${i}` }));
}
