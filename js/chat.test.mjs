// The typed chat over a core that is made here: what JavaScript adds to the core's answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatOver, lethe, succeeds } from './fake-core.mjs';

const { ARGUMENTS, Chat, decode, encode, EVENT, LetheError } = lethe;

const rejectsWith = (code) => (thrown) => thrown instanceof LetheError && thrown.code === code;

test('the chat has exactly the methods of the table, and what stands on them', () => {
  const made = ['createTextMessage', 'createCustomMessage', 'deleteMessage', 'on', 'off', 'destroy', 'place'];
  const own = Object.getOwnPropertyNames(Chat.prototype).filter((name) => name !== 'constructor');
  const table = Object.keys(ARGUMENTS).filter((name) => name !== 'open'); // Lethe.create calls it
  assert.deepEqual(own.sort(), [...table, ...made].sort());
});

test('a refusal is an Error with its code', async () => {
  const { chat } = await chatOver(() => ({ code: 2800, name: 'NETWORK_ERROR', message: 'gone', retryable: true }));
  await assert.rejects(chat.getConversationList(), (thrown) => {
    assert(thrown instanceof Error);
    const { code, name, message, retryable } = thrown;
    assert.deepEqual(
      { code, name, message, retryable },
      { code: 2800, name: 'NETWORK_ERROR', message: 'gone', retryable: true },
    );
    return true;
  });
});

test('deleteConversation takes a string', async () => {
  const { chat, calls } = await chatOver(succeeds({ conversationIDList: ['C2Cx'], failed: [], erasure: 'erased' }));
  const answer = { code: 0, data: { conversationID: 'C2Cx', erasure: 'erased' } };
  assert.deepEqual(await chat.deleteConversation('C2Cx'), answer);
  await chat.deleteConversation('C2Cx', { awaitErasure: true });
  assert.deepEqual(calls, [
    ['deleteConversation', { conversationIDList: ['C2Cx'] }],
    ['deleteConversation', { conversationIDList: ['C2Cx'], awaitErasure: true }],
  ]);
});

test('deleteConversation of a string that was refused rejects with its code', async () => {
  const failed = [{ id: 'C2Cx', code: 2500, message: 'unknown' }];
  const { chat } = await chatOver(succeeds({ conversationIDList: [], failed }));
  await assert.rejects(chat.deleteConversation('C2Cx'), rejectsWith(2500));
});

test('deleteConversation of a list answers with the list and the refused', async () => {
  const data = { conversationIDList: ['C2Ca'], failed: [{ id: 'C2Cb', code: 2500, message: 'unknown' }] };
  const { chat, calls } = await chatOver(succeeds(data));
  const options = { conversationIDList: ['C2Ca', 'C2Cb'], clearHistoryMessage: false };
  assert.deepEqual((await chat.deleteConversation(options)).data, data);
  assert.deepEqual(calls[0][1], options);
});

test('deleteMessage sends keys only and answers with the deleted messages', async () => {
  const messages = [
    { ID: 'a', messageID: 1, payload: { text: 'x'.repeat(9) } },
    { ID: 'b', messageID: 2, payload: { text: 'y' } },
  ];
  const failed = [{ id: 'b', code: 90003, message: 'gone' }];
  const { chat, calls } = await chatOver(succeeds({ deleted: ['a'], failed, erasure: 'hidden' }));
  const answer = { messageList: [messages[0]], failed, erasure: 'hidden' };
  assert.deepEqual((await chat.deleteMessage(messages)).data, answer);
  assert.deepEqual(calls[0], [
    'deleteMessages',
    {
      messages: [
        { ID: 'a', messageID: 1 },
        { ID: 'b', messageID: 2 },
      ],
    },
  ]);
});

test('what would be lost on the way to the core is refused before it', async () => {
  const { chat, calls } = await chatOver(succeeds({}));
  const itself = {};
  itself.itself = itself;
  for (const [code, call] of [
    [2503, () => chat.getConversation(null)],
    [2503, () => chat.getConversation(new Date())],
    [2503, () => chat.getMessageList({ conversationID: 1n })],
    [2503, () => chat.deleteConversation({ conversationIDList: null })],
    [10004, () => chat.deleteConversation({ conversationIDList: ['C2Ca'], clearHistoryMessage: null })],
    [10004, () => chat.deleteConversation({ conversationIDList: ['C2Ca'], clearHistory: false })],
    [2105, () => chat.deleteMessage([null])],
    [2105, () => chat.deleteMessage([{ text: 'no message' }])],
    [10004, () => chat.deleteMessage(undefined)],
    [10004, () => chat.deleteMessages(null)],
    [10004, () => chat.deleteMessages({ ids: ['a'] }, 'local')],
    [10004, () => chat.deleteMessages({ ids: ['a'] }, null)],
    [10004, () => chat.deleteMessages({ conversationID: 'C2Ca', befor: 1 })],
    [90002, () => chat.deleteMessages({ conversationID: 'C2Ca', before: undefined })],
    [90002, () => chat.deleteMessages({ conversationID: 'C2Ca', before: null })],
    [90002, () => chat.deleteMessages({ conversationID: 'C2Ca', before: new Date() })],
    [10004, () => chat.deleteMessages({ conversationID: 'C2Ca', upTo: null })],
    [10004, () => chat.setOnline(() => {})],
    [2105, () => chat.sendMessage(null)],
    [2105, () => chat.sendMessage({ ID: 'a', type: 'TIMTextElem', status: 'success' })],
    [
      10004,
      () =>
        chat.sendMessage({ type: 'TIMCustomElem', to: 'a', conversationType: 'C2C', payload: { when: new Date() } }),
    ],
    [10004, () => chat.sendMessage({ type: 'TIMCustomElem', to: 'a', conversationType: 'C2C', payload: { big: 1n } })],
    [10004, () => chat.sendMessage({ type: 'TIMCustomElem', to: 'a', conversationType: 'C2C', payload: itself })],
  ]) {
    await assert.rejects(call(), rejectsWith(code), call.toString());
  }
  assert.deepEqual(calls, []);
});

test('undefined fields are left out, in payloads too', async () => {
  const { chat, calls } = await chatOver(succeeds({ messageList: [] }));
  await chat.getMessageList({ conversationID: 'C2Ca', count: undefined });
  await chat.getMessageList(undefined);
  assert.deepEqual(
    calls.map(([, args]) => args),
    [{ conversationID: 'C2Ca' }, {}],
  );
});

test('a created message is sent without names and then has those of the sent one', async () => {
  const { chat, calls } = await chatOver((_, { payload }) => ({
    code: 0,
    data: { message: { ID: 'm', payload, status: 'success' } },
  }));
  const message = chat.createTextMessage({
    to: 'b',
    conversationType: 'C2C',
    payload: { text: 'hi', more: undefined },
  });
  const { data } = await chat.sendMessage(message);
  assert.equal(data.message, message);
  assert.equal(message.ID, 'm');
  assert.deepEqual(calls[0][1], { conversationType: 'C2C', to: 'b', type: 'TIMTextElem', payload: { text: 'hi' } });
  await assert.rejects(chat.sendMessage(message), rejectsWith(2105));
});

test('a quote is sent by its name, and shows before that what it quotes', async () => {
  const { chat, calls } = await chatOver(succeeds({ message: { ID: 'm' } }));
  const quoted = {
    ID: 'q',
    messageID: 7,
    seq: 7,
    from: 'b',
    type: 'TIMTextElem',
    payload: { text: 'said' },
    flow: 'in',
  };
  const message = chat.createTextMessage({
    to: 'b',
    conversationType: 'C2C',
    payload: { text: 'hi' },
    quote: quoted,
  });
  assert.deepEqual(message.quote, {
    ID: 'q',
    seq: 7,
    status: 'normal',
    from: 'b',
    type: 'TIMTextElem',
    payload: { text: 'said' },
  });
  await chat.sendMessage(message);
  assert.deepEqual(calls[0][1].quote, { ID: 'q' });
});

test('recalling sends keys only and turns the message into its notice', async () => {
  const notice = { ID: 'm', messageID: 1, payload: {}, isRevoked: true, revoker: 'a' };
  const { chat, calls } = await chatOver(succeeds({ message: notice }));
  const message = { ID: 'm', messageID: 1, payload: { text: 'hi' }, isRevoked: false, revoker: '' };
  const { data } = await chat.revokeMessage(message);
  assert.equal(data.message, message);
  assert.deepEqual(message, notice);
  assert.deepEqual(calls[0], ['revokeMessage', { ID: 'm', messageID: 1 }]);
  await assert.rejects(chat.revokeMessage(null), rejectsWith(2105));
});

test('groups and rooms go by their names', async () => {
  const { chat, calls } = await chatOver(succeeds({}));
  await chat.joinGroup('g');
  await chat.quitGroup('g');
  await chat.joinRoom('r');
  await chat.quitRoom('r');
  assert.deepEqual(calls, [
    ['joinGroup', { groupID: 'g' }],
    ['quitGroup', { groupID: 'g' }],
    ['joinRoom', { roomID: 'r' }],
    ['quitRoom', { roomID: 'r' }],
  ]);
});

test('creating a message from wrong options throws', async () => {
  const { chat } = await chatOver(succeeds({}));
  const good = { to: 'b', conversationType: 'C2C', payload: { text: 'hi' } };
  for (const [code, options] of [
    [10004, undefined],
    [10004, { ...good, to: '' }],
    [2106, { ...good, conversationType: '@TIM#SYSTEM' }],
    [10004, { ...good, payload: null }],
    [10004, { ...good, payload: { text: 1 } }],
    [10004, { ...good, payload: { text: 'hi', f() {} } }],
    [2105, { ...good, quote: null }],
    [2105, { ...good, quote: 'C2Cb' }],
    [2105, { ...good, quote: { text: 'no message' } }],
  ]) {
    assert.throws(() => chat.createTextMessage(options), rejectsWith(code));
  }
});

test('an error in one handler does not stop the others', async (t) => {
  const { chat, listener } = await chatOver(succeeds({}));
  const heard = [];
  globalThis.reportError = t.mock.fn(); // browsers have it, Node does not
  chat.on(EVENT.SDK_READY, () => {
    throw new Error('mine');
  });
  const removed = () => heard.push('removed');
  chat.on(EVENT.SDK_READY, removed);
  chat.off(EVENT.SDK_READY, removed);
  chat.on(EVENT.SDK_READY, (event) => heard.push(event));
  listener.event('SDK_READY', encode({ userID: 'a' }));
  assert.deepEqual(heard, [{ name: 'SDK_READY', data: { userID: 'a' } }]);
  assert.equal(globalThis.reportError.mock.calls[0].arguments[0].message, 'mine');
  assert.throws(() => chat.on('NO_SUCH_EVENT', () => {}), rejectsWith(10004));
});

test('a core that dies rejects what is pending and all that comes later, and says so', async () => {
  const { chat, listener } = await chatOver(() => new Promise(() => {}));
  const errors = [];
  chat.on(EVENT.ERROR, ({ data }) => errors.push(data));
  const pending = chat.getConversationList();
  listener.exited('the worker died');
  await assert.rejects(pending, rejectsWith(90040));
  await assert.rejects(chat.getConversationList(), rejectsWith(90040));
  assert.deepEqual(errors, [{ code: 90040, message: 'the worker died' }]);
});

test('destroy rejects what is pending, without an event', async () => {
  const { chat } = await chatOver(() => new Promise(() => {}));
  chat.on(EVENT.ERROR, () => assert.fail('no event'));
  const pending = chat.getConversationList();
  chat.destroy();
  await assert.rejects(pending, rejectsWith(90040));
});

test('64-bit integers are numbers, and extensions of other people’s payloads stay bytes', () => {
  assert.equal(decode(Uint8Array.of(0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)), 2 ** 53 - 1);
  assert.equal(decode(Uint8Array.of(0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe)), -2);
  const date = decode(Uint8Array.of(0xd6, 0xff, 0, 0, 0, 1));
  assert(date instanceof Uint8Array);
  const expression = decode(Uint8Array.of(0xc7, 1, 0x78, 0x90));
  assert(expression instanceof Uint8Array);
});

test('a call that is traced names its traceparent behind the method, any other is as without', async () => {
  const parent = '00-11111111111111111111111111111111-2222222222222222-01';
  for (const [trace, expected] of [
    [undefined, /^getConversationList$/],
    [false, /^getConversationList$/],
    [() => undefined, /^getConversationList$/],
    [() => parent, new RegExp(`^getConversationList ${parent}$`)],
    [true, /^getConversationList 00-[0-9a-f]{32}-[0-9a-f]{16}-01$/],
  ]) {
    const { chat, calls } = await chatOver(succeeds({ conversationList: [] }), trace);
    await chat.getConversationList();
    await chat.getConversationList();
    assert.match(calls[0][0], expected);
    assert.equal(calls[0][0] === calls[1][0], trace !== true, 'each call begins a trace of its own');
  }
});
