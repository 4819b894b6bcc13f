// Two nodes on one PostgreSQL, with NATS between them, and two devices of one user, one on each: what one deletes the other one
// learns at once; without NATS a little later; and when its node is killed it goes on at the other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backing, Balancer } from './backing.mjs';
import { Browser } from './browser.mjs';
import { Device, soon, texts } from './device.mjs';
import { Server } from './server.mjs';

const COUNT = 600;

/** Less than this is at once: a device asks by itself each 25 s. */
const AT_ONCE = 3_000;

test('two nodes', async (t) => {
  const backing = await Backing.start(t);
  const environment = backing.environment;
  const nodes = [await Server.start(t, { environment }), await Server.start(t, { environment })];
  const balancer = await Balancer.start(t, [nodes[0].url]);
  const browsers = [
    await Browser.start(t, { bare: true }),
    await Browser.start(t, { bare: true, tolerated: /ERR_CONNECTION|WebSocket/ }),
  ];
  const names = ['C2Cbob', 'C2Ccid', 'C2Ceve', 'C2Cfay'];
  for (const name of names) {
    await nodes[0].load(name, talk(name.slice(3)), 'ann');
  }

  /** A device of ann on one node: the page and the socket come through the balancer. */
  const open = async (browser, node) => {
    balancer.servers = [node.url];
    const device = await Device.open(browser, { page: balancer.url });
    await device.login('ann', await node.token('ann'));
    return device;
  };
  const first = await open(browsers[0], nodes[0]);
  const second = await open(browsers[1], nodes[1]);
  const words = texts(talk('bob'));
  for (const device of [first, second]) {
    for (const name of names) {
      await shows(device, name, words);
    }
  }

  await t.test('what one device deletes is gone from the other at once', async () => {
    const held = await first.messages('C2Cbob');
    await first.call('deleteMessages', { ids: held.slice(0, 300).map(({ ID }) => ID) });
    await shows(second, 'C2Cbob', words.slice(300), AT_ONCE);
    await second.call('deleteMessages', { conversationID: 'C2Cbob', before: held[400].sentTime });
    await shows(first, 'C2Cbob', words.slice(400), AT_ONCE);
    const begun = Date.now();
    await first.call('deleteConversation', 'C2Cbob');
    await soon('the list follows', async () => !(await second.list()).includes('C2Cbob'), AT_ONCE);
    t.diagnostic(`a deleted conversation is gone from the other node's device after ${Date.now() - begun} ms`);
    await shows(second, 'C2Cbob', []);
    assert.equal((await second.call('inspectConversation', 'C2Cbob')).messages, 0);
  });

  await t.test('without NATS too, a little later', async () => {
    await backing.say('nats stop');
    await soon('both notice', () => nodes.every(({ log }) => log.includes('NATS is gone')));
    const begun = Date.now();
    await first.call('deleteConversation', 'C2Ccid');
    const took = Date.now() - begun;
    assert.ok(took < 1000, `deleting takes ${took} ms`);
    await first.settled('C2Ccid');
    assert.deepEqual(await first.remote('C2Ccid'), []);
    await soon('the list follows', async () => !(await second.list()).includes('C2Ccid'));
    t.diagnostic(`without NATS after ${Date.now() - begun} ms`);
    await backing.say('nats start');
    await soon('both have it back', () => nodes.every(({ log }) => log.includes('NATS is back')));
    const held = await second.messages('C2Ceve');
    await second.call('deleteMessages', { ids: held.slice(0, 100).map(({ ID }) => ID) });
    await shows(first, 'C2Ceve', words.slice(100), AT_ONCE);
  });

  await t.test('a node is killed: its device goes on at the other', async () => {
    balancer.servers = nodes.map(({ url }) => url);
    const held = await second.messages('C2Cfay');
    await nodes[1].kill();
    await second.call('deleteMessages', { ids: held.slice(0, 100).map(({ ID }) => ID) });
    await second.settled('C2Cfay');
    await shows(first, 'C2Cfay', words.slice(100));
    await nodes[1].start();
    await first.call('deleteConversation', 'C2Ceve');
    await shows(second, 'C2Ceve', []);
    for (const device of [first, second]) {
      assert.deepEqual(await device.list(), ['C2Cfay']);
      assert.deepEqual(texts(await device.messages('C2Cfay')), words.slice(100));
      assert.deepEqual(texts(await device.remote('C2Cfay')), words.slice(100));
    }
  });

  await t.test('PostgreSQL is killed: deleting waits for nothing', async () => {
    const held = await first.messages('C2Cfay');
    await backing.say('postgres kill');
    const begun = Date.now();
    const { server } = await first.call('deleteMessages', { ids: held.slice(0, 100).map(({ ID }) => ID) });
    const took = Date.now() - begun;
    assert.ok(took < 1000, `deleting takes ${took} ms`);
    assert.equal(server, 'pending');
    await backing.say('postgres start');
    await first.settled('C2Cfay');
    await shows(second, 'C2Cfay', words.slice(200));
  });
});

/** Waits until the device shows these texts. */
function shows(device, id, expected, patience) {
  return soon(
    `${id}: ${expected.length} messages`,
    async () => {
      const shown = texts(await device.messages(id));
      return shown.length === expected.length && shown.every((text, i) => text === expected[i]);
    },
    patience,
  );
}

function talk(from) {
  return Array.from({ length: COUNT }, (_, i) => ({ from, time: Date.UTC(2026, 0, 1) + i, text: `words ${i}` }));
}
