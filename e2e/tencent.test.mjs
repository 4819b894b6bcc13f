// lethe-im/tencent in Chromium against the server: the document's snippets as they stand, and our own words for the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Browser } from './browser.mjs';
import { ordinalOf, readDatabases } from './database.mjs';
import { soon, texts } from './device.mjs';
import { beside, rowsGone, tencentPage, tencentSnippets } from './faces.mjs';
import { Server } from './server.mjs';

const OWN = [
  { code: `let promise = chat.deleteConversation('C2CExample');`, named: ['C2CExample'], keeps: false },
  {
    code: `let promise = chat.deleteConversation({ conversationIDList: ['GROUPExample'], clearHistoryMessage: false });`,
    named: ['GROUPExample'],
    keeps: true,
  },
  {
    code: `let promise = chat.deleteConversation({ conversationIDList: ['GROUPExample', 'C2CExample'] });`,
    named: ['GROUPExample', 'C2CExample'],
    keeps: false,
  },
  {
    code: `let promise = chat.deleteConversation({
      conversationIDList: ['C2CExample', 'GROUPExample'],
      clearHistoryMessage: false,
    });`,
    named: ['C2CExample', 'GROUPExample'],
    keeps: true,
  },
];

/** Me, with Tencent's face and a tab that looks; the other, with Lethe's own chat, on another machine. */
async function world(t) {
  const server = await Server.start(t);
  const browser = await Browser.start(t, { bare: true });
  await server.post('/v1/groups', { groupID: 'Example', members: ['me', 'Example'] });
  const other = await beside(await Browser.start(t, { bare: true }), server, 'Example');
  const page = await tencentPage(browser, server, 'me');
  const look = await beside(browser, server, 'me');
  return { server, browser, page, look, other };
}

test('the document’s calls through TencentCloudChat', async (t) => {
  const { page, look, other } = await world(t);
  const warnings = [];
  page.on('console', (message) => message.type() === 'warning' && warnings.push(message.text()));
  const shown = { C2CExample: [], GROUPExample: [] };
  let said = 0;
  const hear = async () => {
    const words = `words ${++said}`;
    await other.send('C2C', 'me', words);
    await other.send('GROUP', 'Example', words);
    for (const [id, list] of Object.entries(shown)) {
      list.push(words);
      await soon(`${words} in ${id}`, async () => texts(await look.messages(id)).includes(words));
    }
  };
  const listed = () =>
    page.evaluate(async () => {
      const { data } = await chat.getConversationList();
      return data.conversationList.map(({ conversationID }) => conversationID).sort();
    });

  const run = async ({ code, named, keeps }) => {
    for (let i = 0; i < 3; i++) {
      await hear();
    }
    await soon('this tab has heard it too', async () => (await listed()).length === 2);
    const ordinals = {};
    for (const id of named) {
      ordinals[id] = ordinalOf((await look.messages(id))[0].messageID);
    }
    const response = await page.evaluate(`(async () => {${code}\nreturn promise; })()`);
    assert.equal(response.code, 0);
    const single = /deleteConversation\('/.test(code);
    const answer = single ? { conversationID: named[0] } : { conversationIDList: named, failed: [] };
    assert.deepEqual(response.data, { ...answer, erasure: 'erased' });
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      await listed(),
      Object.keys(shown).filter((id) => !named.includes(id)),
    );
    await look.settled(...named);
    for (const id of named) {
      shown[id] = keeps ? shown[id] : [];
      if (keeps) {
        assert.ok((await readDatabases(look.page)).ordinals[ordinals[id]] > 0, 'its rows stay on the device');
      } else {
        await rowsGone(look, ordinals[id]);
      }
      assert.deepEqual(texts(await look.remote(id)), shown[id], `${id} on the server`);
    }
    await hear();
    await soon('this tab has heard it too', async () => (await listed()).length === 2);
    for (const [id, list] of Object.entries(shown)) {
      assert.deepEqual(texts(await look.messages(id)), list, id);
      assert.deepEqual(texts(await look.remote(id)), list, `${id} on the server`);
    }
    const whole = Array.from({ length: said }, (_, i) => `words ${i + 1}`);
    assert.deepEqual(texts(await other.messages('C2Cme')), whole);
    assert.deepEqual(texts(await other.remote('GROUPExample')), whole);
  };

  for (const own of OWN) {
    await t.test(`our own: ${own.code.replace(/\s+/g, ' ')}`, () => run(own));
  }
  const snippets = tencentSnippets();
  if (snippets.length === 0) {
    t.diagnostic('../shared/seeds is not here: the document itself was not run');
    return;
  }
  assert.deepEqual(
    snippets.map(({ named, keeps }) => [named.length, keeps]),
    [
      [1, false],
      [1, true],
      [2, false],
      [2, true],
    ],
  );
  for (const [i, snippet] of snippets.entries()) {
    await t.test(`the document’s, number ${i + 1}`, () => run(snippet));
  }
});

test('messages and groups through TencentCloudChat', async (t) => {
  const { server, page, look, other } = await world(t);
  await look.close(); // one tab, so that each event is this one's to tell
  const elsewhere = await beside(await Browser.start(t, { bare: true }), server, 'me');
  const left = (conversationID, expected) =>
    soon(`the server has ${expected} left`, async () =>
      isDeepStrictEqual(texts(await elsewhere.remote(conversationID)), expected),
    );
  const events = (name) => page.evaluate((wanted) => events.filter((event) => event.name === wanted), name);
  /** The newest message that the page has of a conversation, as the page has it. */
  const newest = (conversationID) =>
    page.evaluate(
      async (id) => (await chat.getMessageList({ conversationID: id })).data.messageList.at(-1),
      conversationID,
    );

  await t.test('ready, and what arrives', async () => {
    assert.deepEqual((await events('sdkStateReady')).length, 1);
    const before = Math.floor(Date.now() / 1000);
    await other.send('C2C', 'me', 'hello');
    await soon('it is heard', async () => (await events('onMessageReceived')).length === 1);
    const [{ data }] = await events('onMessageReceived');
    assert.ok(Array.isArray(data));
    const [{ payload, time, from, to, flow, conversationID, conversationType, sequence, status }] = data;
    assert.deepEqual(
      { payload, from, to, flow, conversationID, conversationType, sequence, status },
      {
        payload: { text: 'hello' },
        from: 'Example',
        to: 'me',
        flow: 'in',
        conversationID: 'C2CExample',
        conversationType: 'C2C',
        sequence: 1,
        status: 'success',
      },
    );
    assert.ok(Number.isInteger(time) && time >= before - 1 && time <= before + 60, `${time} is in seconds`);
    await soon('the whole list is told', async () => {
      const list = (await events('onConversationListUpdated')).at(-1)?.data ?? [];
      return list.some((line) => line.conversationID === 'C2CExample' && line.lastMessage.messageForShow === 'hello');
    });
    assert.equal(await page.evaluate(() => chat.getTotalUnreadMessageCount()), 1);
    await page.evaluate(() => chat.setMessageRead({ conversationID: 'C2CExample' }));
    await soon('nothing is unread', () => page.evaluate(() => chat.getTotalUnreadMessageCount() === 0));
  });

  await t.test('sending, and deleting what was sent in both places', async () => {
    const sent = await page.evaluate(async () => {
      const message = chat.createTextMessage({ to: 'Example', conversationType: 'C2C', payload: { text: 'mine' } });
      const { code, data } = await chat.sendMessage(message);
      return { code, same: data.message === message, status: message.status, ID: message.ID };
    });
    assert.deepEqual([sent.code, sent.same, sent.status], [0, true, 'success']);
    await soon('it arrives', async () => texts(await other.messages('C2Cme')).includes('mine'));
    const deleted = await page.evaluate(async (ID) => {
      const { data: list } = await chat.getMessageList({ conversationID: 'C2CExample' });
      const mine = list.messageList.filter((message) => message.ID === ID);
      const { code, data } = await chat.deleteMessage(mine);
      return { code, IDs: data.messageList.map((message) => message.ID), isDeleted: mine[0].isDeleted };
    }, sent.ID);
    assert.deepEqual(deleted, { code: 0, IDs: [sent.ID], isDeleted: true });
    assert.equal((await newest('C2CExample')).payload.text, 'hello');
    await left('C2CExample', ['hello']);
    assert.deepEqual(texts(await other.remote('C2Cme')), ['hello', 'mine']);
  });

  await t.test('recalling for everybody, by either side', async () => {
    const recalled = await page.evaluate(async () => {
      const message = chat.createTextMessage({ to: 'Example', conversationType: 'C2C', payload: { text: 'a slip' } });
      await chat.sendMessage(message);
      const { code, data } = await chat.revokeMessage(message);
      return { code, same: data.message === message, isRevoked: message.isRevoked, payload: message.payload };
    });
    assert.deepEqual(recalled, { code: 0, same: true, isRevoked: true, payload: {} });
    await soon('the other has it no more', async () => {
      const { messageList } = await other.call('getMessageList', { conversationID: 'C2Cme' });
      return messageList.at(-1)?.isRevoked === true;
    });
    const slip = await other.send('C2C', 'me', 'their slip');
    await soon('it arrives', async () => (await newest('C2CExample'))?.ID === slip.ID);
    await other.call('revokeMessage', slip);
    await soon('the event', async () => (await events('onMessageRevoked')).some(({ data }) => data[0].ID === slip.ID));
    const [message] = (await events('onMessageRevoked')).at(-1).data;
    assert.equal(message.isRevoked, true);
    assert.deepEqual(message.revokerInfo, { userID: 'Example', nick: '', avatar: '' });
    assert.equal(message.payload.text, undefined);
  });

  await t.test('clearing keeps the conversation in the list, without a last message', async () => {
    const { data } = await page.evaluate(() => chat.clearHistoryMessage('C2CExample'));
    assert.deepEqual(data, { conversationID: 'C2CExample', erasure: 'erased' });
    const [line] = await page.evaluate(
      async () => (await chat.getConversationList(['C2CExample'])).data.conversationList,
    );
    assert.equal(line.lastMessage.messageForShow, '');
    assert.equal(line.unreadCount, 0);
    await left('C2CExample', []);
  });

  await t.test('after quitting a group its conversation is listed, readable and deletable', async () => {
    await other.send('GROUP', 'Example', 'in the group');
    await soon('it arrives', async () => (await newest('GROUPExample'))?.payload.text === 'in the group');
    assert.deepEqual(await page.evaluate(() => chat.quitGroup('Example')), { code: 0, data: { groupID: 'Example' } });
    const listed = () =>
      page.evaluate(async () => (await chat.getConversationList(['GROUPExample'])).data.conversationList.length);
    assert.equal(await listed(), 1);
    assert.equal((await newest('GROUPExample')).payload.text, 'in the group');
    const code = await page.evaluate(() => {
      const message = chat.createTextMessage({ to: 'Example', conversationType: 'GROUP', payload: { text: 'late' } });
      return chat.sendMessage(message).catch((imError) => imError.code);
    });
    assert.equal(code, 10007);
    assert.equal((await page.evaluate(() => chat.deleteConversation('GROUPExample'))).code, 0);
    assert.equal(await listed(), 0);
    await server.post('/v1/groups', { groupID: 'open', open: true, members: ['Example'] });
    const joined = await page.evaluate(() => chat.joinGroup({ groupID: 'open' }));
    assert.deepEqual(joined, { code: 0, data: { status: 'JoinedSuccess', group: { groupID: 'open' } } });
  });

  await t.test('notices: deletable as a conversation, not one by one', async () => {
    await server.post('/v1/notices', { to: 'me', payload: { text: 'be told' } });
    await soon(
      'it arrives',
      async () => (await newest('@TIM#SYSTEM').catch(() => undefined))?.payload.text === 'be told',
    );
    const code = await page.evaluate(async () => {
      const { data } = await chat.getMessageList({ conversationID: '@TIM#SYSTEM' });
      return chat.deleteMessage(data.messageList).catch((imError) => imError.code);
    });
    assert.equal(code, 2116);
    assert.deepEqual(await page.evaluate(() => chat.deleteConversation('@TIM#SYSTEM')), {
      code: 0,
      data: { conversationID: '@TIM#SYSTEM', erasure: 'erased' },
    });
  });
});
