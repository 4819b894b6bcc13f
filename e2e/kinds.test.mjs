// Every way to delete, in every kind of conversation, in every scope: what it leaves here, on the server, and of the other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soon } from './device.mjs';
import { shows, TwoDevices, talkOf, textsAtServer, textsShown, wholeMessages } from './two-devices.mjs';

const WORDS = ['one', 'two', 'three'];

/** How a conversation of a kind comes to be with the three words in it, and its ID for its owner and for another. */
const KINDS = {
  C2C: async (server, user) => {
    await server.load('C2Cother', talkOf('other', 1, ...WORDS), user);
    return { id: 'C2Cother', others: `C2C${user}` };
  },
  GROUP: async (server, user) => {
    await server.post('/v1/groups', { groupID: user, members: [user, 'other'] });
    await server.load(`GROUP${user}`, talkOf('other', 1, ...WORDS));
    return { id: `GROUP${user}`, others: `GROUP${user}` };
  },
  '@TIM#SYSTEM': async (server, user) => {
    for (const to of [user, 'other']) {
      for (const text of WORDS) {
        await server.post('/v1/notices', { to, from: user, payload: { text } });
      }
    }
    return { id: `@TIM#SYSTEM${user}`, others: `@TIM#SYSTEM${user}` };
  },
};

/** The ways, and what each leaves of the three words. */
const WAYS = {
  'by ids': { of: (_, [, two]) => ({ ids: [two.messageID] }), leaves: ['one', 'three'] },
  'by message objects': { of: (_, [one, , three]) => ({ messages: [one, three] }), leaves: ['two'] },
  'before a time': {
    of: (conversationID, [one, , three]) => {
      assert.ok(one.sentTime < three.sentTime);
      return { conversationID, before: three.sentTime };
    },
    leaves: null, // notices come within a millisecond: by their times
  },
  whole: { of: (conversationID) => ({ conversationID }), leaves: [] },
};

test('in every kind of conversation', async (t) => {
  const world = await TwoDevices.start(t);
  const device = await world.device('a, first', 'me');
  const other = await world.device('b, first', 'other');
  for (const [kind, make] of Object.entries(KINDS)) {
    await t.test(`${kind}: here only, on the server only, or in both places`, async () => {
      for (const [way, { of, leaves }] of Object.entries(WAYS)) {
        for (const scope of ['local', 'remote', 'both']) {
          const user = `${kind.replace(/\W/g, '')}-${way}-${scope}`;
          const { id, others } = await make(world.server, user);
          await device.call('logout');
          device.user = user;
          await world.login(device);
          await shows(device, id, WORDS);
          const held = await wholeMessages(device, id);
          const third = held[2].sentTime;
          const left = leaves ?? WORDS.filter((_, i) => held[i].sentTime >= third);
          await device.call('deleteMessages', of(id, held), { scope });
          assert.deepEqual(await textsShown(device, id), scope === 'remote' ? WORDS : left, `${way}, ${scope}: here`);
          const far = scope === 'local' ? WORDS : left;
          await soon(`${way}, ${scope}: at the server`, async () => {
            return JSON.stringify(await textsAtServer(device, id)) === JSON.stringify(far);
          });
          assert.deepEqual(await device.list(), [id], 'the conversation stays');
          assert.deepEqual(await textsAtServer(other, others), WORDS, 'the other has all');
        }
      }
    });
  }
});
