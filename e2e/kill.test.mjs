// The browser dies: right after a deletion resolved, in the middle of one, in the middle of reclaiming. A deletion is there
// whole or not at all, and what was deleted does not come back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Browser } from './browser.mjs';
import { readDatabases } from './database.mjs';
import { Device, soon, texts } from './device.mjs';
import { Server } from './server.mjs';
import { randomNumbers } from './talk.mjs';

const COUNT = 3000;

/** The deletions, with what each leaves of a conversation of COUNT messages. */
const DELETIONS = [
  {
    name: 'a conversation',
    call: () => ['deleteConversation', 'C2Cbob'],
    leaves: () => false,
  },
  {
    name: '1 000 messages',
    call: (held) => ['deleteMessages', { ids: held.filter(({ seq }) => seq % 3 === 0).map(({ ID }) => ID) }],
    leaves: ({ seq }) => seq % 3 !== 0,
  },
  {
    name: 'all before a time',
    call: (held) => ['deleteMessages', { conversationID: 'C2Cbob', before: held[2000].sentTime }],
    leaves: ({ seq }) => seq > 2000,
  },
];

test('the browser is killed', async (t) => {
  const seed = Number(process.env.LETHE_SEED ?? 1);
  t.diagnostic(`seed ${seed}`);
  const random = randomNumbers(seed);
  const server = await Server.start(t);
  const browser = await Browser.start(t);
  let round = 0;

  /** A user with a conversation of COUNT messages on the device, off the network so that a deletion must outlive the kill. */
  const begin = async () => {
    const user = `user-${++round}`;
    // It cannot be hidden by compression, and goes with every deletion.
    const marker = `K7Q2ZX9W${round}J4VB8YH5TD3M`;
    await server.load('C2Cbob', talk(marker), user);
    const device = await Device.open(browser, { page: server.url });
    await device.login(user, await server.token(user));
    const held = await device.messages('C2Cbob');
    assert.equal(held.length, COUNT);
    await device.call('setOnline', false);
    assert.ok((await readDatabases(device.page, [marker])).found.has(marker));
    return { user, device, held, marker };
  };

  /** Starts the browser again and holds what the device shows, keeps and tells the server to what may be left. */
  const check = async ({ user, marker }, outcomes) => {
    await browser.start();
    const device = await Device.open(browser, { page: server.url });
    await device.login(user, await server.token(user));
    const shown = await device.messages('C2Cbob');
    const outcome = outcomes.find((left) => left.length === shown.length);
    assert.ok(outcome, `${shown.length} messages are left: neither whole nor nothing`);
    assert.deepEqual(texts(shown), texts(outcome));
    await soon('all is told and reclaimed', async () => {
      const { tables } = await readDatabases(device.page);
      return tables.outbox.records === 0 && tables.garbage.records === 0;
    });
    assert.deepEqual(texts(await device.remote('C2Cbob')), texts(outcome), 'the server agrees');
    const held = await device.call('inspectConversation', 'C2Cbob');
    assert.equal(held.messages, outcome.length, 'rows on the device');
    const { found } = await readDatabases(device.page, [marker]);
    assert.equal(found.has(marker), texts(outcome).includes(marker));
    await device.load();
    await device.login(user, await server.token(user));
    assert.deepEqual(texts(await device.messages('C2Cbob')), texts(outcome), 'nothing comes back');
    await device.close();
  };

  for (const { name, call, leaves } of DELETIONS) {
    await t.test(`${name}: the moment it has resolved`, async () => {
      const begun = await begin();
      const { device, held } = begun;
      await device.call(...call(held));
      await browser.kill();
      await check(begun, [held.filter(leaves)]);
    });

    await t.test(`${name}: while its rows are reclaimed`, async () => {
      const begun = await begin();
      const { device, held } = begun;
      await device.call(...call(held));
      await wait(random() * 60);
      await browser.kill();
      await check(begun, [held.filter(leaves)]);
    });

    await t.test(`${name}: in the middle of the call`, async () => {
      const begun = await begin();
      const { device, held } = begun;
      const [method, argument] = call(held);
      await device.page.evaluate(
        ([name, given]) => {
          window.chat[name](given); // not waited for
        },
        [method, argument],
      );
      await wait(random() * 20);
      await browser.kill();
      await check(begun, [held, held.filter(leaves)]);
    });
  }
});

function talk(marker) {
  return Array.from({ length: COUNT }, (_, i) => ({
    from: 'bob',
    time: Date.UTC(2026, 0, 1) + i,
    text: i === 299 ? marker : `words ${i}`,
  }));
}
