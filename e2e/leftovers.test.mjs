// Whatever ends a session or a chat, nothing of it is left in the browser: no socket, channel, lock, database connection, file
// handle, worker, timer, listener or Go function; and no socket at the server.
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { Device, soon } from './device.mjs';
import { PROBED, WORKER } from './probe.mjs';
import { Server, site } from './server.mjs';

const PLACES = [
  { place: 'worker', options: { workerURL: WORKER } },
  { place: 'page', options: { worker: false } },
];

for (const { place, options } of PLACES) {
  test(`what is left of a chat in a ${place}`, async (t) => {
    const server = await Server.start(t, { web: site(t, PROBED) });
    const browser = await Browser.start(t, { tolerated: /WebSocket connection to|ERR_CONNECTION_REFUSED/ });
    const atServer = () => socketsOf(server.pid);
    const device = await Device.open(browser, { page: server.url, ...options });
    assert.equal(await device.page.evaluate(() => window.chat.place), place);

    /** What there is now, in the page and its workers. */
    const held = async () => {
      const counts = await device.page.evaluate(async () => {
        const { held, pending } = await navigator.locks.query();
        const names = (await indexedDB.databases()).length;
        return { ...window.probe.count(), locks: held.length, waiting: pending.length, names };
      });
      for (const worker of device.page.workers()) {
        for (const [name, n] of Object.entries(await worker.evaluate(() => self.probe.count()))) {
          counts[name] += n;
        }
      }
      // One alarm of Go's own scheduler, which does not take it back when nobody waits for it any more.
      counts.timers = Math.max(0, counts.timers - 1);
      return counts;
    };
    const realm = () => (place === 'worker' ? device.page.workers()[0] : device.page);
    const idle = await held();
    const standing = await realm().evaluate(() => self.probe.made());
    /** Waits until there is no more than before anybody logged in; names are databases, which may stay. */
    const nothingLeft = async (what, names = idle.names) => {
      let now;
      await soon(what, async () => {
        now = await held();
        return JSON.stringify(now) === JSON.stringify({ ...idle, names });
      }).catch((late) => {
        throw new Error(`${late.message}; left are ${JSON.stringify(now)}, of ${JSON.stringify(idle)}`);
      });
    };

    const use = async (user) => {
      await device.login(user, await server.token(user));
      await device.send('C2C', 'bob', 'one');
      await device.send('C2C', 'bob', 'two');
      const [first] = await device.messages('C2Cbob');
      await device.call('deleteMessages', { ids: [first.ID] });
      await device.settled('C2Cbob');
      const now = await held();
      for (const name of ['sockets', 'channels', 'databases', 'locks', ...(place === 'worker' ? ['handles'] : [])]) {
        assert.ok(now[name] > idle[name], `the probe sees ${name}: ${JSON.stringify(now)}`);
      }
    };

    await t.test('after logout', async () => {
      await use('alice');
      await device.call('logout');
      await nothingLeft('nothing is left after logout', 1);
    });

    await t.test('after wiping', async () => {
      await use('alice');
      await device.call('logout', { wipe: true });
      await nothingLeft('nothing is left after wiping', 0);
    });

    await t.test('after a refused login', async () => {
      await assert.rejects(device.login('alice', await server.token('bob')), { name: 'TOKEN_OTHER_USER' });
      await nothingLeft('nothing is left after a refusal', 0);
    });

    await t.test('after a lost connection', async () => {
      await use('carol');
      const connected = async () =>
        (await device.events('NET_STATE_CHANGE')).filter((e) => e.state === 'connected').length;
      const before = await connected();
      await server.stop();
      await soon('the socket is lost', async () => (await held()).sockets === 0);
      await server.start();
      await soon('it is connected again', async () => (await connected()) > before, 40_000);
      await device.call('logout');
      await nothingLeft('nothing is left after a lost connection', 1);
    });

    await t.test('after a lost connection that never comes back', async () => {
      await use('carol');
      await server.stop();
      await soon('the socket is lost', async () => (await held()).sockets === 0);
      await device.call('logout');
      await nothingLeft('nothing is left without a server', 1);
      await server.start();
    });

    await t.test('after a database that cannot be opened', async () => {
      const token = await server.token('carol');
      await device.page.evaluate(async () => {
        const [{ name }] = await indexedDB.databases();
        const request = indexedDB.open(name, 999_999);
        const db = await new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
        db.close();
      });
      await assert.rejects(device.login('carol', token), { name: 'STORAGE_NEWER' });
      await nothingLeft('nothing is left of a failed login', 1);
    });

    await t.test("and of Go's functions none is left that was made for a session", async () => {
      const made = await realm().evaluate(() => self.probe.made());
      assert.ok(made > standing + 50, `the probe sees them: ${standing}, ${made}`);
      assert.equal(await realm().evaluate((first) => self.probe.unreleased(first), standing), 0);
    });

    await t.test('after destroy, in the middle of a session', async () => {
      await device.load();
      const quiet = await atServer();
      await use('dave');
      assert.ok((await atServer()) > quiet, 'the server has the socket');
      await device.page.evaluate(() => window.chat.destroy());
      await nothingOf(device, 'nothing is left of a chat that was destroyed');
      await soon('the server has no socket of it', async () => (await atServer()) <= quiet);
      // Whoever comes next finds the database and the keys free.
      await device.load();
      await device.login('dave', await server.token('dave'));
      assert.deepEqual(
        (await device.messages('C2Cbob')).map(({ text }) => text),
        ['two'],
      );
      await device.call('logout', { wipe: true });
    });

    await t.test('after destroy, at any moment of a login', async () => {
      for (const wait of [0, 1, 3, 10, 30]) {
        await device.load();
        const token = await server.token('erin');
        await device.page.evaluate(
          async ([given, ms]) => {
            window.chat.login({ userID: 'erin', token: given }).catch(() => {});
            await new Promise((resolve) => setTimeout(resolve, ms));
            window.chat.destroy();
          },
          [token, wait],
        );
        await nothingOf(device, `nothing is left ${wait} ms after login began`);
      }
    });
    await device.close();
  });
}

/** Waits until the page and the origin hold nothing at all. */
async function nothingOf(device, what) {
  let left;
  await soon(what, async () => {
    left = await device.page.evaluate(async () => {
      const { held, pending } = await navigator.locks.query();
      return { ...window.probe.count(), locks: held.length, waiting: pending.length };
    });
    left.threads = device.page.workers().length;
    return Object.values(left).every((n) => n === 0);
  }).catch((late) => {
    throw new Error(`${late.message}: ${JSON.stringify(left)}`);
  });
}

/** How many sockets a process has. */
function socketsOf(pid) {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`).startsWith('socket:');
    } catch {
      return false; // it was closed meanwhile
    }
  }).length;
}
