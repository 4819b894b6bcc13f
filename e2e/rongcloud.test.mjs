// lethe-im/rongcloud in Chromium against the server: the document's snippets as they stand, and our own words for the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { ordinalOf, readDatabases } from './database.mjs';
import { soon, texts } from './device.mjs';
import { beside, rongcloudPage, rongcloudSnippets, rowsGone } from './faces.mjs';
import { Server } from './server.mjs';

/** The other user of the document's snippets. */
const TARGET = '会话 Id';
const WORDS = ['one', 'two', 'three', 'four', 'five'];

/** Runs code in which IMEngine is the page's, and gives what its engine's calls resolved to. */
function run(page, code) {
  return page.evaluate(async (source) => {
    const made = [];
    const recording = new Proxy(engine, {
      get:
        (target, name) =>
        (...args) => {
          const result = target[name](...args);
          made.push(result);
          return result;
        },
    });
    new Function('IMEngine', source)({ getInstance: () => recording });
    return Promise.all(made);
  }, code);
}

/** The texts that the engine shows of a conversation, from the given call. */
function shownBy(page, call, target, type = 1) {
  return page.evaluate(
    async ([method, targetId, conversationType]) => {
      const { code, data } = await engine[method](named(conversationType, targetId), { count: 100 });
      return code === EngineError.Success ? [...data].map(({ content }) => content.content) : code;
    },
    [call, target, type],
  );
}

/** A user who has five messages from the other one, on an empty device: a page with the face, and a tab that looks. */
class Mine {
  static async start(t, server, user, other) {
    const mine = new Mine();
    const browser = await Browser.start(t, { bare: true });
    mine.page = await rongcloudPage(browser, server, user);
    mine.look = await beside(browser, server, user);
    mine.id = `C2C${other.user}`;
    mine.user = user;
    mine.other = other;
    for (const words of WORDS) {
      await other.device.send('C2C', user, words);
    }
    await soon('all is here', async () => texts(await mine.look.messages(mine.id)).length === WORDS.length);
    mine.messages = await mine.look.messages(mine.id);
    return mine;
  }

  /** Holds what is left to what is expected: on the device, as API and database have it, and on the server. */
  async left({ device, server }) {
    assert.deepEqual(await shownBy(this.page, 'getHistoryMessages', this.other.user), device);
    await soon(`the database holds ${device.length}`, async () => {
      const { messages } = await this.look.call('inspectConversation', this.id);
      return messages === device.length;
    });
    assert.deepEqual(await shownBy(this.page, 'getRemoteHistoryMessages', this.other.user), server);
    const { messages } = await this.look.call('inspectConversation', this.id);
    assert.equal(messages, device.length, 'reading the server’s history stores nothing');
    assert.deepEqual(texts(await this.other.device.remote(`C2C${this.user}`)), WORDS);
    assert.deepEqual(texts(await this.other.device.messages(`C2C${this.user}`)), WORDS);
  }
}

/** What each call of the document leaves, by the text beside it; it is given how to run the call. */
const EFFECTS = {
  deleteHistoryMessagesByIds: async (mine, call) => {
    assert.deepEqual(
      mine.messages.slice(0, 2).map(({ messageID }) => messageID),
      [1, 2],
      'the first messages of a device have the ids that the document names',
    );
    const [{ data }] = await call();
    assert.deepEqual(data.deleted, [1, 2]);
    await mine.left({ device: WORDS.slice(2), server: WORDS });
  },
  deleteMessages: async (mine, call) => {
    await call();
    await rowsGone(mine.look, ordinalOf(mine.messages[0].messageID));
    await mine.left({ device: [], server: WORDS });
    assert.deepEqual(await mine.look.list(), [mine.id], 'the conversation stays');
  },
  deleteHistoryMessagesByTime: async (mine, call) => {
    await soon('the last one is in the past', () => Date.now() > mine.messages.at(-1).sentTime);
    await call();
    await mine.left({ device: [], server: WORDS });
  },
  cleanRemoteHistoryMessagesByTime: async (mine, call) => {
    const before = (await readDatabases(mine.look.page)).ordinals;
    await call();
    await mine.left({ device: WORDS, server: [] });
    assert.deepEqual((await readDatabases(mine.look.page)).ordinals, before, 'no row was touched');
  },
};

const CON_ID = `const conId = new ConversationIdentifier();
  conId.conversationType = ConversationType.Private;
  conId.targetId = '${TARGET}';`;

const OWN = {
  deleteHistoryMessagesByIds: 'IMEngine.getInstance().deleteHistoryMessagesByIds([1, 2])',
  deleteMessages: `${CON_ID} IMEngine.getInstance().deleteMessages(conId)`,
  deleteHistoryMessagesByTime: `${CON_ID} IMEngine.getInstance().deleteHistoryMessagesByTime(conId, Date.now())`,
  cleanRemoteHistoryMessagesByTime: `${CON_ID} IMEngine.getInstance().cleanRemoteHistoryMessagesByTime(conId, 0)`,
};

/** A server, and the other user with Lethe's own chat. */
async function world(t, user) {
  const server = await Server.start(t);
  return { server, other: { user, device: await beside(await Browser.start(t, { bare: true }), server, user) } };
}

test('the document’s calls through IMEngine', async (t) => {
  const { server, other } = await world(t, TARGET);
  const snippets = await rongcloudSnippets();
  const known = Object.keys(EFFECTS);
  if (Object.keys(snippets).length === 0) {
    t.diagnostic('../shared/seeds is not here: the document itself was not run');
  } else {
    assert.deepEqual(Object.keys(snippets), known);
  }
  for (const call of known) {
    const sources = { 'our own': OWN[call], 'the document’s': snippets[call]?.code };
    for (const [whose, code] of Object.entries(sources).filter(([, source]) => source)) {
      await t.test(`${whose} ${call}`, async (inner) => {
        const mine = await Mine.start(inner, server, `${whose} ${call}`, other);
        await EFFECTS[call](mine, async () => {
          const results = await run(mine.page, code);
          assert.deepEqual(
            results.map((result) => result.code),
            [0],
          );
          return results;
        });
      });
    }
  }
});

test('the other calls of IMEngine', async (t) => {
  const { server, other } = await world(t, 'other');

  await t.test('by time: only what was sent before it, here, there, or in both places', async (inner) => {
    const mine = await Mine.start(inner, server, 'by time', other);
    const third = mine.messages[2].sentTime;
    const early = WORDS.filter((_, i) => mine.messages[i].sentTime >= third);
    const code = (method, ...args) =>
      mine.page.evaluate(
        async ([name, given]) => (await engine[name](named(1, 'other'), ...given)).code,
        [method, args],
      );
    assert.equal(await code('deleteHistoryMessagesByTime', third), 0);
    await mine.left({ device: early, server: WORDS });
    assert.equal(await code('cleanRemoteHistoryMessagesByTime', third), 0);
    await mine.left({ device: early, server: early });
    assert.equal(await code('cleanHistoryMessages', Date.UTC(2100, 0, 1), true), 0);
    await mine.look.settled(mine.id);
    await mine.left({ device: [], server: [] });
  });

  await t.test('by message objects: on the server only, or in both places', async (inner) => {
    const mine = await Mine.start(inner, server, 'by objects', other);
    const deleted = await mine.page.evaluate(async () => {
      const conversation = named(ConversationType.Private, 'other');
      const { data: page } = await engine.getRemoteHistoryMessages(conversation, { count: 20 });
      const first = new List();
      first.add(page.get(0));
      const remote = await engine.deleteRemoteMessages(conversation, first);
      const { messageUId, sentTime, messageDirection } = page.get(1);
      const web = await engine.deleteMessages(conversation, [{ messageUId, sentTime, messageDirection }]);
      const both = await engine.deleteRemoteMessages(conversation, [page.get(2)], true);
      return [remote, web, both].map(({ code, data }) => [code, data.failed.length]);
    });
    assert.deepEqual(deleted, [
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    await mine.look.settled(mine.id);
    await mine.left({ device: ['one', 'two', 'four', 'five'], server: ['four', 'five'] });
  });

  await t.test('ids of several conversations; those that are none fail alone', async (inner) => {
    const mine = await Mine.start(inner, server, 'by ids', other);
    await server.post('/v1/groups', { groupID: 'team', members: ['by ids', 'other'] });
    await other.device.send('GROUP', 'team', 'to all');
    await soon('it is here', async () => texts(await mine.look.messages('GROUPteam')).length === 1);
    const [{ messageID }] = await mine.look.messages('GROUPteam');
    const ids = [mine.messages[0].messageID, messageID, 2 ** 40];
    const { code, data } = await mine.page.evaluate((given) => engine.deleteHistoryMessagesByIds(given), ids);
    assert.equal(code, 0);
    assert.deepEqual(data.deleted, ids.slice(0, 2));
    assert.deepEqual(data.failed, [{ id: 2 ** 40, code: 34304 }]);
    assert.deepEqual(await shownBy(mine.page, 'getHistoryMessages', 'team', 3), []);
    assert.deepEqual(await shownBy(mine.page, 'getRemoteHistoryMessages', 'team', 3), ['to all']);
    await mine.left({ device: WORDS.slice(1), server: WORDS });
  });

  await t.test('history is paged by time', async (inner) => {
    const mine = await Mine.start(inner, server, 'pages', other);
    const pages = await mine.page.evaluate(async () => {
      const read = [];
      for (let time = 0; ; ) {
        const { data } = await engine.getRemoteHistoryMessages(named(1, 'other'), { time, count: 2 });
        if (data.length === 0) {
          return read;
        }
        read.push([...data].map(({ content }) => content.content));
        time = data.get(0).sentTime;
      }
    });
    assert.deepEqual(pages, [['four', 'five'], ['two', 'three'], ['one']]);
  });

  await t.test('send, hear, recall, remove from the list', async (inner) => {
    const mine = await Mine.start(inner, server, 'talker', other);
    const sent = await mine.page.evaluate(async () => {
      window.heard = [];
      engine.addMessageReceivedListener((message) => window.heard.push(message.content.content));
      engine.addMessageRecalledListener((message) => window.heard.push(message.objectName));
      const message = new Message(named(ConversationType.Private, 'other'), new TextMessage('a slip'));
      const { code, data } = await engine.sendMessage(message);
      return { code, same: data === message, direction: message.direction, status: message.sentStatus };
    });
    assert.deepEqual(sent, { code: 0, same: true, direction: 1, status: 30 });
    await soon('it arrives', async () => texts(await other.device.messages('C2Ctalker')).includes('a slip'));
    const recalled = await mine.page.evaluate(async () => {
      const { data } = await engine.getHistoryMessages(named(1, 'other'), { count: 1 });
      const result = await engine.recallMessage(data.get(0));
      return [result.code, result.data.objectName, result.data.content.operatorId];
    });
    assert.deepEqual(recalled, [0, 'RC:RcNtf', 'talker']);
    await soon('the other has it no more', async () => {
      const { messageList } = await other.device.call('getMessageList', { conversationID: 'C2Ctalker' });
      return messageList.at(-1).isRevoked;
    });
    await other.device.send('C2C', 'talker', 'heard?');
    await soon('it is heard', () => mine.page.evaluate(() => window.heard.includes('heard?')));
    const removed = await mine.page.evaluate(async () => {
      const { data: before } = await engine.getConversationList();
      const { code } = await engine.removeConversation(named(1, 'other'));
      const { data: after } = await engine.getConversationList();
      return {
        before: [...before].map(({ targetId, unreadMessageCount }) => [targetId, unreadMessageCount]),
        code,
        after: after.length,
      };
    });
    assert.deepEqual(removed, { before: [['other', 6]], code: 0, after: 0 });
    assert.equal((await shownBy(mine.page, 'getHistoryMessages', 'other')).length, 7, 'its messages stay');
  });

  await t.test('a chatroom: nothing of it is deleted by a visitor, and it goes when left', async (inner) => {
    const mine = await Mine.start(inner, server, 'visitor', other);
    await server.post('/v1/rooms', { roomID: 'lobby' });
    const codes = await mine.page.evaluate(async () => {
      const room = named(ConversationType.Chatroom, 'lobby');
      const joined = await engine.joinChatRoom('lobby');
      const sent = await engine.sendMessage(room, new TextMessage('to the room'));
      const ids = await engine.deleteHistoryMessagesByIds([sent.data.messageId]);
      const all = await engine.deleteMessages(room);
      const time = await engine.deleteHistoryMessagesByTime(room, Date.now());
      const remote = await engine.cleanRemoteHistoryMessagesByTime(room, 0);
      const objects = await engine.deleteRemoteMessages(room, [sent.data]);
      const quit = await engine.quitChatRoom('lobby');
      const again = await engine.quitChatRoom('lobby');
      return [joined, sent, ids, all, time, remote, objects, quit, again].map(({ code }) => code);
    });
    assert.deepEqual(codes, [0, 0, 34201, 34201, 34201, 34201, 34201, 0, 23406]);
    await soon('it is off the list', async () => !(await mine.look.list()).includes('ROOMlobby'));
  });

  await t.test('without a server: here at once, there when it is back, reading it says why not', async (inner) => {
    const mine = await Mine.start(inner, server, 'offline', other);
    await server.stop();
    const codes = await mine.page.evaluate(async () => {
      const conversation = named(1, 'other');
      const status = new Promise((resolve) =>
        engine.addConnectionStatusListener((now) => now !== 'connected' && resolve()),
      );
      await Promise.race([status, new Promise((resolve) => setTimeout(resolve, 5000))]);
      const { data } = await engine.getHistoryMessages(conversation, {});
      const local = await engine.deleteHistoryMessagesByIds([data.get(0).messageId]);
      const both = await engine.deleteRemoteMessages(conversation, [data.get(1)], true);
      const read = await engine.getRemoteHistoryMessages(conversation);
      const recall = await engine.recallMessage(data.get(2));
      return [local.code, both.code, both.data.server, read.code, recall.code];
    });
    assert.deepEqual(codes, [0, 0, 'pending', 30002, 30002]);
    await server.start();
    await mine.look.settled(mine.id);
    await soon('all have the server back', async () =>
      Array.isArray(await shownBy(mine.page, 'getRemoteHistoryMessages', 'other')),
    );
    await soon('the other too', async () => (await other.device.remote('C2Coffline').catch(() => [])).length > 0);
    await mine.left({ device: WORDS.slice(2), server: ['one', 'three', 'four', 'five'] });
  });

  await t.test('where no history is kept on the server: there is none to delete', async (inner) => {
    const mine = await Mine.start(inner, server, 'switched', other);
    await server.settings({ profile: 'rongcloud' });
    const codes = await mine.page.evaluate(async () => {
      const conversation = named(1, 'other');
      const { data } = await engine.getHistoryMessages(conversation, {});
      const results = [
        await engine.cleanRemoteHistoryMessagesByTime(conversation, 0),
        await engine.deleteRemoteMessages(conversation, [data.get(0)]),
        await engine.deleteMessages(conversation),
      ];
      return results.map(({ code }) => code);
    });
    assert.deepEqual(codes, [25102, 25102, 0]);
    assert.deepEqual(await shownBy(mine.page, 'getHistoryMessages', 'other'), []);
  });
});
