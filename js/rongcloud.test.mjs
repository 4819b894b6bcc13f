// RongCloud's face over a core that is made here: names, shapes and numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatOver, fails, lethe, succeeds } from './fake-core.mjs';

const { ConversationIdentifier, ConversationType, EngineError, imEngine, List, LetheError, Message, TextMessage } =
  lethe;

/** An engine over a core, after init. */
async function engineOver(answer) {
  const core = await chatOver(answer);
  const engine = imEngine(async () => core.chat).getInstance();
  assert.deepEqual(await engine.init({ url: 'http://there' }), { code: EngineError.Success });
  return { ...core, engine };
}

function named(conversationType, targetId) {
  return Object.assign(new ConversationIdentifier(), { conversationType, targetId });
}

const b = named(ConversationType.Private, 'b');
const done = { deleted: ['C2Cb'], failed: [], erasure: 'hidden', server: 'none', opID: 'o', opIDs: ['o'] };

const message = {
  ID: 'log-7',
  messageID: 7,
  conversationID: 'GROUPg',
  type: 'TIMTextElem',
  from: 'b',
  payload: { text: 'hi' },
  seq: 7,
  sentTime: 1_700_000_000_123,
  flow: 'in',
  status: 'success',
  isRevoked: false,
  revoker: '',
};

test('a List is what HarmonyOS has, as far as it goes', () => {
  const list = new List();
  assert.equal(list.isEmpty(), true);
  assert.equal(list.add(1), true);
  list.add(2);
  assert.equal(list.length, 2);
  assert.equal(list.get(1), 2);
  assert.equal(list.get(2), undefined);
  assert.equal(list.has(2), true);
  assert.deepEqual([...list], [1, 2]);
  assert.deepEqual(list.convertToArray(), [1, 2]);
  const seen = [];
  list.forEach((item, index) => {
    seen.push([index, item]);
  });
  assert.deepEqual(seen, [
    [0, 1],
    [1, 2],
  ]);
});

test('there is one engine, and before init every call says so', async () => {
  const IMEngine = imEngine(async () => assert.fail('nothing is created'));
  assert.equal(IMEngine.getInstance(), IMEngine.getInstance());
  const engine = IMEngine.getInstance();
  for (const call of [
    () => engine.connect('t'),
    () => engine.deleteMessages(b),
    () => engine.getConversationList(),
    () => engine.recallMessage({ messageUid: 'x' }),
  ]) {
    assert.equal((await call()).code, EngineError.ClientNotInit);
  }
});

test('init that fails says why, and may be made again', async () => {
  const core = await chatOver(succeeds({ conversationList: [] }));
  const answers = [
    async () => {
      throw new LetheError(2800, 'no wasm');
    },
    async () => core.chat,
  ];
  const engine = imEngine(() => answers.shift()()).getInstance();
  assert.deepEqual(await engine.init({ url: 'http://there' }), { code: EngineError.NetChannelInvalid, msg: 'no wasm' });
  assert.equal((await engine.getConversationList()).code, EngineError.ClientNotInit);
  assert.equal((await engine.init({ url: 'http://there' })).code, EngineError.Success);
  assert.equal((await engine.getConversationList()).code, EngineError.Success);
  assert.equal((await engine.init(null)).code, EngineError.InvalidParameter);
});

test('connect takes the user from the token, or from the caller', async () => {
  const { engine, calls } = await engineOver((_, { userID }) => ({ code: 0, data: { userID } }));
  const claims = Buffer.from(JSON.stringify({ sub: 'usér' })).toString('base64url');
  assert.deepEqual(await engine.connect(`h.${claims}.s`), { code: 0, data: { userId: 'usér' } });
  assert.deepEqual(await engine.connect(`h.${claims}.s`, 5), { code: 0, data: { userId: 'usér' } });
  assert.deepEqual(await engine.connect('token', 'me'), { code: 0, data: { userId: 'me' } });
  assert.equal(engine.getCurrentUserId(), 'me');
  assert.deepEqual(calls.at(-1), ['login', { userID: 'me', token: 'token' }]);
  for (const bad of ['', 'no token', 'a.b.c', `h.${Buffer.from('{}').toString('base64url')}.s`, null, 5]) {
    assert.equal((await engine.connect(bad)).code, EngineError.TokenIncorrect);
  }
  assert.equal((await engine.init({ url: 'http://there' })).code, EngineError.ConnectionExists);
});

test('each deletion goes to the core with its scope', async () => {
  const { engine, calls } = await engineOver(succeeds(done));
  const ids = new List();
  ids.add(1);
  ids.add(2);
  const forever = 8_640_000_000_000_000;
  for (const [result, request] of [
    [engine.deleteHistoryMessagesByIds(ids), { ids: [1, 2], scope: 'local' }],
    [engine.deleteHistoryMessagesByIds([3]), { ids: [3], scope: 'local' }],
    [engine.deleteMessages(b), { conversationID: 'C2Cb', scope: 'local' }],
    [engine.deleteHistoryMessagesByTime(b, 5), { conversationID: 'C2Cb', before: 5, scope: 'local' }],
    [engine.cleanRemoteHistoryMessagesByTime(b, 5), { conversationID: 'C2Cb', before: 5, scope: 'remote' }],
    [engine.cleanRemoteHistoryMessagesByTime(b, 0), { conversationID: 'C2Cb', before: forever, scope: 'remote' }],
    [engine.clearHistoryMessages(b, 5), { conversationID: 'C2Cb', before: 6, scope: 'remote' }],
    [engine.clearHistoryMessages(b, 0), { conversationID: 'C2Cb', before: forever, scope: 'remote' }],
    [engine.cleanHistoryMessages(b, 5), { conversationID: 'C2Cb', before: 5, scope: 'local' }],
    [engine.cleanHistoryMessages(b, 5, true), { conversationID: 'C2Cb', before: 5, scope: 'both' }],
    [engine.deleteRemoteMessages(b, [{ messageUid: 'l-1' }]), { messages: [{ ID: 'l-1' }], scope: 'remote' }],
    [engine.deleteMessages(b, [{ messageUId: 'l-1' }]), { messages: [{ ID: 'l-1' }], scope: 'remote' }],
    [
      engine.deleteRemoteMessages(b, List.of([{ messageUid: '', messageId: 9 }]), true),
      { messages: [{ messageID: 9 }], scope: 'both' },
    ],
  ]) {
    assert.deepEqual(await result, { code: EngineError.Success, data: done });
    assert.deepEqual(calls.shift(), ['deleteMessages', request]);
  }
});

test('conversations are named by their type’s number', async () => {
  const { engine, calls } = await engineOver(succeeds(done));
  const code = async (type, target, channelId = '') =>
    (await engine.deleteMessages(Object.assign(named(type, target), { channelId }))).code;
  for (const [type, target, id] of [
    [1, 'b', 'C2Cb'],
    [3, 'g', 'GROUPg'],
    [4, 'r', 'ROOMr'],
    [6, 's', '@TIM#SYSTEMs'],
    [6, '', '@TIM#SYSTEM'],
  ]) {
    assert.equal(await code(type, target), EngineError.Success);
    assert.equal(calls.at(-1)[1].conversationID, id);
  }
  const sent = calls.length;
  for (const type of [2, 5, 7, 8, 10, 12]) {
    assert.equal(await code(type, 'b'), EngineError.ConversationTypeNotSupported);
  }
  for (const type of [0, 9, '1', null, undefined, 1.5]) {
    assert.equal(await code(type, 'b'), EngineError.InvalidConversationType);
  }
  for (const target of ['', null, 5, {}]) {
    assert.equal(await code(1, target), EngineError.InvalidTargetId);
  }
  assert.equal(await code(1, 'b', 'channel'), EngineError.InvalidChannelId);
  for (const none of [null, undefined, 'C2Cb', 5]) {
    assert.equal((await engine.deleteMessages(none)).code, EngineError.InvalidConversation);
  }
  assert.equal(calls.length, sent);
});

test('what is no list of messages is refused, and never turns into all', async () => {
  const { engine, calls } = await engineOver(succeeds(done));
  for (const messages of [undefined, null, [], new List(), 'abc', {}, [null], [{}], ['l-1']]) {
    assert.equal((await engine.deleteMessages(b, messages)).code, EngineError.InvalidMessageArray);
    assert.equal((await engine.deleteRemoteMessages(b, messages, true)).code, EngineError.InvalidMessageArray);
  }
  const elsewhere = [{ messageUid: 'l-1', conversationType: 1, targetId: 'c' }];
  assert.equal((await engine.deleteRemoteMessages(b, elsewhere)).code, EngineError.InvalidMessageArray);
  for (const ids of [undefined, null, [], new List(), '12', { 0: 1 }]) {
    assert.equal((await engine.deleteHistoryMessagesByIds(ids)).code, EngineError.InvalidParameter);
  }
  for (const ids of [[0], [-1], [1.5], [NaN], ['1'], [null], [1, 2 ** 53]]) {
    assert.equal((await engine.deleteHistoryMessagesByIds(ids)).code, EngineError.InvalidMessageId);
  }
  assert.deepEqual(calls, []);
});

test('a batch tells of each message that failed', async () => {
  const { engine } = await engineOver(
    succeeds({ ...done, deleted: [1], failed: [{ id: 2, code: 90003, message: 'none' }] }),
  );
  const { code, data } = await engine.deleteHistoryMessagesByIds([1, 2]);
  assert.equal(code, EngineError.Success);
  assert.deepEqual(data.failed, [{ id: 2, code: EngineError.DatabaseDataNotFound }]);
});

test('messages have their fields in both spellings', async () => {
  const { engine, calls } = await engineOver(
    succeeds({ messageList: [message, { ...message, isRevoked: true, revoker: 'b', payload: {} }], isCompleted: true }),
  );
  const { code, data } = await engine.getRemoteHistoryMessages(named(ConversationType.Group, 'g'), { count: 5 });
  assert.equal(code, EngineError.Success);
  assert(data instanceof List);
  const [first, recalled] = data;
  assert(first instanceof Message);
  assert.deepEqual(
    { ...first, content: { ...first.content } },
    {
      conversationType: 3,
      targetId: 'g',
      channelId: '',
      messageId: 7,
      messageUid: 'log-7',
      direction: 2,
      senderId: 'b',
      sentTime: 1_700_000_000_123,
      sentStatus: 30,
      objectName: 'RC:TxtMsg',
      content: { objectName: 'RC:TxtMsg', content: 'hi' },
    },
  );
  const { messageUId, messageDirection, senderUserId, messageType } = first;
  assert.deepEqual([messageUId, messageDirection, senderUserId, messageType], ['log-7', 2, 'b', 'RC:TxtMsg']);
  assert.deepEqual(recalled.content, { objectName: 'RC:RcNtf', operatorId: 'b' });
  assert.equal(recalled.objectName, 'RC:RcNtf');
  assert.deepEqual(calls[0], ['fetchRemoteHistory', { conversationID: 'GROUPg', count: 5 }]);
});

test('history before a time leaves out the pages above it', async () => {
  const page = (...times) => times.map((sentTime) => ({ ...message, sentTime }));
  const pages = {
    '': { messageList: page(50, 60), nextReqMessageID: 'p2', isCompleted: false },
    p2: { messageList: page(30, 40), nextReqMessageID: 'p3', isCompleted: false },
    p3: { messageList: page(10, 20), nextReqMessageID: '', isCompleted: true },
  };
  const { engine, calls } = await engineOver((_, { nextReqMessageID }) => ({ code: 0, data: pages[nextReqMessageID] }));
  const times = async (option) =>
    [...(await engine.getHistoryMessages(b, option)).data].map(({ sentTime }) => sentTime);
  assert.deepEqual(await times({ time: 50, count: 1 }), [40]);
  assert.equal(calls.length, 2);
  assert.deepEqual(await times({ timestamp: 40, count: 2 }), [20, 30]);
  assert.deepEqual(await times({ time: 15 }), [10]);
  const code = async (option) => (await engine.getHistoryMessages(b, option)).code;
  assert.equal(await code({ order: 1 }), EngineError.NotSupported);
  assert.equal(await code({ time: -1 }), EngineError.InvalidTimestamp);
  assert.equal(await code({ time: 5, count: 0 }), EngineError.InvalidParameter);
  assert.equal(await code(null), EngineError.InvalidParameter);
});

test('sending takes a Message, or a conversation and its content', async () => {
  const { engine, calls } = await engineOver(
    succeeds({ message: { ...message, conversationID: 'C2Cb', flow: 'out' } }),
  );
  const mine = new Message(b, new TextMessage('hi'));
  const { data } = await engine.sendMessage(mine);
  assert.equal(data, mine);
  assert.equal(mine.messageUid, 'log-7');
  assert.equal((await engine.sendMessage(b, new TextMessage({ content: 'hi' }))).data.messageUid, 'log-7');
  const request = { conversationType: 'C2C', to: 'b', type: 'TIMTextElem', payload: { text: 'hi' } };
  assert.deepEqual(calls, [
    ['sendMessage', request],
    ['sendMessage', request],
  ]);
  const code = async (...args) => (await engine.sendMessage(...args)).code;
  assert.equal(
    await code(named(ConversationType.System, 's'), new TextMessage('x')),
    EngineError.ConversationTypeNotSupported,
  );
  assert.equal(await code(b, { content: 'x' }), EngineError.InvalidParameter);
  assert.equal(await code(b), EngineError.InvalidParameter);
  assert.equal(await code(b, new TextMessage('')), EngineError.InvalidParameter);
  assert.equal(await code(null), EngineError.InvalidConversationType);
});

test('recalling, rooms and the list', async () => {
  const { engine, calls } = await engineOver((name) => ({
    code: 0,
    data:
      name === 'revokeMessage'
        ? { message: { ...message, isRevoked: true, revoker: 'a', payload: {} } }
        : { conversationIDList: ['C2Cb'], failed: [{ id: 'GROUPg', code: 2500, message: 'none' }] },
  }));
  assert.equal((await engine.recallMessage({ messageUid: 'log-7' })).data.content.operatorId, 'a');
  await engine.recallMessage(b, { messageUId: 'log-7', sentTime: 5 });
  assert.equal((await engine.recallMessage(b)).code, EngineError.InvalidMessageUid);
  assert.deepEqual(await engine.joinChatRoom('r'), { code: 0 });
  assert.deepEqual(await engine.quitChatRoom('r'), { code: 0 });
  assert.deepEqual(await engine.removeConversation(b), { code: 0 });
  const identifiers = [b, named(ConversationType.Group, 'g')];
  assert.deepEqual(await engine.batchDeleteConversations({ identifiers, deleteMessages: true }), {
    code: 0,
    data: { failed: [{ conversationId: 'GROUPg', code: EngineError.ConversationRemoveError }] },
  });
  assert.deepEqual(calls, [
    ['revokeMessage', { ID: 'log-7' }],
    ['revokeMessage', { ID: 'log-7' }],
    ['joinRoom', { roomID: 'r' }],
    ['quitRoom', { roomID: 'r' }],
    ['deleteConversation', { conversationIDList: ['C2Cb'], clearHistoryMessage: false }],
    ['deleteConversation', { conversationIDList: ['C2Cb', 'GROUPg'], clearHistoryMessage: true }],
  ]);
  for (const wrong of [undefined, { identifiers }, { identifiers: 'x', deleteMessages: true }]) {
    assert.equal((await engine.batchDeleteConversations(wrong)).code, EngineError.InvalidConversationList);
  }
});

test('each call has RongCloud’s number for what went wrong', async () => {
  const each = async (codes, run) => {
    for (const [code, expected] of Object.entries(codes)) {
      const { engine } = await engineOver(fails(Number(code), 'why'));
      assert.deepEqual(await run(engine), { code: expected, msg: 'why' }, code);
    }
  };
  const messages = [{ messageUid: 'l-1' }];
  await each(
    { 2500: 34304, 2503: 34210, 2805: 30002, 2800: 30001, 2801: 30003, 2999: 30001, 10004: 33003, 10035: 34201 },
    (engine) => engine.deleteMessages(b),
  );
  await each({ 90001: 34206, 90002: 34202, 90003: 34304, 90010: 33002, 90011: 34439, 2903: -1 }, (engine) =>
    engine.deleteHistoryMessagesByTime(b, 5),
  );
  await each({ 90042: 25102, 10004: 34203 }, (engine) => engine.deleteRemoteMessages(b, messages));
  await each({ 90042: 33007 }, (engine) => engine.getRemoteHistoryMessages(b));
  await each({ 10031: 25101, 10007: 25107, 90003: 25101, 2805: 30002 }, (engine) => engine.recallMessage(messages[0]));
  await each({ 90050: 23410, 10004: 34210 }, (engine) => engine.joinChatRoom('r'));
  await each({ 90051: 23406 }, (engine) => engine.quitChatRoom('r'));
  await each({ 10007: 22406, 80002: 30016 }, (engine) => engine.sendMessage(b, new TextMessage('x')));
  await each({ 2500: 35020 }, (engine) => engine.removeConversation(b));
  await each({ 70001: 31020, 70003: 31004, 70013: 31004, 70014: 31005 }, (engine) => engine.connect('t', 'me'));
  await each({ 12345: -1 }, (engine) => engine.getConversationList());
});

test('listeners may come before init, outlive it, and go', async (t) => {
  const core = await chatOver(succeeds({}));
  const engine = imEngine(async () => core.chat).getInstance();
  const heard = [];
  const received = (got, { left }) => heard.push(['received', got.messageUid, left]);
  engine.addMessageReceivedListener(received);
  engine.addMessageRecalledListener((got) => heard.push(['recalled', got.objectName]));
  engine.addConnectionStatusListener((status) => heard.push(['status', status]));
  engine.addEventListener(({ name }) => heard.push(['event', name]));
  globalThis.reportError = t.mock.fn();
  engine.addConnectionStatusListener(() => {
    throw new Error('mine');
  });
  await engine.init({ url: 'http://there' });
  core.tell('MESSAGE_RECEIVED', { conversationID: 'GROUPg', messageList: [message, message] });
  core.tell('MESSAGE_REVOKED', { conversationID: 'GROUPg', messageList: [{ ...message, isRevoked: true }] });
  core.tell('NET_STATE_CHANGE', { state: 'connected', code: 0 });
  core.tell('HISTORY_CLEARED', { conversationID: 'GROUPg', through: 5, before: 0 });
  assert.deepEqual(
    heard.filter(([kind]) => kind !== 'event'),
    [
      ['received', 'log-7', 1],
      ['received', 'log-7', 0],
      ['recalled', 'RC:RcNtf'],
      ['status', 'connected'],
    ],
  );
  assert.deepEqual(
    heard.filter(([kind]) => kind === 'event').map(([, name]) => name),
    ['MESSAGE_RECEIVED', 'MESSAGE_REVOKED', 'NET_STATE_CHANGE', 'HISTORY_CLEARED'],
  );
  assert.equal(globalThis.reportError.mock.callCount(), 1);
  heard.length = 0;
  engine.removeMessageReceivedListener(received);
  core.tell('MESSAGE_RECEIVED', { conversationID: 'GROUPg', messageList: [message] });
  assert.deepEqual(heard, [['event', 'MESSAGE_RECEIVED']]);
});
