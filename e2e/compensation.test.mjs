// What a new device of the same user is given of messages that were deleted on the server: the three cases of the RongCloud
// document, each with a profile that the user was never on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, shows, TwoDevices, talkOf, textsAtServer, textsShown } from './two-devices.mjs';

test('compensation', async (t) => {
  const world = await TwoDevices.start(t);
  const { server } = world;

  /** Ann's first device holds what bob wrote; then it deletes on the server by remove(device), and a new device comes. */
  async function newDeviceAfter(ann, written, remove) {
    await server.load('C2Cbob', written, ann);
    const first = await world.device('a, first', ann);
    await shows(
      first,
      'C2Cbob',
      written.map(({ text }) => text),
    );
    await remove(first);
    const second = await world.device('a, second', ann);
    return { first, second, close: () => world.leave(first, second) };
  }

  const byTime = async (device) => {
    const before = Date.now() + 60_000;
    const { server: far } = await device.call(
      'deleteMessages',
      { conversationID: 'C2Cbob', before },
      { scope: 'remote' },
    );
    assert.equal(far, 'acknowledged');
    assert.deepEqual(await textsAtServer(device, 'C2Cbob'), []);
  };

  await t.test('deleted by time, the switch off: a new device still gets them', async () => {
    await server.settings({ 'compensation.clearedByTime': false });
    const { first, second, close } = await newDeviceAfter('ann', talkOf('bob', 1, 'one', 'two', 'three'), byTime);
    assert.deepEqual(await textsShown(second, 'C2Cbob'), ['one', 'two', 'three']);
    assert.deepEqual(await textsAtServer(second, 'C2Cbob'), [], 'they are not in the history');
    assert.deepEqual(await textsShown(first, 'C2Cbob'), ['one', 'two', 'three'], 'remote leaves the device alone');
    await second.call('setOnline', false);
    assert.deepEqual(await textsShown(second, 'C2Cbob'), ['one', 'two', 'three'], 'the device holds them');
    await close();
  });

  await t.test('deleted by time, the switch on: a new device does not get them', async () => {
    await server.settings({ 'compensation.clearedByTime': true });
    const { first, second, close } = await newDeviceAfter('amy', talkOf('bob', 1, 'one', 'two', 'three'), byTime);
    assert.deepEqual(await textsShown(second, 'C2Cbob'), []);
    assert.deepEqual(await textsShown(first, 'C2Cbob'), ['one', 'two', 'three']);
    await close();
  });

  for (const clearedByTime of [false, true]) {
    const state = clearedByTime ? 'on' : 'off';
    await t.test(`deleted by message objects, the switch ${state}: a new device never gets them`, async () => {
      await server.settings({ 'compensation.clearedByTime': clearedByTime });
      const written = talkOf('bob', 1, 'one', 'two', 'three');
      const { first, second, close } = await newDeviceAfter(`abe-${state}`, written, async (device) => {
        const { messageList } = await device.call('getMessageList', { conversationID: 'C2Cbob' });
        const some = messageList.filter(({ payload }) => payload.text !== 'two');
        await device.call('deleteMessages', { messages: some }, { scope: 'remote' });
        assert.deepEqual(await textsAtServer(device, 'C2Cbob'), ['two']);
      });
      assert.deepEqual(await textsShown(second, 'C2Cbob'), ['two']);
      assert.deepEqual(await textsShown(first, 'C2Cbob'), ['one', 'two', 'three']);
      await close();
    });
  }

  await t.test('goes back as many days as the setting says, and none with 0', async () => {
    await server.settings({ 'compensation.clearedByTime': false, 'compensation.days': 2 });
    const written = [...talkOf('bob', 3, 'too old'), ...talkOf('bob', 1, 'young')];
    const { second, close } = await newDeviceAfter('ada', written, byTime);
    assert.deepEqual(await textsShown(second, 'C2Cbob'), ['young']);
    await close();
    await server.settings({ 'compensation.days': 0 });
    const none = await newDeviceAfter('alf', talkOf('bob', 1, 'one'), byTime);
    assert.deepEqual(await textsShown(none.second, 'C2Cbob'), []);
    await none.close();
  });

  await t.test('a device that was there before is not given anything again', async () => {
    await server.settings({ profile: 'lethe', 'compensation.clearedByTime': false });
    const { first, second, close } = await newDeviceAfter('ari', talkOf('bob', 1, 'one', 'two'), byTime);
    await first.call('deleteMessages', { conversationID: 'C2Cbob' }, { scope: 'local' });
    await world.reload(first);
    assert.deepEqual(await textsShown(first, 'C2Cbob'), []);
    assert.deepEqual(await textsShown(second, 'C2Cbob'), ['one', 'two']);
    assert.equal(await codeOf(first.call('getConversation', 'C2Cbob')), 0, 'the conversation is still known');
    await close();
  });
});
