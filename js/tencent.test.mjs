// Tencent's face over a core that is made here: names, shapes and numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatOver, fails, lethe, succeeds } from './fake-core.mjs';

const { ImError, tencentCloudChat } = lethe;

/** A Tencent chat over a core, once it is there. */
async function tencentOver(answer) {
  const core = await chatOver(answer);
  const given = [];
  const { create, EVENT, TYPES } = tencentCloudChat(async (options) => {
    given.push(options);
    return core.chat;
  });
  const chat = create({ SDKAppID: 1, url: 'http://there' });
  await Promise.resolve();
  return { ...core, core: core.chat, chat, given, create, EVENT, TYPES };
}

const rejectsWith = (code) => (thrown) => {
  assert(thrown instanceof ImError && thrown instanceof Error);
  assert.equal(thrown.code, code);
  return true;
};

const message = {
  ID: 'm',
  messageID: 7,
  conversationID: 'C2Cb',
  conversationType: 'C2C',
  type: 'TIMTextElem',
  from: 'b',
  to: 'a',
  payload: { text: 'hi' },
  seq: 7,
  time: 1_700_000_000,
  sentTime: 1_700_000_000_123,
  flow: 'in',
  status: 'success',
  isRevoked: false,
  revoker: '',
  quote: null,
};

const theirs = {
  ...message,
  sequence: 7,
  nick: '',
  avatar: '',
  cloudCustomData: '',
  isDeleted: false,
  isModified: false,
  revokerInfo: { userID: '', nick: '', avatar: '' },
};

test('create is at once, and its calls wait for the core', async () => {
  const { chat: core } = await chatOver(succeeds({ conversationList: [] }));
  let start;
  const { create } = tencentCloudChat(() => new Promise((resolve) => (start = resolve)));
  const chat = create({ SDKAppID: 1, url: 'http://there' });
  assert.throws(
    () => chat.createTextMessage({ to: 'b', conversationType: 'C2C', payload: { text: 'x' } }),
    rejectsWith(2999),
  );
  const list = chat.getConversationList();
  start(core);
  assert.deepEqual(await list, { code: 0, data: { conversationList: [], isSyncCompleted: true } });
});

test('create passes its options on and refuses what is none', async () => {
  const { given, create } = await tencentOver(succeeds({}));
  assert.deepEqual(given, [{ SDKAppID: 1, url: 'http://there' }]);
  assert.throws(() => create(), rejectsWith(10004));
  assert.throws(() => create(null), rejectsWith(10004));
});

test('a core that does not start is an event, and the code of every call', async () => {
  const { create, EVENT } = tencentCloudChat(async () => {
    throw new lethe.LetheError(2800, 'no wasm');
  });
  const chat = create({ url: 'http://there' });
  const errors = [];
  chat.on(EVENT.ERROR, ({ data }) => errors.push(data));
  await assert.rejects(chat.login({ userID: 'a', userSig: 's' }), rejectsWith(2800));
  assert.deepEqual(errors, [{ code: 2800, message: 'no wasm' }]);
});

test('login gives the signature as the token, and says when it is a repeated one', async () => {
  const { chat, calls } = await tencentOver(
    succeeds({ userID: 'a', deviceID: 'd', connected: true, storage: 'memory' }),
  );
  assert.equal(chat.isReady(), false);
  const first = await chat.login({ userID: 'a', userSig: 's' });
  assert.equal(first.data.repeatLogin, false);
  assert.equal(first.data.actionStatus, 'OK');
  assert.equal((await chat.login({ userID: 'a', userSig: 's' })).data.repeatLogin, true);
  assert.deepEqual(calls[0], ['login', { userID: 'a', token: 's' }]);
  assert.equal(chat.isReady(), true);
  assert.equal(chat.getLoginUser(), 'a');
  await chat.logout();
  assert.equal(chat.isReady(), false);
});

test('deletion calls go to the core as they are', async () => {
  const { chat, calls } = await tencentOver((name) => ({
    code: 0,
    data:
      name === 'clearHistoryMessage'
        ? { conversationID: 'C2Ca' }
        : { conversationIDList: ['C2Ca'], failed: [], erasure: 'erased' },
  }));
  const answer = { code: 0, data: { conversationID: 'C2Ca', erasure: 'erased' } };
  assert.deepEqual(await chat.deleteConversation('C2Ca'), answer);
  const options = { conversationIDList: ['C2Ca'], clearHistoryMessage: false };
  const several = { conversationIDList: ['C2Ca'], failed: [], erasure: 'erased' };
  assert.deepEqual((await chat.deleteConversation(options)).data, several);
  assert.deepEqual((await chat.clearHistoryMessage('C2Ca')).data, { conversationID: 'C2Ca' });
  assert.deepEqual(calls, [
    ['deleteConversation', { conversationIDList: ['C2Ca'] }],
    ['deleteConversation', options],
    ['clearHistoryMessage', { conversationID: 'C2Ca' }],
  ]);
});

test('deleted messages say so', async () => {
  const { chat, calls } = await tencentOver(
    succeeds({ deleted: ['m'], failed: [{ id: 'n', code: 90003, message: 'gone' }] }),
  );
  const [gone, kept] = [{ ...message }, { ...message, ID: 'n', messageID: 8 }];
  const { data } = await chat.deleteMessage([gone, kept]);
  assert.deepEqual(data.messageList, [gone]);
  assert.equal(gone.isDeleted, true);
  assert.equal(kept.isDeleted, undefined);
  assert.deepEqual(data.failed, [{ id: 'n', code: 2111, message: 'gone' }]);
  assert.equal(calls[0][0], 'deleteMessages');
  await assert.rejects(chat.deleteMessage([{ ...message, conversationID: '@TIM#SYSTEM' }]), rejectsWith(2116));
  assert.equal(calls.length, 1);
});

test('messages and conversations have their fields, times in seconds', async () => {
  const conversation = {
    conversationID: 'GROUPg',
    type: 'GROUP',
    name: 'the group',
    unreadCount: 2,
    lastMessage: null,
    lastTime: 5,
    canSend: true,
    draft: 'dr',
  };
  const { chat } = await tencentOver((name) => ({
    code: 0,
    data:
      name === 'getMessageList'
        ? { messageList: [message], nextReqMessageID: 'm', isCompleted: false }
        : { conversationList: [conversation, { ...conversation, conversationID: 'C2Cb', type: 'C2C' }] },
  }));
  assert.deepEqual((await chat.getMessageList({ conversationID: 'C2Cb' })).data, {
    messageList: [theirs],
    nextReqMessageID: 'm',
    isCompleted: false,
  });
  const { conversationList } = (await chat.getConversationList()).data;
  assert.deepEqual(conversationList[0], {
    conversationID: 'GROUPg',
    type: 'GROUP',
    unreadCount: 2,
    lastMessage: { lastTime: 0, lastSequence: 0, fromAccount: '', type: '', messageForShow: '', payload: {} },
    userProfile: undefined,
    groupProfile: { groupID: 'g', name: 'the group' },
    draftText: 'dr',
    isPinned: false,
  });
  assert.deepEqual(conversationList[1].userProfile, { userID: 'b', nick: '', avatar: '' });
  const named = await chat.getConversationList(['C2Cb', 'C2Cnobody']);
  assert.deepEqual(
    named.data.conversationList.map(({ conversationID }) => conversationID),
    ['C2Cb'],
  );
});

test('cloudCustomData travels in the payload and comes out beside it', async () => {
  const { chat, calls } = await tencentOver((_, { payload }) => ({
    code: 0,
    data: { message: { ...message, payload } },
  }));
  const made = chat.createTextMessage({
    to: 'b',
    conversationType: 'C2C',
    payload: { text: 'hi' },
    cloudCustomData: '{"a":1}',
  });
  const { data } = await chat.sendMessage(made);
  assert.equal(data.message, made);
  assert.equal(made.cloudCustomData, '{"a":1}');
  assert.equal(made.sequence, 7);
  assert.deepEqual(calls[0][1].payload, { text: 'hi', cloudCustomData: '{"a":1}' });
});

test('events carry their names and their data', async () => {
  const { chat, tell, EVENT } = await tencentOver((name) => ({
    code: 0,
    data:
      name === 'getConversationList'
        ? { conversationList: [{ conversationID: 'C2Cb', type: 'C2C', unreadCount: 3 }] }
        : {},
  }));
  const heard = [];
  for (const name of Object.values(EVENT)) {
    chat.on(name, (event) => heard.push(event));
  }
  const said = async (...event) => {
    heard.length = 0;
    tell(...event);
    await new Promise((resolve) => setImmediate(resolve));
    return heard.map(({ name, data }) => [name, data]);
  };
  assert.deepEqual(await said('MESSAGE_RECEIVED', { conversationID: 'C2Cb', messageList: [message] }), [
    ['onMessageReceived', [theirs]],
  ]);
  const notice = { ...message, payload: {}, isRevoked: true, revoker: 'b' };
  const [[name, [revoked]]] = await said('MESSAGE_REVOKED', { conversationID: 'C2Cb', messageList: [notice] });
  assert.equal(name, 'onMessageRevoked');
  assert.deepEqual(revoked, {
    ...theirs,
    ...notice,
    revokerInfo: { userID: 'b', nick: '', avatar: '' },
  });
  const [list, unread] = await said('CONVERSATION_LIST_UPDATED', { conversationIDList: ['C2Cb'] });
  assert.equal(list[0], 'onConversationListUpdated');
  assert.deepEqual(
    list[1].map(({ conversationID }) => conversationID),
    ['C2Cb'],
  );
  assert.deepEqual(unread, ['onTotalUnreadMessageCountUpdated', 3]);
  assert.equal(chat.getTotalUnreadMessageCount(), 3);
  assert.deepEqual(await said('NET_STATE_CHANGE', { state: 'refused', code: 70001 }), [
    ['netStateChange', { state: 'disconnected' }],
    ['kickedOut', { type: 'userSigExpired' }],
  ]);
  assert.deepEqual(await said('MESSAGE_SENT', { old: { ID: 'x' }, new: message }), [['onMessageModified', [theirs]]]);
  assert.deepEqual(await said('DELETION_REFUSED', { opID: 'o', conversationID: 'C2Cb', code: 90010 }), [
    ['error', { code: 2111, message: 'the server refused a deletion in C2Cb' }],
  ]);
  assert.deepEqual(await said('SDK_NOT_READY', { code: 0, message: 'logged out' }), [
    ['sdkStateNotReady', { code: 0, message: 'logged out' }],
  ]);
});

test('handlers have a this, may be for once, and are taken off again', async (t) => {
  const { chat, tell, EVENT } = await tencentOver(succeeds({}));
  const heard = [];
  const self = { name: 'self' };
  function handler() {
    heard.push(this);
  }
  const once = () => heard.push('once');
  const thrower = () => {
    throw new Error('mine');
  };
  globalThis.reportError = t.mock.fn();
  chat.on(EVENT.ERROR, thrower);
  chat.on(EVENT.ERROR, handler, self);
  chat.once(EVENT.ERROR, once);
  tell('ERROR', { code: 2903, message: 'x' });
  chat.off(EVENT.ERROR, handler, {});
  tell('ERROR', { code: 2903, message: 'x' });
  chat.off(EVENT.ERROR, handler);
  tell('ERROR', { code: 2903, message: 'x' });
  assert.deepEqual(heard, [self, 'once', self]);
  assert.equal(globalThis.reportError.mock.callCount(), 3);
  assert.throws(() => chat.on(EVENT.ERROR, 'no function'), rejectsWith(10004));
  const warn = t.mock.method(console, 'warn', () => {});
  chat.on(undefined, once);
  assert.match(warn.mock.calls[0].arguments[0], /undefined never comes/);
});

test('each call has Tencent’s number for what went wrong', async () => {
  const each = (codes, run) =>
    Promise.all(
      Object.entries(codes).map(async ([code, expected]) => {
        const { chat } = await tencentOver(fails(Number(code)));
        await assert.rejects(run(chat), rejectsWith(expected));
      }),
    );
  await each({ 2999: 2999, 90040: 2999, 2500: 2500, 2503: 2503, 90001: 90001, 90042: 3122 }, (chat) =>
    chat.clearHistoryMessage('C2Cb'),
  );
  await each({ 90020: 70002, 70001: 70001, 70003: 70003 }, (chat) => chat.login({}));
  await each({ 2999: 2024 }, (chat) => chat.logout());
  await each({ 90003: 2111, 90010: 2111, 90011: 2111, 2903: 2111, 10035: 10035, 2999: 2999 }, (chat) =>
    chat.deleteMessage([{ ...message }]),
  );
  await each({ 90003: 10030, 10031: 10031, 10007: 10007, 90010: 2110, 2903: 2110, 2805: 2805 }, (chat) =>
    chat.revokeMessage({ ...message }),
  );
  await each({ 2603: 2603 }, (chat) => chat.quitGroup('g'));
});

test('what fails carries the message, or what the core reported', async () => {
  const { chat } = await tencentOver(fails(10031, 'too late'));
  const recalled = { ...message };
  await assert.rejects(chat.revokeMessage(recalled), (thrown) => {
    assert.equal(thrown.data.message, recalled);
    assert.equal(thrown.message, 'too late');
    assert.equal(thrown.cause.code, 10031);
    return true;
  });
});
