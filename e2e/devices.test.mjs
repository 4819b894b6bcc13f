// What a user's other devices and other tabs learn of a deletion.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { readDatabases } from './database.mjs';
import { Device, soon, texts } from './device.mjs';
import { Server } from './server.mjs';

test('devices and tabs', async (t) => {
  const server = await Server.start(t);
  const browser = await Browser.start(t, { bare: true });
  const elsewhere = await Browser.start(t, { bare: true });
  const open = async (where, user) => {
    const device = await Device.open(where, { page: server.url });
    await device.login(user, await server.token(user));
    return device;
  };
  const shows = (device, id, expected) =>
    soon(`${id}: ${expected.length} messages`, async () => {
      const shown = texts(await device.messages(id));
      return shown.length === expected.length && shown.every((text, i) => text === expected[i]);
    });
  const words = texts(talk(600));

  await t.test('a second device follows live', async () => {
    await server.load('C2Cbob', talk(600), 'ann');
    await server.load('C2Ccid', talk(600, 'cid'), 'ann');
    const [first, second] = [await open(browser, 'ann'), await open(elsewhere, 'ann')];
    const held = await first.messages('C2Cbob');
    for (const [device, id] of [
      [second, 'C2Cbob'],
      [second, 'C2Ccid'],
      [first, 'C2Ccid'],
    ]) {
      await shows(device, id, words);
    }
    await first.call('deleteMessages', { ids: held.slice(0, 300).map(({ ID }) => ID) });
    await shows(second, 'C2Cbob', words.slice(300));
    await first.call('deleteMessages', { conversationID: 'C2Cbob', before: held[400].sentTime });
    await shows(second, 'C2Cbob', words.slice(400));
    await first.call('deleteMessages', { ids: held.slice(590).map(({ ID }) => ID) });
    await shows(second, 'C2Cbob', words.slice(400, 590));
    const { conversationList } = await second.call('getConversationList');
    const preview = conversationList.find(({ conversationID }) => conversationID === 'C2Cbob').lastMessage;
    assert.equal(preview.messageForShow, words[589], 'the preview follows too');

    await first.call('deleteMessages', { ids: [held[450].ID] }, { scope: 'local' });
    await first.call('deleteMessages', { ids: [held[451].ID] }, { scope: 'remote' });
    await first.settled('C2Cbob');
    await first.call('deleteConversation', 'C2Ccid');
    await soon('the list follows', async () => !(await second.list()).includes('C2Ccid'));
    await shows(second, 'C2Ccid', []);
    assert.deepEqual(texts(await second.messages('C2Cbob')), words.slice(400, 590), 'local and remote stay out of it');
    await soon('its rows go there too', async () => {
      const { tables } = await readDatabases(second.page);
      return tables.garbage.records === 0 && (await second.call('inspectConversation', 'C2Ccid')).messages === 0;
    });
    await Promise.all([first.close(), second.close()]);
  });

  await t.test('a second device that was away learns it when it comes back', async () => {
    await server.load('C2Cbob', talk(600), 'dan');
    await server.load('C2Ccid', talk(600, 'cid'), 'dan');
    await server.load('C2Ceve', talk(600, 'eve'), 'dan');
    const [first, second] = [await open(browser, 'dan'), await open(elsewhere, 'dan')];
    for (const id of ['C2Cbob', 'C2Ccid', 'C2Ceve']) {
      await shows(second, id, words);
    }
    const held = await first.messages('C2Cbob');
    await second.close();
    await first.call('deleteMessages', { ids: held.filter(({ seq }) => seq % 2 === 0).map(({ ID }) => ID) });
    await first.call('deleteConversation', 'C2Ccid');
    await first.call('deleteConversation', { conversationIDList: ['C2Ceve'], clearHistoryMessage: false });
    await first.settled('C2Cbob', 'C2Ccid', 'C2Ceve');

    const back = await open(elsewhere, 'dan');
    assert.deepEqual(await back.list(), ['C2Cbob'], 'at once, with the login');
    await shows(
      back,
      'C2Cbob',
      words.filter((_, i) => i % 2 === 0),
    );
    await shows(back, 'C2Ccid', []);
    await shows(back, 'C2Ceve', words);
    await Promise.all([first.close(), back.close()]);
  });

  await t.test('two tabs of one user are one device', async () => {
    await server.load('C2Cbob', talk(600), 'fay');
    await server.load('C2Ccid', talk(600, 'cid'), 'fay');
    const [left, right] = [await open(browser, 'fay'), await open(browser, 'fay')];
    for (const tab of [left, right]) {
      await shows(tab, 'C2Cbob', words);
      await shows(tab, 'C2Ccid', words);
    }
    const held = await left.messages('C2Cbob');
    // Off the network, what one tab does can reach the other through the device only.
    for (const tab of [left, right]) {
      await tab.call('setOnline', false);
    }
    await left.call('deleteConversation', 'C2Ccid');
    await soon('the other tab sees it', async () => !(await right.list()).includes('C2Ccid'));
    await shows(right, 'C2Ccid', []);
    await right.call('deleteMessages', { ids: held.slice(0, 100).map(({ ID }) => ID) });
    await shows(left, 'C2Cbob', words.slice(100));
    await right.call('deleteMessages', { ids: held.slice(100, 200).map(({ ID }) => ID) }, { scope: 'local' });
    await shows(left, 'C2Cbob', words.slice(200));
    assert.equal((await readDatabases(left.page)).tables.outbox.records, 2);

    await left.close();
    await right.online();
    await right.settled('C2Cbob', 'C2Ccid');
    assert.deepEqual(await right.remote('C2Ccid'), [], 'one tab sends what the other has left');
    assert.deepEqual(texts(await right.remote('C2Cbob')), words.slice(100));
    await right.close();
  });

  await t.test('two tabs on the network delete at the same time', async () => {
    await server.load('C2Cbob', talk(600), 'gus');
    const [left, right] = [await open(browser, 'gus'), await open(browser, 'gus')];
    await shows(right, 'C2Cbob', words);
    const held = await left.messages('C2Cbob');
    const ids = held.map(({ ID }) => ID);
    await Promise.all(
      [0, 1, 2, 3, 4, 5].map((n) =>
        (n % 2 ? left : right).call('deleteMessages', { ids: ids.slice(n * 90, n * 90 + 100) }),
      ),
    );
    await shows(left, 'C2Cbob', words.slice(550));
    await shows(right, 'C2Cbob', words.slice(550));
    await left.settled('C2Cbob');
    assert.deepEqual(texts(await left.remote('C2Cbob')), words.slice(550));
    await Promise.all([left.close(), right.close()]);
  });
});

function talk(count, from = 'bob') {
  return Array.from({ length: count }, (_, i) => ({ from, time: Date.UTC(2026, 0, 1) + i, text: `words ${i}` }));
}
