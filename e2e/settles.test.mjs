// Every call settles: with a result or a LetheError, whatever dies or falls silent while it is under way.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { Device, soon } from './device.mjs';
import { ROOT, Server } from './server.mjs';

/** How long a call may take, ms: what docs/promises.md says. */
const PATIENCE = 30_000;

/** One call of every method that needs the core, on the user's conversations C2Ca … C2Cd. */
const CALLS = {
  getConversationList: [],
  getConversation: ['C2Ca'],
  getMessageList: [{ conversationID: 'C2Ca', count: 50 }],
  fetchRemoteHistory: [{ conversationID: 'C2Cb', count: 50 }],
  joinGroup: ['open'],
  quitGroup: ['left'],
  joinRoom: ['lobby'],
  quitRoom: ['hall'],
  setMessageRead: [{ conversationID: 'C2Cb' }],
  setDraft: [{ conversationID: 'C2Cb', text: 'not yet' }],
  deleteConversation: ['C2Ca'],
  clearHistoryMessage: ['C2Cc'],
  deleteMessage: ['a list'],
  deleteMessages: [{ conversationID: 'C2Cd', upTo: 2 }, { scope: 'remote' }],
  inspectConversation: ['C2Cb'],
  sendMessage: ['a message'],
  revokeMessage: ['a sent message'],
  setOnline: [true],
  login: ['the same user'],
};

/** Methods that need no core, and the one that ends all others. */
const OTHERS = ['createTextMessage', 'createCustomMessage', 'on', 'off', 'destroy', 'logout'];

test('every call settles', async (t) => {
  const server = await Server.start(t);
  const browser = await Browser.start(t, { bare: true, tolerated: /WebSocket|ERR_CONNECTION|net::ERR/ });
  for (const groupID of ['open', 'left']) {
    await server.post('/v1/groups', { groupID, members: [], open: true });
  }
  for (const roomID of ['lobby', 'hall']) {
    await server.post('/v1/rooms', { roomID });
  }
  let users = 0;

  /** A device of a new user with four conversations, a message of its own, a group and a room. */
  async function device() {
    const user = `u${++users}`;
    for (const other of ['a', 'b', 'c', 'd']) {
      await server.load(
        `C2C${other}`,
        Array.from({ length: 5 }, (_, i) => ({ from: other, time: 1e12 + i, text: `${i}` })),
        user,
      );
    }
    const made = await Device.open(browser, { page: server.url });
    const token = await server.token(user);
    await made.login(user, token);
    await made.call('joinGroup', 'left');
    await made.call('joinRoom', 'hall');
    await made.send('C2C', 'b', 'mine');
    await made.page.evaluate(
      (again) => {
        window.again = again;
      },
      { userID: user, token },
    );
    return made;
  }

  /** Makes all calls at once, and has the fault strike while they are under way. Returns what became of each, by method. */
  function strike(made, calls, fault) {
    return made.page.evaluate(
      async ([given, patience, action]) => {
        const { messageList } = (await window.chat.getMessageList({ conversationID: 'C2Cb', count: 50 })).data;
        const special = {
          deleteMessage: [messageList.slice(0, 1)],
          revokeMessage: [messageList.at(-1)],
          sendMessage: [window.chat.createTextMessage({ to: 'd', conversationType: 'C2C', payload: { text: 'late' } })],
          login: [window.again],
        };
        const ends = {};
        const all = Object.entries(given).map(async ([name, args]) => {
          const late = new Promise((resolve) => setTimeout(() => resolve('never'), patience));
          const end = window.chat[name](...(special[name] ?? args)).then(
            () => 'resolved',
            (thrown) =>
              thrown instanceof Lethe.LetheError && Number.isInteger(thrown.code) ? thrown.code : `${thrown}`,
          );
          ends[name] = await Promise.race([end, late]);
        });
        const pending = Object.keys(given).length - Object.keys(ends).length;
        if (action === 'destroy') window.chat.destroy();
        if (action === 'logout')
          ends.logout = await window.chat.logout({ wipe: 'force' }).then(
            () => 'resolved',
            (e) => e.code,
          );
        window.struck?.();
        await Promise.all(all);
        return { ends, pending };
      },
      [calls, PATIENCE, fault],
    );
  }

  function check({ ends, pending }, calls) {
    assert.ok(pending > 10, `only ${pending} calls were under way`);
    for (const name of Object.keys(calls)) {
      assert.ok(ends[name] === 'resolved' || Number.isInteger(ends[name]), `${name}: ${ends[name]}`);
    }
  }

  await t.test('the table above has every method', () => {
    const source = readFileSync(join(ROOT, 'js/chat.ts'), 'utf8');
    const methods = [...source.matchAll(/^ {2}(?:async )?(\w+)[(<].*\{$|^ {2}async (\w+)\($/gm)].map(
      (m) => m[1] ?? m[2],
    );
    const wanted = new Set([...methods.filter((name) => name !== 'constructor'), 'deleteConversation']);
    assert.deepEqual([...wanted].sort(), [...Object.keys(CALLS), ...OTHERS].sort());
  });

  for (const action of ['destroy', 'logout']) {
    await t.test(`${action} comes between`, async () => {
      const made = await device();
      check(await strike(made, CALLS, action), CALLS);
      await made.close();
    });
  }

  await t.test('the worker dies', async () => {
    const made = await device();
    const [worker] = made.page.workers();
    let heard;
    const struck = new Promise((resolve) => {
      heard = resolve;
    });
    await made.page.exposeFunction('struck', heard);
    const ends = strike(made, CALLS);
    await struck;
    worker.evaluate(() => self.close()).catch(() => {}); // not waited for: who is gone gives no answer
    check(await ends, CALLS);
    await soon('the worker is gone', () => made.page.workers().length === 0);
    await made.close();
  });

  for (const [what, strikeServer, heal] of [
    ['falls silent', () => server.signal('SIGSTOP'), () => server.signal('SIGCONT')],
    ['is killed', () => server.kill(), () => server.start()],
  ]) {
    await t.test(`the server ${what}`, async () => {
      const made = await device();
      await strikeServer();
      try {
        check(await strike(made, CALLS), CALLS);
        // Something is owed now, so this cannot be done without the server.
        const refused = await made.call('logout', { wipe: true }).then(
          () => 'resolved',
          (e) => e.code,
        );
        assert.equal(refused, 90008);
        await made.call('logout');
        const again = await made.page.evaluate(() =>
          window.chat.login(window.again).then(({ data }) => data.connected),
        );
        assert.equal(again, false);
      } finally {
        await heal();
      }
      await made.settled('C2Ca', 'C2Cb', 'C2Cc', 'C2Cd');
      await made.close();
    });
  }
});
