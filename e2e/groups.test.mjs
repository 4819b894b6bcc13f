// Conversations that one cannot write to any more (a group that was left, that one was removed from, that is no more) and
// those one never could: notices. All stay listed, readable and deletable.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soon } from './device.mjs';
import { codeOf, say, shows, TwoDevices, textsAtServer, textsShown, wholeMessages } from './two-devices.mjs';

const NOT_A_MEMBER = 10007;
const NO_SUCH_GROUP = 2603;

test('after a group', async (t) => {
  const world = await TwoDevices.start(t);
  const { server } = world;

  /** A group of both people with a word from each; the devices hold both. */
  async function inGroup(groupID, ann, bob) {
    await server.post('/v1/groups', { groupID, members: [ann, bob], open: true });
    const four = await world.people(ann, bob);
    const id = `GROUP${groupID}`;
    await four.a1.send('GROUP', groupID, 'from her');
    await four.b1.send('GROUP', groupID, 'from him');
    for (const device of four.all) {
      await shows(device, id, ['from her', 'from him']);
    }
    return { ...four, id };
  }

  const ENDINGS = {
    quit: ({ a1 }, groupID) => a1.call('quitGroup', groupID),
    removed: ({ a1 }, groupID) => server.post(`/v1/groups/${groupID}/members`, { remove: [a1.user] }),
    dissolved: (_, groupID) => server.request('DELETE', `/v1/groups/${groupID}`),
  };

  for (const [how, end] of Object.entries(ENDINGS)) {
    await t.test(`${how}: it stays listed and readable on both devices, and takes no message`, async () => {
      const four = await inGroup(`${how}-1`, `ann-${how}`, `bob-${how}`);
      await end(four, `${how}-1`);
      for (const device of [four.a1, four.a2]) {
        await soon('it is known', async () => {
          return (await device.call('getConversation', four.id)).conversation.canSend === false;
        });
        assert.ok((await device.list()).includes(four.id));
        assert.equal(await codeOf(say(device, 'GROUP', `${how}-1`, 'too late')), NOT_A_MEMBER);
        assert.deepEqual(await textsAtServer(device, four.id), ['from her', 'from him']);
        await device.call('setOnline', false);
        assert.deepEqual(await textsShown(device, four.id), ['from her', 'from him'], 'held here');
        await device.online();
      }
      if (how !== 'dissolved') {
        await four.b1.send('GROUP', `${how}-1`, 'among ourselves');
        await shows(four.b2, four.id, ['from her', 'from him', 'among ourselves']);
        assert.deepEqual(await textsAtServer(four.a1, four.id), ['from her', 'from him']);
      }
      await four.close();
    });

    await t.test(`${how}: messages and conversation are deletable in every scope`, async () => {
      const four = await inGroup(`${how}-2`, `amy-${how}`, `ben-${how}`);
      await end(four, `${how}-2`);
      const [first, second] = await wholeMessages(four.a1, four.id);
      await four.a1.call('deleteMessages', { ids: [first.ID] }, { scope: 'local' });
      assert.deepEqual(await textsShown(four.a1, four.id), ['from him']);
      assert.deepEqual(await textsAtServer(four.a1, four.id), ['from her', 'from him']);
      await four.a1.call('deleteMessages', { ids: [second.ID] }, { scope: 'remote' });
      assert.deepEqual(await textsAtServer(four.a1, four.id), ['from her']);
      assert.deepEqual(await textsShown(four.a1, four.id), ['from him']);
      await four.a1.call('deleteConversation', four.id);
      assert.deepEqual(await four.a1.list(), []);
      await soon('on the other device, too', async () => (await four.a2.list()).length === 0);
      assert.deepEqual(await textsShown(four.a2, four.id), []);
      await four.a1.settled(four.id);
      assert.deepEqual(await textsAtServer(four.a2, four.id), []);
      for (const device of [four.b1, four.b2]) {
        assert.deepEqual(await textsShown(device, four.id), ['from her', 'from him']);
        assert.deepEqual(await textsAtServer(device, four.id), ['from her', 'from him']);
      }
      await four.close();
    });
  }

  await t.test('who joins again has the history of the stays', async () => {
    const four = await inGroup('again', 'ada', 'bea');
    await four.a1.call('quitGroup', 'again');
    await four.b1.send('GROUP', 'again', 'without her');
    await four.a2.call('joinGroup', 'again');
    await four.b1.send('GROUP', 'again', 'with her again');
    const fresh = await world.device('a, third', 'ada');
    for (const device of [four.a1, four.a2, fresh]) {
      await shows(device, four.id, ['from her', 'from him', 'with her again']);
      assert.deepEqual(await textsAtServer(device, four.id), ['from her', 'from him', 'with her again']);
      assert.equal((await device.call('getConversation', four.id)).conversation.canSend, true);
    }
    await four.a1.send('GROUP', 'again', 'here I am');
    await shows(four.b2, four.id, ['from her', 'from him', 'without her', 'with her again', 'here I am']);
    await fresh.close();
    await four.close();
  });

  await t.test('a group that does not let everybody in is as one that there is not', async () => {
    await server.post('/v1/groups', { groupID: 'closed', members: ['bix'] });
    const ann = await world.device('a, first', 'alf');
    assert.equal(await codeOf(ann.call('joinGroup', 'closed')), NO_SUCH_GROUP);
    assert.equal(await codeOf(ann.call('joinGroup', 'nowhere')), NO_SUCH_GROUP);
    assert.deepEqual(await ann.list(), []);
    await ann.close();
  });
});

test('notices', async (t) => {
  const world = await TwoDevices.start(t);
  const { server } = world;
  for (const sender of ['', 'billing']) {
    const id = `@TIM#SYSTEM${sender}`;
    await t.test(`of ${sender || 'no sender'} are readable, not to be answered, and deletable`, async () => {
      const [ann, bob] = [`ann-${sender}`, `bob-${sender}`];
      const four = await world.people(ann, bob);
      for (const to of [ann, bob]) {
        for (const text of ['welcome', 'maintenance', 'all is well']) {
          await server.post('/v1/notices', { to, from: sender, payload: { text } });
        }
      }
      for (const device of four.all) {
        await shows(device, id, ['welcome', 'maintenance', 'all is well']);
        const { conversation } = await device.call('getConversation', id);
        assert.equal(conversation.type, '@TIM#SYSTEM');
        assert.equal(conversation.canSend, false);
        assert.equal(conversation.unreadCount, 3);
      }
      const [first] = await wholeMessages(four.a1, id);
      await four.a1.call('deleteMessages', { ids: [first.ID] });
      await shows(four.a2, id, ['maintenance', 'all is well']);
      await four.a1.call('deleteConversation', id);
      assert.deepEqual(await four.a1.list(), []);
      await soon('on the other device, too', async () => (await four.a2.list()).length === 0);
      await four.a1.settled(id);
      assert.deepEqual(await textsAtServer(four.a2, id), []);
      assert.deepEqual(await textsShown(four.b1, id), ['welcome', 'maintenance', 'all is well'], 'bob has his own');
      await server.post('/v1/notices', { to: ann, from: sender, payload: { text: 'something new' } });
      await shows(four.a1, id, ['something new']);
      await shows(four.a2, id, ['something new']);
      assert.deepEqual(await four.a2.list(), [id]);
      await four.close();
    });
  }
});
