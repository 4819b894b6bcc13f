// What the server keeps: nothing but what waits for a device where cloud history is off, nothing older than the retention
// where it is on. What a device holds is the device's own in both cases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soon } from './device.mjs';
import { codeOf, shows, TwoDevices, talkOf, textsAtServer, textsShown, wholeMessages } from './two-devices.mjs';

const NOT_ENABLED = 90042;

test('without cloud history', async (t) => {
  const world = await TwoDevices.start(t);
  const { server } = world;
  await server.settings({ profile: 'rongcloud' });

  /** Messages between two people, on all four devices. */
  async function talking(ann, bob) {
    const four = await world.people(ann, bob);
    for (const text of ['one', 'two', 'three']) {
      await four.b1.send('C2C', ann, text);
    }
    const id = (device) => (device.user === ann ? `C2C${bob}` : `C2C${ann}`);
    for (const device of four.all) {
      await shows(device, id(device), ['one', 'two', 'three']);
    }
    return { ...four, withBob: `C2C${bob}`, withAnn: `C2C${ann}` };
  }

  await t.test('remote deletion is refused, and nothing is changed', async () => {
    const four = await talking('ann', 'bob');
    const [first] = await wholeMessages(four.a1, four.withBob);
    for (const which of [
      { ids: [first.ID] },
      { messages: [first] },
      { conversationID: four.withBob },
      { conversationID: four.withBob, before: Date.now() },
    ]) {
      const refusal = await codeOf(four.a1.call('deleteMessages', which, { scope: 'remote' }));
      assert.equal(refusal, NOT_ENABLED, JSON.stringify(which));
    }
    for (const device of [four.a1, four.a2]) {
      assert.deepEqual(await textsShown(device, four.withBob), ['one', 'two', 'three']);
    }
    assert.equal((await four.a1.call('inspectConversation', four.withBob)).outbox, 0);
    await four.close();
  });

  await t.test('local deletion works as ever', async () => {
    const four = await talking('amy', 'ben');
    const [first, second] = await wholeMessages(four.a1, four.withBob);
    await four.a1.call('deleteMessages', { ids: [first.messageID] }, { scope: 'local' });
    assert.deepEqual(await textsShown(four.a1, four.withBob), ['two', 'three']);
    await four.a1.call(
      'deleteMessages',
      { conversationID: four.withBob, before: second.sentTime + 1 },
      { scope: 'local' },
    );
    assert.deepEqual(await textsShown(four.a1, four.withBob), ['three']);
    await world.reload(four.a1);
    assert.deepEqual(await textsShown(four.a1, four.withBob), ['three'], 'nothing comes back from the server');
    assert.deepEqual(await textsShown(four.a2, four.withBob), ['one', 'two', 'three']);
    await four.close();
  });

  await t.test('deletion in both places does its local part and clears what waits for the user’s devices', async () => {
    const four = await talking('ada', 'bea');
    await four.a2.call('setOnline', false);
    await four.b1.send('C2C', 'ada', 'four');
    await shows(four.a1, four.withBob, ['one', 'two', 'three', 'four']);
    await four.a1.call('clearHistoryMessage', four.withBob);
    assert.deepEqual(await textsShown(four.a1, four.withBob), []);
    await four.a1.settled(four.withBob);
    await four.a2.online();
    await four.b1.send('C2C', 'ada', 'five');
    await shows(four.a2, four.withBob, ['one', 'two', 'three', 'five']);
    await shows(four.a1, four.withBob, ['five']);
    assert.deepEqual(await textsShown(four.b2, four.withAnn), ['one', 'two', 'three', 'four', 'five']);
    await four.close();
  });

  await t.test('a message waits until every device has it; a device that comes later gets nothing', async () => {
    const four = await talking('alf', 'bix');
    await four.a2.close();
    await four.b1.send('C2C', 'alf', 'four');
    await shows(four.a1, four.withBob, ['one', 'two', 'three', 'four']);
    const back = await world.device('a, second', 'alf');
    await shows(back, four.withBob, ['one', 'two', 'three', 'four']);
    await back.call('setOnline', false);
    assert.deepEqual(await textsShown(back, four.withBob), ['one', 'two', 'three', 'four'], 'held here');
    await back.online();
    await soon('nothing waits any more', async () => (await textsAtServer(back, four.withBob)).length === 0);
    const fresh = await world.device('a, third', 'alf');
    assert.deepEqual(await textsShown(fresh, four.withBob), []);
    await Promise.all([fresh.close(), back.close(), four.a1.close(), four.b1.close(), four.b2.close()]);
  });

  await t.test('switched on again on the running server, remote deletion works', async () => {
    const four = await talking('ari', 'bud');
    await server.settings({ 'cloudHistory.enabled': true });
    await four.b1.send('C2C', 'ari', 'kept');
    await shows(four.a1, four.withBob, ['one', 'two', 'three', 'kept']);
    const result = await four.a1.call('deleteMessages', { conversationID: four.withBob }, { scope: 'remote' });
    assert.equal(result.server, 'acknowledged');
    assert.deepEqual(await textsAtServer(four.a1, four.withBob), []);
    assert.deepEqual(await textsShown(four.a1, four.withBob), ['one', 'two', 'three', 'kept']);
    await four.close();
  });
});

test('retention', async (t) => {
  const world = await TwoDevices.start(t);
  const { server } = world;

  await t.test('what is older leaves the server’s view of everybody; devices keep what they hold', async () => {
    const written = [...talkOf('bob', 5, 'old', 'older than two days'), ...talkOf('bob', 1, 'young')];
    await server.load('C2Cbob', written, 'ann');
    const { a1, b1, b2, close } = await world.people('ann', 'bob');
    const all = ['old', 'older than two days', 'young'];
    await shows(a1, 'C2Cbob', all);
    await shows(b1, 'C2Cann', all);
    assert.deepEqual(await textsAtServer(a1, 'C2Cbob'), all);

    await server.settings({ 'cloudHistory.retentionDays': 2 });
    for (const [device, id] of [
      [a1, 'C2Cbob'],
      [b1, 'C2Cann'],
      [b2, 'C2Cann'],
    ]) {
      await soon('the server shows it no more', async () => (await textsAtServer(device, id)).length === 1);
    }
    assert.deepEqual(await textsShown(a1, 'C2Cbob'), all);
    await world.reload(a1);
    assert.deepEqual(await textsShown(a1, 'C2Cbob'), all);
    assert.deepEqual(await textsShown(b1, 'C2Cann'), all);
    const fresh = await world.device('a, third', 'ann');
    assert.deepEqual(await textsShown(fresh, 'C2Cbob'), ['young'], 'a new device is given the young only');

    await server.settings({ 'cloudHistory.retentionDays': 180 });
    assert.deepEqual(await textsAtServer(a1, 'C2Cbob'), ['young'], 'what was purged stays away');
    await fresh.close();
    await close();
  });
});
