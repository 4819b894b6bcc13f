// Every wrong call of the faces has its vendor's number, changes nothing on the device and nothing on the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { soon } from './device.mjs';
import { beside, rongcloudPage, tencentPage } from './faces.mjs';
import { stateOf } from './refusals.mjs';
import { Server } from './server.mjs';

const TEXT = "conversationType: 'C2C', payload: { text: 'x' }";
const UNKNOWN = "{ ID: '0123456789abcdef-1', conversationID: 'C2Cother' }";

/** In them `mine`, `theirs` and `notice` are messages: my oldest, the other's newest, one of the system's. */
const TENCENT = [
  ["chat.deleteConversation('')", 2503],
  ['chat.deleteConversation()', 2503],
  ['chat.deleteConversation(null)', 2503],
  ['chat.deleteConversation(5)', 2503],
  ["chat.deleteConversation('other')", 2503],
  ["chat.deleteConversation('C2C')", 2503],
  ["chat.deleteConversation('C2C' + 'x'.repeat(129))", 2503],
  ["chat.deleteConversation('C2Cnobody')", 2500],
  ["chat.deleteConversation('GROUPforeign')", 2500],
  ["chat.deleteConversation('ROOMlobby')", 10035],
  ['chat.deleteConversation({})', 10004],
  ['chat.deleteConversation([])', 10004],
  ['chat.deleteConversation({ conversationIDList: [] })', 10004],
  ['chat.deleteConversation({ conversationIDList: null })', 2503],
  ["chat.deleteConversation({ conversationIDList: 'C2Cother' })", 2503],
  ["chat.deleteConversation({ conversationIDList: ['C2Cother', 'other'] })", 2503],
  ["chat.deleteConversation({ conversationIDList: ['C2Cnobody', 'C2Cneither'] })", 2500],
  ["chat.deleteConversation({ conversationIDList: Array.from({ length: 101 }, (_, i) => 'C2Cu' + i) })", 90001],
  ["chat.deleteConversation({ conversationIDList: ['C2Cother'], clearHistoryMessage: 'no' })", 10004],
  ["chat.deleteConversation({ conversationIDList: ['C2Cother'], clearHistoryMessages: false })", 10004],
  ["chat.clearHistoryMessage('')", 2503],
  ['chat.clearHistoryMessage({})', 2503],
  ["chat.clearHistoryMessage('C2Cnobody')", 2500],
  ["chat.clearHistoryMessage('ROOMlobby')", 10035],
  ['chat.deleteMessage()', 10004],
  ['chat.deleteMessage([])', 10004],
  ['chat.deleteMessage(mine)', 10004],
  ['chat.deleteMessage([null])', 2105],
  ["chat.deleteMessage([{ text: 'x' }])", 2105],
  [`chat.deleteMessage([${UNKNOWN}])`, 2111],
  ["chat.deleteMessage([{ ID: 'nonsense' }])", 10004],
  ['chat.deleteMessage([notice])', 2116],
  ['chat.deleteMessage([mine, notice])', 2116],
  ['chat.deleteMessage(Array.from({ length: 1001 }, (_, i) => ({ messageID: i + 1 })))', 90001],
  ['chat.revokeMessage()', 2105],
  ['chat.revokeMessage({})', 2105],
  ["chat.revokeMessage('0123456789abcdef-1')", 2105],
  [`chat.revokeMessage(${UNKNOWN})`, 10030],
  ['chat.revokeMessage(mine)', 10031],
  ['chat.revokeMessage(theirs)', 10007],
  ["chat.getConversationList('C2Cother')", 10004],
  ["chat.getConversationProfile('C2Cnobody')", 2500],
  ["chat.getConversationProfile('nobody')", 2503],
  ['chat.getMessageList()', 2503],
  ["chat.getMessageList({ conversationID: 'C2Cnobody' })", 2500],
  ["chat.getMessageList({ conversationID: 'C2Cother', count: 0.5 })", 10004],
  ["chat.getMessageList({ conversationID: 'C2Cother', nextReqMessageID: 'nonsense' })", 10004],
  ['chat.setMessageRead({})', 2503],
  ["chat.setMessageRead({ conversationID: 'GROUPforeign' })", 2500],
  ['chat.sendMessage()', 2105],
  ['chat.sendMessage({})', 2105],
  ['chat.sendMessage(mine)', 2105],
  [`chat.sendMessage(chat.createTextMessage({ to: '', ${TEXT} }))`, 10004],
  ['chat.createTextMessage()', 10004],
  ["chat.createTextMessage({ to: 'other', conversationType: '@TIM#SYSTEM', payload: { text: 'x' } })", 2106],
  ["chat.createTextMessage({ to: 'other', conversationType: 'C2C', payload: { text: 5 } })", 10004],
  [`chat.createTextMessage({ to: 'other', ${TEXT}, quote: {} })`, 2105],
  ["chat.createCustomMessage({ to: 'other', conversationType: 'C2C', payload: { when: new Date() } })", 10004],
  [
    "chat.sendMessage(chat.createTextMessage({ to: 'other', conversationType: 'C2C', payload: { text: 'x'.repeat(65537) } }))",
    80002,
  ],
  [
    "chat.sendMessage(chat.createTextMessage({ to: 'foreign', conversationType: 'GROUP', payload: { text: 'x' } }))",
    2603,
  ],
  [
    "chat.sendMessage(chat.createTextMessage({ to: 'nowhere', conversationType: 'GROUP', payload: { text: 'x' } }))",
    2603,
  ],
  ['chat.joinGroup()', 10004],
  ["chat.joinGroup({ groupID: 'nowhere' })", 2603],
  ["chat.joinGroup({ groupID: 'foreign' })", 2603],
  ["chat.quitGroup('')", 10004],
  ["chat.quitGroup('nowhere')", 2603],
  ["chat.login({ userID: 'me' })", 70002],
  ["chat.login({ userID: 'somebody', userSig: 'x' })", 10004],
  ["chat.on('error', null)", 10004],
  ['TencentCloudChat.create()', 10004],
];

/** One call of every kind, for when nobody is logged in. */
const TENCENT_CALLS = [
  'chat.getConversationList()',
  "chat.getMessageList({ conversationID: 'C2Cother' })",
  "chat.deleteConversation('C2Cother')",
  "chat.deleteConversation({ conversationIDList: ['C2Cother'] })",
  "chat.clearHistoryMessage('C2Cother')",
  `chat.deleteMessage([${UNKNOWN}])`,
  `chat.revokeMessage(${UNKNOWN})`,
  "chat.quitGroup('team')",
];

const CONVERSATIONS = [
  ['', 34225],
  ['null', 34225],
  ["'C2Cother'", 34225],
  ['{}', 34209],
  ["named(0, 'other')", 34209],
  ["named(99, 'other')", 34209],
  ["named('1', 'other')", 34209],
  ["named(10, 'other')", 34201],
  ["named(4, 'lobby')", 34201],
  ["named(1, '')", 34210],
  ['named(1, 5)', 34210],
  ["named(1, 'x'.repeat(129))", 34210],
  ["named(1, 'nobody')", 34304],
  ["Object.assign(named(1, 'other'), { channelId: 'c' })", 34211],
];

const TIMES = ['', '-1', '1.5', 'NaN', 'Infinity', "'5'", 'null', 'new Date()'];

const OTHER = "named(1, 'other')";

const RONGCLOUD = [
  ...CONVERSATIONS.map(([conversation, code]) => [`engine.deleteMessages(${conversation})`, code]),
  ...CONVERSATIONS.slice(1).flatMap(([conversation, code]) => [
    [`engine.deleteHistoryMessagesByTime(${conversation}, Date.now())`, code],
    [`engine.cleanRemoteHistoryMessagesByTime(${conversation}, 0)`, code],
  ]),
  // Messages are known by their own names, so whether the conversation exists is not asked.
  ...CONVERSATIONS.slice(1, -3).map(([conversation, code]) => [
    `engine.deleteRemoteMessages(${conversation}, [{ messageUid: '0123456789abcdef-1' }])`,
    code,
  ]),
  ...TIMES.flatMap((time) => [
    [`engine.deleteHistoryMessagesByTime(${OTHER}, ${time})`, 34202],
    [`engine.cleanRemoteHistoryMessagesByTime(${OTHER}, ${time})`, 34202],
    [`engine.cleanHistoryMessages(${OTHER}, ${time || undefined}, true)`, 34202],
  ]),
  [`engine.deleteHistoryMessagesByTime(${OTHER}, 0)`, 34202],
  [`engine.cleanHistoryMessages(${OTHER}, 0)`, 34202],
  ['engine.deleteHistoryMessagesByIds()', 33003],
  ['engine.deleteHistoryMessagesByIds(null)', 33003],
  ['engine.deleteHistoryMessagesByIds([])', 33003],
  ['engine.deleteHistoryMessagesByIds(new List())', 33003],
  ['engine.deleteHistoryMessagesByIds(5)', 33003],
  ['engine.deleteHistoryMessagesByIds([0])', 34204],
  ['engine.deleteHistoryMessagesByIds([-1])', 34204],
  ['engine.deleteHistoryMessagesByIds([1.5])', 34204],
  ["engine.deleteHistoryMessagesByIds(['1'])", 34204],
  ['engine.deleteHistoryMessagesByIds([1, null])', 34204],
  ['engine.deleteHistoryMessagesByIds([2 ** 40])', 34304],
  ['engine.deleteHistoryMessagesByIds(Array.from({ length: 1001 }, (_, i) => i + 1))', 34206],
  ['engine.deleteHistoryMessagesByIds(List.of(Array.from({ length: 1001 }, (_, i) => i + 1)))', 34206],
  [`engine.deleteMessages(${OTHER}, undefined)`, 34229],
  [`engine.deleteRemoteMessages(${OTHER})`, 34229],
  [`engine.deleteRemoteMessages(${OTHER}, [])`, 34229],
  [`engine.deleteRemoteMessages(${OTHER}, [null])`, 34229],
  [`engine.deleteRemoteMessages(${OTHER}, [{}])`, 34229],
  [`engine.deleteRemoteMessages(${OTHER}, ['0123456789abcdef-1'])`, 34229],
  ["engine.deleteRemoteMessages(named(3, 'team'), [theirs])", 34229],
  [`engine.deleteRemoteMessages(${OTHER}, [{ messageUid: 'nonsense' }])`, 34203],
  [`engine.deleteRemoteMessages(${OTHER}, [{ messageUid: '0123456789abcdef-1' }], true)`, 34304],
  [
    `engine.deleteRemoteMessages(${OTHER}, Array.from({ length: 1001 }, (_, i) => ({ messageUid: '0123456789abcdef-' + (i + 1) })))`,
    34206,
  ],
  [`engine.getHistoryMessages(${OTHER}, { order: 1 })`, 35004],
  [`engine.getHistoryMessages(${OTHER}, { time: -1 })`, 34202],
  [`engine.getHistoryMessages(${OTHER}, { count: 0.5 })`, 33003],
  [`engine.getRemoteHistoryMessages(${OTHER}, { count: 5000 })`, 33003],
  ["engine.getRemoteHistoryMessages(named(1, 'nobody'))", 34304],
  ['engine.recallMessage()', 34203],
  ['engine.recallMessage({})', 34203],
  [`engine.recallMessage(${OTHER}, { messageUId: 'nonsense' })`, 34203],
  [`engine.recallMessage(${OTHER}, { messageUId: '0123456789abcdef-1' })`, 25101],
  ['engine.recallMessage(mine)', 25101],
  ['engine.recallMessage(theirs)', 25107],
  [`engine.sendMessage(${OTHER})`, 33003],
  [`engine.sendMessage(${OTHER}, new TextMessage(''))`, 33003],
  [`engine.sendMessage(${OTHER}, new TextMessage('x'.repeat(65537)))`, 30016],
  ["engine.sendMessage(named(6, ''), new TextMessage('x'))", 34201],
  ["engine.sendMessage(named(3, 'foreign'), new TextMessage('x'))", 22406],
  ["engine.removeConversation(named(1, 'nobody'))", 35020],
  ['engine.batchDeleteConversations()', 34287],
  ['engine.batchDeleteConversations({ identifiers: [], deleteMessages: true })', 34287],
  [
    "engine.batchDeleteConversations({ identifiers: Array.from({ length: 101 }, (_, i) => named(1, 'u' + i)), deleteMessages: true })",
    34287,
  ],
  ["engine.joinChatRoom('')", 34210],
  ["engine.joinChatRoom('nowhere')", 23410],
  ["engine.quitChatRoom('lobby')", 23406],
  ["engine.connect('no token')", 31004],
  ['engine.init({})', 34001],
];

/** One call of every kind, for when nobody is connected. */
const RONGCLOUD_CALLS = [
  'engine.deleteHistoryMessagesByIds([1])',
  `engine.deleteMessages(${OTHER})`,
  `engine.deleteHistoryMessagesByTime(${OTHER}, 5)`,
  `engine.cleanRemoteHistoryMessagesByTime(${OTHER}, 0)`,
  `engine.deleteRemoteMessages(${OTHER}, [{ messageUid: '0123456789abcdef-1' }])`,
  `engine.getRemoteHistoryMessages(${OTHER})`,
  'engine.getConversationList()',
  "engine.recallMessage({ messageUid: '0123456789abcdef-1' })",
];

const LISTED = ['C2Cother', 'GROUPteam', '@TIM#SYSTEM'];

/** Me with old and new messages, a group of mine and a notice; a tab that looks. Groups of others, and a room. */
async function world(t, open) {
  const server = await Server.start(t);
  // A token that the server refuses ends its connection with a close code, of which Chromium tells.
  const browser = await Browser.start(t, { bare: true, tolerated: /WebSocket connection/ });
  await server.post('/v1/groups', { groupID: 'team', members: ['me', 'other'] });
  await server.post('/v1/groups', { groupID: 'foreign', members: ['other'] });
  await server.post('/v1/rooms', { roomID: 'lobby' });
  const talk = Array.from({ length: 6 }, (_, i) => ({
    from: i === 0 ? 'me' : 'other',
    time: Date.UTC(2026, 0, 1) + i,
    text: `words ${i}`,
  }));
  await server.load('C2Cother', talk, 'me');
  await server.load('GROUPteam', talk);
  await server.post('/v1/notices', { to: 'me', payload: { text: 'be told' } });
  const page = await open(browser, server, 'me');
  const look = await beside(browser, server, 'me');
  await soon('all is listed', async () => (await look.list()).length === LISTED.length);
  await page.evaluate(setTheScene);
  return { page, look };
}

/** Runs in the page, with either face: names the messages that the tables speak of. */
async function setTheScene() {
  const rong = window.engine;
  const list = async (id, ...name) =>
    rong
      ? [...(await rong.getHistoryMessages(named(...name), { count: 15 })).data]
      : (await chat.getMessageList({ conversationID: id })).data.messageList;
  const messages = await list('C2Cother', 1, 'other');
  window.mine = messages[0];
  window.theirs = messages.at(-1);
  [window.notice] = await list('@TIM#SYSTEM', 6, '');
}

function shortened(call) {
  return call.length > 110 ? `${call.slice(0, 110)}…` : call;
}

test('bad input to TencentCloudChat', async (t) => {
  const { page, look } = await world(t, tencentPage);
  const refusalOf = (call) =>
    page.evaluate(`(async () => {
      try {
        return { answer: await (${call}) };
      } catch (imError) {
        const { code, message, data } = imError;
        return { code, message, data: data !== undefined, isError: imError instanceof Error && imError instanceof Lethe.tencent.ImError };
      }
    })()`);
  const before = await stateOf(look, LISTED);
  assert.equal(before.conversations.C2Cother.device.length, 6);
  for (const [call, code] of TENCENT) {
    await t.test(`${code}: ${shortened(call)}`, async () => {
      const refusal = await refusalOf(call);
      assert.equal(refusal.code, code, JSON.stringify(refusal));
      assert.ok(refusal.isError && refusal.message.length > 0);
      assert.deepEqual(await stateOf(look, LISTED), before);
    });
  }
  await page.evaluate(() => chat.logout());
  for (const call of TENCENT_CALLS) {
    await t.test(`after logout: ${call}`, async () => assert.equal((await refusalOf(call)).code, 2999));
  }
  for (const [userSig, code] of [
    ['', 70002],
    ['no token', 70003],
  ]) {
    const call = `chat.login({ userID: 'me', userSig: '${userSig}' })`;
    await t.test(`${code}: ${call}`, async () => assert.equal((await refusalOf(call)).code, code));
  }
  await t.test('after logout: another logout', async () => assert.equal((await refusalOf('chat.logout()')).code, 2024));
  await page.evaluate(() => chat.destroy());
  for (const call of TENCENT_CALLS) {
    await t.test(`after destroy: ${call}`, async () => assert.equal((await refusalOf(call)).code, 2999));
  }
  assert.deepEqual(await stateOf(look, LISTED), before);
});

test('bad input to IMEngine', async (t) => {
  const { page, look } = await world(t, rongcloudPage);
  // Not caught: a call that throws or rejects fails the test.
  const resultOf = (call) =>
    page.evaluate(`(async () => { const { code, msg } = await (${call}); return { code, msg }; })()`);
  const before = await stateOf(look, LISTED);
  for (const [call, code] of RONGCLOUD) {
    await t.test(`${code}: ${shortened(call)}`, async () => {
      const result = await resultOf(call);
      assert.equal(result.code, code, JSON.stringify(result));
      assert.ok(result.msg.length > 0);
      assert.deepEqual(await stateOf(look, LISTED), before);
    });
  }
  await resultOf('engine.disconnect()');
  for (const call of RONGCLOUD_CALLS) {
    await t.test(`disconnected: ${call}`, async () => assert.equal((await resultOf(call)).code, 30001));
  }
  await t.test('a token that the server did not sign', async () => {
    assert.equal((await resultOf("engine.connect('no token', 'me')")).code, 31004);
  });
  await resultOf('engine.destroy()');
  for (const call of RONGCLOUD_CALLS) {
    await t.test(`before init: ${call}`, async () => assert.equal((await resultOf(call)).code, 33001));
  }
  assert.deepEqual(await stateOf(look, LISTED), before);
});
