// Chatrooms: joined by a device, left with its last tab; nothing of them stays on the device, and nothing on the server
// unless the app says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDatabases } from './database.mjs';
import { soon } from './device.mjs';
import { codeOf, oneEach, say, shows, TwoDevices, textsAtServer, textsShown, wholeMessages } from './two-devices.mjs';

const MARKER = 'H3RZ7TB5YW9QK4XN8VCM';
const NOT_DELETABLE = 10035;
const NO_SUCH_ROOM = 90050;
const NOT_IN_ROOM = 90051;

test('rooms', async (t) => {
  const world = await TwoDevices.start(t);
  const { server } = world;
  const room = (roomID) => server.post('/v1/rooms', { roomID });
  const holds = async (device, text) => (await readDatabases(device.page, [text])).found.has(text);

  /** Both people's devices; the first of each is in the room. */
  async function inRoom(roomID, ann, bob) {
    await room(roomID);
    const four = await world.people(ann, bob);
    await four.a1.call('joinRoom', roomID);
    await four.b1.call('joinRoom', roomID);
    return { ...four, id: `ROOM${roomID}` };
  }

  await t.test('are joined, talked in and left by one device', async () => {
    const { a1, a2, b1, id, close } = await inRoom('lobby', 'ann', 'bob');
    await a1.send('ROOM', 'lobby', MARKER);
    await b1.send('ROOM', 'lobby', 'hello');
    for (const device of [a1, b1]) {
      await shows(device, id, [MARKER, 'hello']);
      assert.ok((await device.list()).includes(id));
    }
    assert.deepEqual(await a2.list(), [], 'the other device of the same person is not in it');
    assert.equal(await codeOf(say(a2, 'ROOM', 'lobby', 'hi')), NOT_IN_ROOM);
    await soon('the device has it', () => holds(b1, MARKER));

    await b1.call('quitRoom', 'lobby');
    assert.deepEqual(await b1.list(), []);
    await soon('its copy goes with leaving', async () => !(await holds(b1, MARKER)));
    assert.equal(await codeOf(say(b1, 'ROOM', 'lobby', 'hi')), NOT_IN_ROOM);
    assert.equal(await codeOf(b1.call('quitRoom', 'lobby')), NOT_IN_ROOM);
    assert.equal(await holds(a1, MARKER), true, 'who is still in it keeps it');
    await a1.send('ROOM', 'lobby', 'bob is gone');
    await b1.call('joinRoom', 'lobby');
    await a1.send('ROOM', 'lobby', 'welcome back');
    await shows(b1, id, ['welcome back']);
    await close();
  });

  await t.test('no client call deletes their messages', async () => {
    const { a1, b1, id, close } = await inRoom('hall', 'amy', 'ben');
    await a1.send('ROOM', 'hall', 'hello');
    await shows(b1, id, ['hello']);
    const [message] = await wholeMessages(b1, id);
    for (const [method, ...args] of [
      ['deleteConversation', id],
      ['deleteConversation', { conversationIDList: [id] }],
      ['clearHistoryMessage', id],
      ['deleteMessage', [message]],
      ...['local', 'remote', 'both'].flatMap((scope) => [
        ['deleteMessages', { ids: [message.ID] }, { scope }],
        ['deleteMessages', { ids: [message.messageID] }, { scope }],
        ['deleteMessages', { conversationID: id }, { scope }],
        ['deleteMessages', { conversationID: id, before: Date.now() }, { scope }],
      ]),
    ]) {
      assert.equal(await codeOf(b1.call(method, ...args)), NOT_DELETABLE, `${method} ${JSON.stringify(args)}`);
    }
    assert.deepEqual(await textsShown(b1, id), ['hello']);
    await close();
  });

  await t.test('a room that there is not is refused, a closed one goes from the devices that are in it', async () => {
    const { a1, b1, id, close } = await inRoom('cellar', 'ada', 'bea');
    assert.equal(await codeOf(a1.call('joinRoom', 'nowhere')), NO_SUCH_ROOM);
    await a1.send('ROOM', 'cellar', 'to be forgotten');
    await shows(b1, id, ['to be forgotten']);
    await server.request('DELETE', '/v1/rooms/cellar');
    for (const told of await oneEach('ROOM_CLOSED', [a1, b1], () => true)) {
      assert.deepEqual(told, [{ roomID: 'cellar' }]);
    }
    for (const device of [a1, b1]) {
      assert.deepEqual(await device.list(), []);
      await soon('its copy goes', async () => !(await holds(device, 'to be forgotten')));
    }
    assert.ok([NO_SUCH_ROOM, NOT_IN_ROOM].includes(await codeOf(say(a1, 'ROOM', 'cellar', 'hi'))));
    assert.equal(await codeOf(a1.call('joinRoom', 'cellar')), NO_SUCH_ROOM);
    await close();
  });

  await t.test('one that was closed while a device was away is gone there, too', async () => {
    const { a1, b1, id, close } = await inRoom('attic', 'alf', 'bix');
    await a1.send('ROOM', 'attic', 'hello');
    await shows(b1, id, ['hello']);
    await b1.call('setOnline', false);
    assert.deepEqual(await textsShown(b1, id), ['hello'], 'losing the connection is not leaving');
    await server.request('DELETE', '/v1/rooms/attic');
    await b1.online();
    await soon('it is gone', async () => (await b1.list()).length === 0);
    await close();
  });

  await t.test('losing the connection is not leaving', async () => {
    const { a1, b1, id, close } = await inRoom('stairs', 'ari', 'bud');
    await b1.call('setOnline', false);
    await a1.send('ROOM', 'stairs', 'while he was away');
    await b1.online();
    await shows(b1, id, ['while he was away']);
    await b1.send('ROOM', 'stairs', 'back again');
    await shows(a1, id, ['while he was away', 'back again']);
    await close();
  });

  await t.test('are left when the last tab goes; after a dead tab at the next start', async () => {
    const { a1, b1, id, close } = await inRoom('porch', 'abe', 'bet');
    const tab = await world.device('b, first', 'bet');
    await tab.call('joinRoom', 'porch');
    await a1.send('ROOM', 'porch', 'still here');
    await shows(b1, id, ['still here']);
    await shows(tab, id, ['still here']);
    await tab.call('quitRoom', 'porch');
    assert.deepEqual(await textsShown(b1, id), ['still here'], 'the other tab is in it');
    await b1.page.goto('about:blank'); // the tab dies inside: nobody says goodbye
    await tab.close();

    const next = await world.device('b, first', 'bet');
    assert.deepEqual(await next.list(), []);
    await soon('its copy is gone', async () => !(await holds(next, 'still here')));
    assert.equal(await codeOf(say(next, 'ROOM', 'porch', 'hi')), NOT_IN_ROOM);
    await Promise.all([next.close(), b1.close()]);
    await close();
  });

  await t.test('are cleared for everybody by the server’s API', async () => {
    const { a1, b1, id, close } = await inRoom('garden', 'ava', 'bo');
    await a1.send('ROOM', 'garden', 'for all');
    await shows(b1, id, ['for all']);
    await server.post('/v1/clear', { conversationID: id, scope: 'everybody', all: true });
    await a1.send('ROOM', 'garden', 'anew');
    assert.deepEqual(await textsAtServer(b1, id), ['anew']);
    await b1.call('quitRoom', 'garden');
    await b1.call('joinRoom', 'garden');
    assert.deepEqual(await textsShown(b1, id), []);
    await close();
  });

  await t.test('keep their history for those who come later only when the app says so', async () => {
    await server.settings({ 'room.cloudHistory': true });
    const { a1, b1, b2, id, close } = await inRoom('tower', 'ava', 'bo');
    await a1.send('ROOM', 'tower', 'for later');
    await shows(b1, id, ['for later']);
    await b2.call('joinRoom', 'tower');
    assert.deepEqual(await textsShown(b2, id), ['for later']);
    await b2.call('quitRoom', 'tower');
    await server.post('/v1/clear', { conversationID: id, scope: 'everybody', all: true });
    await b2.call('joinRoom', 'tower');
    assert.deepEqual(await textsShown(b2, id), []);
    await server.settings({ 'room.cloudHistory': false });
    await close();
  });
});
