// Recalling a message: away from everybody's devices and from the server, a notice in its place.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDatabases } from './database.mjs';
import { soon } from './device.mjs';
import {
  codeOf,
  oneEach,
  say,
  shows,
  TwoDevices,
  talkOf,
  textsAtServer,
  textsShown,
  wholeMessages,
} from './two-devices.mjs';

const MARKER = 'N5XW8QK2ZC7RJ4VTB9HM';
const TOO_LATE = 10031;
const NOT_YOURS = 10007;

test('recall', async (t) => {
  const world = await TwoDevices.start(t);
  const { server } = world;

  /** Ann's message, as ann and bob name the conversation, on all four devices between two others. */
  async function sent(ann, bob, text = 'a slip') {
    const four = await world.people(ann, bob);
    await four.a1.send('C2C', bob, 'before');
    const slip = await four.a1.send('C2C', bob, text);
    await four.b1.send('C2C', ann, 'after');
    const id = (device) => (device.user === ann ? `C2C${bob}` : `C2C${ann}`);
    for (const device of four.all) {
      await shows(device, id(device), ['before', text, 'after']);
    }
    return { ...four, slip, id };
  }

  await t.test('live, it leaves all devices and databases and the server’s history; a notice says who', async () => {
    const { a1, all, slip, id, close } = await sent('ann', 'bob', MARKER);
    const holds = async (device) => (await readDatabases(device.page, [MARKER])).found.has(MARKER);
    for (const device of all) {
      assert.equal(await holds(device), true, 'before, the device has it');
    }
    const { message } = await a1.call('revokeMessage', slip);
    assert.equal(message.isRevoked, true);
    assert.deepEqual(message.payload, {});
    for (const device of all) {
      await shows(device, id(device), ['before', null, 'after']);
      const [, notice] = await wholeMessages(device, id(device));
      assert.deepEqual(
        [notice.ID, notice.revoker, notice.from, notice.seq, notice.payload],
        [slip.ID, 'ann', 'ann', slip.seq, {}],
      );
      assert.deepEqual(await textsAtServer(device, id(device)), ['before', null, 'after']);
      await soon('its text leaves the database', async () => !(await holds(device)));
    }
    // What would be told twice would be told before this arrives.
    await a1.send('C2C', 'bob', 'done');
    for (const device of all) {
      await shows(device, id(device), ['before', null, 'after', 'done']);
    }
    for (const told of await oneEach('MESSAGE_REVOKED', all, () => true)) {
      assert.deepEqual(
        told.map(({ messageList }) => messageList.map(({ seq, isRevoked, payload }) => ({ seq, isRevoked, payload }))),
        [[{ seq: slip.seq, isRevoked: true, payload: {} }]],
      );
    }
    await close();
  });

  await t.test('a device that was away learns it, also of a message that it never had', async () => {
    const { a1, b1, b2, slip, id, close } = await sent('amy', 'ben');
    await b2.call('setOnline', false);
    const second = await a1.send('C2C', 'ben', 'another slip');
    await shows(b1, id(b1), ['before', 'a slip', 'after', 'another slip']);
    await a1.call('revokeMessage', slip);
    await a1.call('revokeMessage', second);
    await shows(b1, id(b1), ['before', null, 'after', null]);
    assert.deepEqual(await textsShown(b2, id(b2)), ['before', 'a slip', 'after'], 'it cannot know yet');
    await b2.online();
    await shows(b2, id(b2), ['before', null, 'after', null]);
    const told = (await b2.events('MESSAGE_RECEIVED')).flatMap(({ messageList }) => messageList);
    assert.ok(!told.some(({ payload }) => payload.text === 'another slip'), 'the app never hears its text');
    const fresh = await world.device('b, third', 'ben');
    assert.deepEqual(await textsShown(fresh, id(fresh)), ['before', null, 'after', null], 'a new device, too');
    await fresh.close();
    await close();
  });

  await t.test('preview, unread count and quotes follow', async () => {
    const { a1, a2, b1, b2, slip, id, close } = await sent('ada', 'bea');
    const quoting = await say(b1, 'C2C', 'ada', 'I answer', slip);
    assert.equal(quoting.quote.payload.text, 'a slip');
    const last = await a1.send('C2C', 'bea', 'the newest');
    for (const device of [b1, b2]) {
      await soon('it is the preview', async () => {
        const { conversation } = await device.call('getConversation', id(device));
        return conversation.lastMessage.messageForShow === 'the newest';
      });
    }
    await a1.call('revokeMessage', slip);
    await a1.call('revokeMessage', last);
    for (const device of [a1, a2, b1, b2]) {
      await shows(device, id(device), ['before', null, 'after', 'I answer', null]);
      const { quote } = (await wholeMessages(device, id(device)))[3];
      assert.equal(quote.status, 'recalled');
      assert.equal(quote.payload, null);
      const { conversation } = await device.call('getConversation', id(device));
      const { messageForShow, payload } = conversation.lastMessage;
      assert.deepEqual([messageForShow, payload], ['[recalled]', {}], 'the preview has forgotten it');
    }
    assert.equal(await codeOf(say(b1, 'C2C', 'ada', 'again', slip)), 90003, 'what is recalled cannot be quoted');
    await close();
  });

  await t.test('no notice where a user had deleted the message', async () => {
    const { a1, a2, b1, b2, slip, id, close } = await sent('alf', 'bix');
    const [, held] = await wholeMessages(b1, id(b1));
    await b1.call('deleteMessage', [held]);
    await shows(b2, id(b2), ['before', 'after']);
    await a1.call('revokeMessage', slip);
    await shows(a2, id(a2), ['before', null, 'after']);
    await a1.send('C2C', 'bix', 'done');
    for (const device of [b1, b2]) {
      await shows(device, id(device), ['before', 'after', 'done']);
      assert.deepEqual(await device.events('MESSAGE_REVOKED'), []);
    }
    await close();
  });

  await t.test('within the window, which a running server takes anew; by whom, too', async () => {
    await server.load('C2Cbud', talkOf('ari', 1, 'long ago', 'also'), 'ari');
    const four = await world.people('ari', 'bud');
    const [first, second] = await wholeMessages(four.a1, 'C2Cbud');
    const [, theirs] = await wholeMessages(four.b1, 'C2Cari');
    assert.equal(await codeOf(four.a1.call('revokeMessage', first)), TOO_LATE);
    await server.settings({ 'recall.windowSeconds': 0 });
    assert.equal(await codeOf(four.b1.call('revokeMessage', theirs)), NOT_YOURS);
    await four.a1.call('revokeMessage', first);
    await shows(four.b2, 'C2Cari', [null, 'also']);
    await server.settings({ 'recall.windowSeconds': 120, 'recall.ownOnly': false });
    assert.equal(await codeOf(four.b1.call('revokeMessage', theirs)), TOO_LATE);
    await server.settings({ 'recall.windowSeconds': 0 });
    await four.b1.call('revokeMessage', theirs);
    for (const device of [four.a1, four.a2]) {
      await shows(device, 'C2Cbud', [null, null]);
      assert.equal((await wholeMessages(device, 'C2Cbud'))[1].revoker, 'bud');
    }
    assert.equal((await four.a1.call('revokeMessage', second)).message.isRevoked, true, 'twice is once');
    await server.settings({ profile: 'lethe' });
    await four.close();
  });

  await t.test('an administrator’s, by HTTP: of anybody’s message at any time', async () => {
    await server.post('/v1/groups', { groupID: 'team', members: ['abe', 'bet'] });
    await server.load('GROUPteam', talkOf('bet', 3, 'a rude word', 'sorry'));
    await server.load('C2Cbet', talkOf('bet', 3, 'in private'), 'abe');
    const four = await world.people('abe', 'bet');
    for (const device of four.all) {
      await shows(device, 'GROUPteam', ['a rude word', 'sorry']);
    }
    await shows(four.a2, 'C2Cbet', ['in private']);
    await server.post('/v1/recall', { conversationID: 'GROUPteam', seq: 1 });
    await server.post('/v1/recall', { conversationID: 'GROUPteam', seq: 1 });
    await server.post('/v1/recall', { as: 'abe', conversationID: 'C2Cbet', seq: 1 });
    for (const device of four.all) {
      await shows(device, 'GROUPteam', [null, 'sorry']);
      assert.equal((await wholeMessages(device, 'GROUPteam'))[0].revoker, '');
      await shows(device, device.user === 'abe' ? 'C2Cbet' : 'C2Cabe', [null]);
    }
    await assert.rejects(server.post('/v1/recall', { conversationID: 'GROUPteam', seq: 9 }), /404 .*MESSAGE_NOT_FOUND/);
    await four.close();
  });

  await t.test(
    'refuses what it cannot do: without a network, of no message, of a group that one has left',
    async () => {
      const { a1, slip, close } = await sent('ava', 'bo');
      await a1.call('setOnline', false);
      assert.equal(await codeOf(a1.call('revokeMessage', slip)), 2805);
      assert.equal(await codeOf(a1.call('revokeMessage', { ID: '0123456789abcdef-1' })), 90003);
      assert.equal(await codeOf(a1.call('revokeMessage', {})), 2105);
      await a1.online();
      await server.post('/v1/groups', { groupID: 'left', members: ['ava', 'bo'] });
      await soon('she is a member', async () => (await a1.list()).includes('GROUPleft'));
      const here = await a1.send('GROUP', 'left', 'hello');
      await server.post('/v1/groups/left/members', { remove: ['ava'] });
      assert.equal(await codeOf(a1.call('revokeMessage', here)), NOT_YOURS);
      await close();
    },
  );

  await t.test('the server’s files have it no more', async () => {
    const inFiles = (text) =>
      readdirSync(server.data).some((name) => readFileSync(join(server.data, name)).includes(Buffer.from(text)));
    await server.stop();
    assert.equal(inFiles('also'), false);
    assert.equal(inFiles(MARKER), false);
    assert.equal(inFiles('sorry'), true, 'what was not recalled is there');
  });
});
