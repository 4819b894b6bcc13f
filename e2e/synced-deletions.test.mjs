// What a deletion does on the user's other device: with sync.deletions on, with it off, live, after being away, and on a
// device that has lost everything. The other person's devices keep what they have in all cases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soon } from './device.mjs';
import { oneEach, shows, TwoDevices, talkOf, textsAtServer, textsShown } from './two-devices.mjs';

test('deletions on other devices', async (t) => {
  const world = await TwoDevices.start(t);
  const { server } = world;

  /** Two people whose four devices all hold a talk between them and one in a group. */
  async function talking(ann, bob) {
    await server.load(`C2C${bob}`, talkOf(bob, 1, 'one', 'two', 'three', 'four'), ann);
    await server.post('/v1/groups', { groupID: `${ann}-${bob}`, members: [ann, bob] });
    await server.load(`GROUP${ann}-${bob}`, talkOf(bob, 1, 'alpha', 'beta'));
    const people = await world.people(ann, bob);
    const [withBob, withAnn, group] = [`C2C${bob}`, `C2C${ann}`, `GROUP${ann}-${bob}`];
    for (const device of people.all) {
      await shows(device, device.user === ann ? withBob : withAnn, ['one', 'two', 'three', 'four']);
      await shows(device, group, ['alpha', 'beta']);
    }
    return { ...people, withBob, withAnn, group };
  }

  /** Deletes a message, the messages before another, and a conversation, all in both places. */
  async function deletes(device, { withBob, group }) {
    const { messageList } = await device.call('getMessageList', { conversationID: withBob });
    await device.call('deleteMessages', { ids: [messageList[2].ID] });
    await device.call('deleteMessages', { conversationID: withBob, before: messageList[1].sentTime });
    await device.call('deleteConversation', group);
    await device.settled(withBob, group);
  }

  async function othersKeepAll({ b1, b2, withAnn, group }) {
    for (const device of [b1, b2]) {
      assert.deepEqual(await textsShown(device, withAnn), ['one', 'two', 'three', 'four']);
      assert.deepEqual(await textsAtServer(device, withAnn), ['one', 'two', 'three', 'four']);
      assert.deepEqual(await textsShown(device, group), ['alpha', 'beta']);
      assert.ok((await device.list()).includes(group));
    }
  }

  await t.test('switch on: the other device follows live', async () => {
    const four = await talking('ann', 'bob');
    await deletes(four.a1, four);
    await shows(four.a2, four.withBob, ['two', 'four']);
    await soon('the list follows', async () => !(await four.a2.list()).includes(four.group));
    await shows(four.a2, four.group, []);
    await othersKeepAll(four);
    await four.close();
  });

  await t.test('switch on: a device that was away learns it when it comes back', async () => {
    const four = await talking('amy', 'ben');
    await four.a2.call('setOnline', false);
    await deletes(four.a1, four);
    assert.deepEqual(await textsShown(four.a2, four.withBob), ['one', 'two', 'three', 'four'], 'it cannot know yet');
    await four.a2.online();
    await shows(four.a2, four.withBob, ['two', 'four']);
    await soon('the list follows', async () => !(await four.a2.list()).includes(four.group));
    await shows(four.a2, four.group, []);
    await othersKeepAll(four);
    await four.close();
  });

  await t.test('switch on: a device that has lost everything gets nothing of it back', async () => {
    const four = await talking('ada', 'bea');
    await deletes(four.a1, four);
    await four.a2.call('logout', { wipe: 'force' });
    await world.reload(four.a2);
    assert.deepEqual(await four.a2.list(), [four.withBob]);
    assert.deepEqual(await textsShown(four.a2, four.withBob), ['two', 'four']);
    assert.deepEqual(await textsShown(four.a2, four.group), []);
    await othersKeepAll(four);
    await four.close();
  });

  await t.test('switch off: neither live nor after being away', async () => {
    await server.settings({ 'sync.deletions': false });
    const four = await talking('alf', 'bix');
    await deletes(four.a1, four);
    assert.deepEqual(await textsShown(four.a1, four.withBob), ['two', 'four']);
    assert.deepEqual(await textsAtServer(four.a2, four.withBob), ['two', 'four'], 'the history is one for both');
    await server.post('/v1/import', {
      as: 'alf',
      conversationID: four.withBob,
      messages: [{ from: 'bix', time: Date.now(), payload: { text: 'five' } }],
    });
    await shows(four.a2, four.withBob, ['one', 'two', 'three', 'four', 'five']);
    await world.reload(four.a2);
    assert.deepEqual(await textsShown(four.a2, four.withBob), ['one', 'two', 'three', 'four', 'five']);
    assert.deepEqual(await textsShown(four.a2, four.group), ['alpha', 'beta']);
    assert.ok((await four.a2.list()).includes(four.group), 'the conversation stays listed there');
    assert.ok(!(await four.a1.list()).includes(four.group));
    await four.a2.call('logout', { wipe: 'force' });
    await world.reload(four.a2);
    assert.deepEqual(await textsShown(four.a2, four.withBob), ['two', 'four', 'five'], 'a new device has the history');
    await four.close();
  });

  await t.test('the switch counts from the next deletion on, on a running server', async () => {
    await server.settings({ 'sync.deletions': false });
    const four = await talking('ari', 'bud');
    const { messageList } = await four.a1.call('getMessageList', { conversationID: four.withBob });
    await four.a1.call('deleteMessages', { ids: [messageList[0].ID] });
    await four.a1.settled(four.withBob);
    await server.settings({ 'sync.deletions': true });
    await four.a1.call('deleteMessages', { ids: [messageList[1].ID] });
    await shows(four.a2, four.withBob, ['one', 'three', 'four']);
    assert.deepEqual(await textsShown(four.a1, four.withBob), ['three', 'four']);
    await four.close();
  });

  await t.test('a deletion that comes before its messages holds', async () => {
    const four = await talking('abe', 'bet');
    await four.a2.call('setOnline', false);
    for (const text of ['five', 'six', 'seven']) {
      await four.b1.send('C2C', 'abe', text);
    }
    await shows(four.a1, four.withBob, ['one', 'two', 'three', 'four', 'five', 'six', 'seven']);
    const { messageList } = await four.a1.call('getMessageList', { conversationID: four.withBob });
    await four.a1.call('deleteMessage', messageList.slice(4, 6));
    await four.a1.settled(four.withBob);
    await four.a2.online();
    await shows(four.a2, four.withBob, ['one', 'two', 'three', 'four', 'seven']);
    const told = (await four.a2.events('MESSAGE_RECEIVED')).flatMap((data) => data.messageList);
    assert.ok(!told.some(({ payload }) => ['five', 'six'].includes(payload.text)), 'the app never hears of them');
    await four.close();
  });

  await t.test('every change is told once, on the device that acted and on the others', async () => {
    const four = await talking('ava', 'bo');
    const { messageList } = await four.a1.call('getMessageList', { conversationID: four.withBob });
    await four.a1.call('deleteMessages', { ids: [messageList[0].ID, messageList[2].messageID] });
    await shows(four.a2, four.withBob, ['two', 'four']);
    await four.a1.call('clearHistoryMessage', four.withBob);
    await shows(four.a2, four.withBob, []);
    await four.a1.call('deleteConversation', four.group);
    await soon('the list follows', async () => !(await four.a2.list()).includes(four.group));
    // What would be told twice would be told before this arrives.
    await four.b1.send('C2C', 'ava', 'five');
    await shows(four.a1, four.withBob, ['five']);
    await shows(four.a2, four.withBob, ['five']);

    const mine = [four.a1, four.a2];
    const of = (id) => (data) => data.conversationID === id;
    for (const deleted of await oneEach('MESSAGE_DELETED', mine, of(four.withBob))) {
      assert.deepEqual(
        deleted.map(({ seqs }) => seqs),
        [[1, 3]],
      );
    }
    for (const cleared of await oneEach('HISTORY_CLEARED', mine, of(four.withBob))) {
      assert.deepEqual(
        cleared.map(({ through }) => through),
        [4],
      );
    }
    for (const gone of await oneEach('CONVERSATION_DELETED', mine, of(four.group))) {
      assert.equal(gone.length, 1);
    }
    for (const updated of await oneEach('CONVERSATION_LIST_UPDATED', mine, () => true)) {
      assert.ok(updated.some(({ conversationIDList }) => conversationIDList.includes(four.group)));
    }
    for (const received of await oneEach('MESSAGE_RECEIVED', mine, of(four.withBob))) {
      assert.equal(
        received.flatMap((data) => data.messageList).filter(({ payload }) => payload.text === 'five').length,
        1,
      );
    }
    for (const name of ['MESSAGE_DELETED', 'HISTORY_CLEARED', 'CONVERSATION_DELETED']) {
      for (const device of [four.b1, four.b2]) {
        assert.deepEqual(await device.events(name), [], `${name} is no business of the other person`);
      }
    }
    await othersKeepAllButLast(four);
    await four.close();
  });

  async function othersKeepAllButLast({ b1, withAnn }) {
    assert.deepEqual(await textsShown(b1, withAnn), ['one', 'two', 'three', 'four', 'five']);
  }
});
