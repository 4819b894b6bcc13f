// Deleting and sending without a connection, the server stopped or the device kept off the network; what another device
// and another tab learn of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { readDatabases } from './database.mjs';
import { Device, soon, texts } from './device.mjs';
import { Server } from './server.mjs';

test('offline', async (t) => {
  // The page comes from elsewhere, so that it can be loaded while the chat server is down.
  const server = await Server.start(t, { options: ['--origins', '127.0.0.1:*'] });
  const policy = `script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; connect-src 'self' ${server.url.replace('http', 'ws')}`;
  const web = await Server.start(t, { options: ['--csp', policy] });
  const tolerated = { bare: true, tolerated: /ERR_CONNECTION_REFUSED|WebSocket connection to/ };
  const browser = await Browser.start(t, tolerated);
  const elsewhere = await Browser.start(t, tolerated);
  const open = async (where, user) => {
    const device = await Device.open(where, { page: web.url, url: server.url });
    await device.login(user, await server.token(user));
    return device;
  };
  /** Loads the page anew, as a person does, and logs in again with a token from before. */
  const again = async (device, user, token) => {
    await device.load();
    return device.login(user, token);
  };
  const online = (device) =>
    soon(
      'it is connected again',
      async () => (await device.events('NET_STATE_CHANGE')).at(-1)?.state === 'connected',
      40_000,
    );

  await t.test('a deletion outlives the page and reaches the server once', async () => {
    await server.post('/v1/groups', { groupID: 'team', members: ['ann', 'bob'] });
    await server.load('C2Cbob', talk(700, 'bob'), 'ann');
    await server.load('GROUPteam', talk(700, 'bob'));
    const [ann, bob] = [await open(browser, 'ann'), await open(elsewhere, 'bob')];
    const token = await server.token('ann');
    const held = await ann.messages('GROUPteam');
    assert.equal((await ann.messages('C2Cbob')).length, 700);

    await ann.call('setOnline', false);
    await ann.call('deleteConversation', 'C2Cbob');
    const ids = held.filter(({ seq }) => seq % 2 === 0).map(({ ID }) => ID);
    const result = await ann.call('deleteMessages', { ids });
    assert.equal(result.server, 'pending');
    const remote = await ann.call('deleteMessages', { ids: [held[0].ID] }, { scope: 'remote' });
    assert.equal(remote.server, 'pending');
    const odd = texts(held.filter(({ seq }) => seq % 2 === 1));
    await bob.send('C2C', 'ann', 'later');
    assert.equal((await bob.messages('C2Cann')).length, 701, 'the deletion has not left');

    await server.stop();
    assert.equal((await again(ann, 'ann', token)).connected, false);
    assert.deepEqual(await ann.list(), ['GROUPteam']);
    assert.deepEqual(await ann.messages('C2Cbob').catch(({ code }) => code), []);
    assert.deepEqual(texts(await ann.messages('GROUPteam')), odd);
    assert.equal((await readDatabases(ann.page)).tables.outbox.records, 3);

    await server.start();
    await online(ann);
    await soon('nothing is owed', async () => (await readDatabases(ann.page)).tables.outbox.records === 0);
    assert.deepEqual(texts(await ann.remote('GROUPteam')), odd.slice(1));
    assert.deepEqual(texts(await ann.messages('GROUPteam')), odd, 'remote leaves the device alone');
    await soon('what came later brings the conversation back', async () => (await ann.list()).includes('C2Cbob'));
    assert.deepEqual(texts(await ann.messages('C2Cbob')), ['later']);
    assert.deepEqual(texts(await ann.remote('C2Cbob')), ['later']);

    await online(bob);
    await bob.send('C2C', 'ann', 'still later');
    await again(ann, 'ann', token);
    await soon('it comes', async () => (await ann.messages('C2Cbob')).length === 2);
    assert.deepEqual(texts(await ann.remote('C2Cbob')), ['later', 'still later'], 'deleted once, not twice');
    assert.equal((await bob.remote('C2Cann')).length, 702);
    assert.equal((await bob.remote('GROUPteam')).length, 700);
    await Promise.all([ann.close(), bob.close()]);
  });

  await t.test('what was written offline arrives, in order; what was deleted before it left never does', async () => {
    const [cid, dan] = [await open(browser, 'cid'), await open(elsewhere, 'dan')];
    const token = await server.token('cid');
    await cid.send('C2C', 'dan', 'before');
    await cid.call('setOnline', false);
    const first = await cid.send('C2C', 'dan', 'never 1');
    assert.equal(first.status, 'unSend');
    await cid.send('C2C', 'dan', 'one');
    await cid.send('C2C', 'dan', 'never 2');
    await cid.send('C2C', 'dan', 'two');
    await cid.call('deleteMessages', { ids: [first.ID] });

    await server.stop();
    assert.equal((await again(cid, 'cid', token)).connected, false);
    assert.deepEqual(texts(await cid.messages('C2Cdan')), ['before', 'one', 'never 2', 'two']);
    const doomed = (await cid.messages('C2Cdan'))[2];
    await cid.call('deleteMessages', { ids: [doomed.messageID] });
    assert.deepEqual(texts(await cid.messages('C2Cdan')), ['before', 'one', 'two']);
    const whole = await cid.send('C2C', 'eve', 'never 3');
    assert.equal(whole.status, 'unSend');
    await cid.call('deleteConversation', 'C2Ceve');

    await server.start();
    await online(cid);
    await soon('nothing is owed', async () => (await readDatabases(cid.page)).tables.outbox.records === 0);
    await soon('all have arrived', async () => (await dan.messages('C2Ccid')).length === 3);
    assert.deepEqual(texts(await dan.remote('C2Ccid')), ['before', 'one', 'two']);
    assert.deepEqual(texts(await cid.messages('C2Cdan')), ['before', 'one', 'two']);
    assert.ok((await cid.messages('C2Cdan')).every(({ status }) => status === 'success'));
    assert.deepEqual(await cid.list(), ['C2Cdan']);
    const eve = await open(elsewhere, 'eve');
    assert.deepEqual(await eve.list(), [], 'nobody ever wrote to eve');
    await Promise.all([cid.close(), dan.close(), eve.close()]);
  });
});

function talk(count, from) {
  return Array.from({ length: count }, (_, i) => ({ from, time: Date.UTC(2026, 0, 1) + i, text: `words ${i}` }));
}
