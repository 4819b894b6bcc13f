// A disk that is really full: deleting works and lasts, sending says so and changes nothing, and
// when there is room again all is well. Chromium itself may
// lose a database in which a write has failed for want of room: so none is begun without.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { Device, soon } from './device.mjs';
import { Disk } from './disk.mjs';
import { Server } from './server.mjs';

const COUNT = 3000;
const STORAGE_FULL = /STORAGE_FULL/;

function talk(from, count = COUNT) {
  return Array.from({ length: count }, (_, i) => ({
    from,
    time: Date.UTC(2026, 0, 1) + i,
    text: `${from} ${i} ${(i * 7919) % 104729}`,
  }));
}

test('full', async (t) => {
  const disk = Disk.mount(t, 224);
  if (!disk) {
    return;
  }
  const server = await Server.start(t);
  const profile = join(disk.path, 'profile');
  mkdirSync(profile);
  // The browser has more to write than we, and says so.
  const browser = await Browser.start(t, { profile, tolerated: /./ });
  let people = 0;

  const begin = async () => {
    const user = `user${++people}`;
    for (const [peer, count] of Object.entries({ bob: COUNT, cid: 600, dan: 600 })) {
      await server.load(`C2C${peer}`, talk(peer, count), user);
    }
    const device = await Device.open(browser, { page: server.url });
    await device.login(user, await server.token(user));
    const held = {};
    for (const peer of ['bob', 'cid', 'dan']) {
      held[peer] = await device.messages(`C2C${peer}`);
    }
    await soon('the reserve is held', async () => (await held12(device)) >= 1);
    return { user, device, held };
  };
  /** What the device shows, all of it. */
  const shown = async (device) => {
    const out = {};
    for (const id of (await device.list()).sort()) {
      out[id] = (await device.messages(id)).map(({ seq, text }) => `${seq} ${text}`);
    }
    return out;
  };
  const restart = async ({ user }) => {
    await browser.kill();
    await browser.start();
    const device = await Device.open(browser, { page: server.url });
    await device.login(user, await server.token(user));
    return device;
  };

  await t.test('the disk: sending is refused, deleting works, and both last', async () => {
    const begun = await begin();
    const { device, held } = begun;
    await device.call('setOnline', false);
    disk.fill();
    assert.equal(disk.free, 0);
    const before = await shown(device);
    const { outbox } = await device.call('inspectConversation', 'C2Cbob');
    for (let i = 0; i < 3; i++) {
      await assert.rejects(device.send('C2C', 'bob', 'no room for this'), STORAGE_FULL);
    }
    assert.ok(disk.free < 1 << 20, 'the reserve is not for sending'); // what the browser has freed itself is less
    assert.deepEqual(await shown(device), before);
    assert.equal((await device.call('inspectConversation', 'C2Cbob')).outbox, outbox);

    const ids = held.bob.filter(({ seq }) => seq % 10 === 0).map(({ ID }) => ID);
    const begunAt = performance.now();
    assert.equal((await device.call('deleteMessages', { ids })).deleted.length, ids.length);
    t.diagnostic(`deleting ${ids.length} messages on a full disk: ${(performance.now() - begunAt).toFixed(0)} ms`);
    const { erasure } = await device.call('deleteConversation', 'C2Ccid');
    assert.equal(erasure, 'erased');
    await assert.rejects(device.send('C2C', 'bob', 'nor for this'), STORAGE_FULL);
    const after = {
      C2Cbob: before.C2Cbob.filter((_, i) => (i + 1) % 10 !== 0),
      C2Cdan: before.C2Cdan,
    };
    assert.deepEqual(await shown(device), after);

    const later = await restart(begun);
    assert.deepEqual(await shown(later), after, 'what was deleted on a full disk stays deleted');
    await later.settled('C2Cbob', 'C2Ccid');
    assert.equal((await later.remote('C2Ccid')).length, 0);
    disk.clear();
    await soon('there is room again', () =>
      later.send('C2C', 'dan', 'at last').then(
        () => true,
        () => false,
      ),
    );
    const last = await restart(begun);
    assert.deepEqual(Object.keys(await shown(last)), ['C2Cbob', 'C2Cdan']);
    assert.equal((await last.messages('C2Cdan')).at(-1).text, 'at last');
    await last.call('logout', { wipe: 'force' });
  });
});

/** How many reserves of 12 MiB the origin holds. */
function held12(device) {
  return device.page.evaluate(async () => {
    let n = 0;
    for await (const file of (await navigator.storage.getDirectory()).values()) {
      n += (await file.getFile()).size === 12 << 20 ? 1 : 0;
    }
    return n;
  });
}
