// Every wrong call has a code, changes nothing on the device and nothing on the server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { Device } from './device.mjs';
import { folder } from './endings.mjs';
import { checkRefusal, codeNames, refusalOf, stateOf } from './refusals.mjs';
import { ROOT, Server } from './server.mjs';

const NAMES = [
  ["''", 2503],
  ['null', 2503],
  ['undefined', 2503],
  ['5', 2503],
  ['true', 2503],
  ["'C2C'", 2503],
  ["'GROUP'", 2503],
  ["'c2cother'", 2503],
  ["'other'", 2503],
  ["'C2C' + 'x'.repeat(129)", 2503],
  ["'C2Cwith\\nnewline'", 2503],
  ['() => {}', 2503],
  ["'C2Cnobody'", 2500],
  ["'GROUPnowhere'", 2500],
  ["'GROUPforeign'", 2500],
];

const OBJECTS = [
  ['{}', 2503],
  ['[]', 2503],
  ["['C2Cother']", 2503],
  ['new Date()', 2503],
];

const BY_NAME = ['deleteConversation', 'clearHistoryMessage', 'getConversation', 'inspectConversation'];

const LISTS = [
  ['[]', 10004],
  ['null', 2503],
  ["'C2Cother'", 2503],
  ['[5]', 2503],
  ['[null]', 2503],
  ["['C2Cother', '']", 2503],
  ["['C2Cother', 'other']", 2503],
  ["['C2Cnobody']", 2500],
  ["Array.from({ length: 101 }, (_, i) => 'C2Cu' + i)", 90001],
];

const TIMES = ['-1', '1.5', '0', 'NaN', 'Infinity', '2 ** 53', "'1000'", 'null', 'undefined', '[]', 'new Date()'];

const MESSAGES = [
  ['null', 10004],
  ['undefined', 10004],
  ['{}', 10004],
  ['[]', 10004],
  ['{ ids: null }', 10004],
  ['{ ids: [] }', 10004],
  ["{ ids: 'abc' }", 10004],
  ["{ ids: [''] }", 10004],
  ['{ ids: [0] }', 10004],
  ["{ ids: ['nonsense'] }", 10004],
  ["{ ids: ['local-x'] }", 10004],
  ['{ ids: [null] }', 10004],
  ['{ ids: [true] }', 10004],
  ['{ ids: [-1] }', 10004],
  ['{ ids: [1.5] }', 10004],
  ['{ ids: [NaN] }', 10004],
  ['{ ids: [2 ** 53] }', 10004],
  ['{ ids: [() => {}] }', 10004],
  ["{ ids: ['0123456789abcdef-1'] }", 90003],
  ['{ ids: [2 ** 52] }', 90003],
  ["{ ids: Array.from({ length: 1001 }, (_, i) => '0123456789abcdef-' + (i + 1)) }", 90001],
  ['{ messages: [] }', 10004],
  ["{ messages: 'abc' }", 10004],
  ['{ messages: [null] }', 2105],
  ['{ messages: [{}] }', 2105],
  ["{ messages: [{ text: 'not one of ours' }] }", 2105],
  ["{ messages: Array.from({ length: 1001 }, (_, i) => ({ ID: '0123456789abcdef-' + (i + 1) })) }", 90001],
  ["{ ids: ['0123456789abcdef-1'], conversationID: 'C2Cother' }", 10004],
  ["{ ids: ['0123456789abcdef-1'], before: 5 }", 10004],
  ["{ conversationID: 'C2Cother', upTo: 0 }", 10004],
  ["{ conversationID: 'C2Cother', upTo: -1 }", 10004],
  ["{ conversationID: 'C2Cother', upTo: 1.5 }", 10004],
  ["{ conversationID: 'C2Cother', upTo: null }", 10004],
  ["{ conversationID: 'C2Cother', upTo: undefined }", 10004],
  ["{ conversationID: 'C2Cother', befor: 5 }", 10004],
  ["{ conversationID: 'C2Cother' }, { scope: 'everything' }", 10004],
  ["{ conversationID: 'C2Cother' }, { scope: 5 }", 10004],
  ["{ conversationID: 'C2Cother' }, { scope: null }", 10004],
  ["{ conversationID: 'C2Cother' }, null", 10004],
  ["{ conversationID: 'C2Cother' }, 'local'", 10004],
];

const TEXT = "conversationType: 'C2C', payload: { text: 'x' }";

const OTHERS = [
  ['chat.deleteConversation({})', 10004],
  ["chat.deleteConversation({ conversationIDList: ['C2Cother'], clearHistoryMessage: 'no' })", 10004],
  ["chat.deleteConversation({ conversationIDList: ['C2Cother'], clearHistoryMessage: null })", 10004],
  ["chat.deleteConversation({ conversationIDList: ['C2Cother'], clearHistory: false })", 10004],
  ['chat.deleteMessage(null)', 10004],
  ['chat.deleteMessage([])', 10004],
  ['chat.deleteMessage([null])', 2105],
  ['chat.deleteMessage([{}])', 2105],
  ['chat.deleteMessage(Array.from({ length: 1001 }, (_, i) => ({ messageID: i + 1 })))', 90001],
  ['chat.getMessageList()', 2503],
  ["chat.getMessageList({ conversationID: 'C2Cother', count: 0.5 })", 10004],
  ["chat.getMessageList({ conversationID: 'C2Cother', count: -1 })", 10004],
  ["chat.getMessageList({ conversationID: 'C2Cother', count: 1025 })", 10004],
  ["chat.getMessageList({ conversationID: 'C2Cother', count: '10' })", 10004],
  ["chat.getMessageList({ conversationID: 'C2Cother', nextReqMessageID: 'nonsense' })", 10004],
  ["chat.fetchRemoteHistory({ conversationID: 'C2Cnobody' })", 2500],
  ["chat.setMessageRead({ conversationID: 'GROUPforeign' })", 2500],
  ['chat.setMessageRead({})', 2503],
  ['chat.sendMessage(null)', 2105],
  ['chat.sendMessage({})', 2105],
  [`chat.createTextMessage({ to: '', ${TEXT} })`, 10004],
  ["chat.createTextMessage({ to: 'other', conversationType: '@TIM#SYSTEM', payload: { text: 'x' } })", 2106],
  [`chat.createTextMessage({ to: 'other', ${TEXT}, quote: {} })`, 2105],
  [`chat.sendMessage(chat.createTextMessage({ to: 'other', ${TEXT}, quote: { ID: '0123456789abcdef-1' } }))`, 90003],
  [
    "chat.sendMessage(chat.createTextMessage({ to: 'lobby', conversationType: 'ROOM', payload: { text: 'x' } }))",
    90051,
  ],
  ["chat.deleteConversation('ROOMlobby')", 10035],
  ["chat.deleteConversation({ conversationIDList: ['C2Cother', 'ROOMlobby'] })", 10035],
  ["chat.clearHistoryMessage('ROOMlobby')", 10035],
  ["chat.deleteMessages({ conversationID: 'ROOMlobby' }, { scope: 'remote' })", 10035],
  ["chat.getConversation('ROOMlobby')", 2500],
  ["chat.getMessageList({ conversationID: 'ROOMlobby' })", 2500],
  ['chat.revokeMessage(null)', 2105],
  ['chat.revokeMessage({})', 2105],
  ["chat.revokeMessage({ ID: 'nonsense' })", 10004],
  ["chat.revokeMessage({ ID: '0123456789abcdef-1' })", 90003],
  ['chat.revokeMessage({ messageID: 2 ** 52 })', 90003],
  ["chat.joinGroup('')", 10004],
  ['chat.joinGroup()', 10004],
  ["chat.joinGroup('nowhere')", 2603],
  ["chat.joinGroup('foreign')", 2603],
  ["chat.quitGroup('nowhere')", 2603],
  ["chat.joinRoom('nowhere')", 90050],
  ['chat.joinRoom(5)', 10004],
  ["chat.quitRoom('lobby')", 90051],
  ["chat.createTextMessage({ to: 'other', conversationType: 'C2C', payload: { text: 5 } })", 10004],
  ["chat.createTextMessage({ to: 'other', conversationType: 'C2C', payload: null })", 10004],
  [`chat.sendMessage(chat.createTextMessage({ to: 'x'.repeat(129), ${TEXT} }))`, 10004],
  [
    "chat.sendMessage(chat.createTextMessage({ to: 'nowhere', conversationType: 'GROUP', payload: { text: 'x' } }))",
    2603,
  ],
  [
    "chat.sendMessage(chat.createTextMessage({ to: 'other', conversationType: 'C2C', payload: { text: 'x'.repeat(65537) } }))",
    80002,
  ],
  [
    "chat.sendMessage(chat.createTextMessage({ to: 'other', conversationType: 'C2C', payload: { text: 'é'.repeat(32769) } }))",
    80002,
  ],
  [
    "chat.sendMessage(chat.createCustomMessage({ to: 'other', conversationType: 'C2C', payload: { data: 'x'.repeat(32768), description: 'x'.repeat(32769) } }))",
    80002,
  ],
  ["chat.login({ userID: 'somebody else', token: 'x' })", 10004],
  ["chat.on('NO_SUCH_EVENT', () => {})", 10004],
  ["chat.on('ERROR', null)", 10004],
  ['Lethe.create()', 10004],
  ["Lethe.create({ url: 'not an address' })", 10004],
  ["Lethe.create({ url: 'ftp://127.0.0.1' })", 10004],
  ["Lethe.create({ url: location.origin, appID: '' })", 10004],
  ["Lethe.create({ url: location.origin, wasmURL: '/dist/missing.wasm' })", 2800],
];

const TABLE = [
  ...BY_NAME.flatMap((method) => NAMES.map(([id, code]) => [`chat.${method}(${id})`, code])),
  ...BY_NAME.slice(1).flatMap((method) => OBJECTS.map(([id, code]) => [`chat.${method}(${id})`, code])),
  ...NAMES.map(([id, code]) => [`chat.deleteMessages({ conversationID: ${id} })`, code]),
  ...NAMES.map(([id, code]) => [`chat.getMessageList({ conversationID: ${id} })`, code]),
  ...LISTS.map(([list, code]) => [`chat.deleteConversation({ conversationIDList: ${list} })`, code]),
  ...TIMES.map((time) => [`chat.deleteMessages({ conversationID: 'C2Cother', before: ${time} })`, 90002]),
  ...MESSAGES.map(([named, code]) => [`chat.deleteMessages(${named})`, code]),
  ...OTHERS,
];

/** One call of every kind, for when nobody is logged in. */
const CALLS = [
  'chat.getConversationList()',
  "chat.getConversation('C2Cother')",
  "chat.getMessageList({ conversationID: 'C2Cother' })",
  "chat.fetchRemoteHistory({ conversationID: 'C2Cother' })",
  "chat.setMessageRead({ conversationID: 'C2Cother' })",
  "chat.setDraft({ conversationID: 'C2Cother', draft: 'x' })",
  `chat.sendMessage(chat.createTextMessage({ to: 'other', ${TEXT} }))`,
  "chat.deleteConversation('C2Cother')",
  "chat.deleteConversation({ conversationIDList: ['C2Cother'] })",
  "chat.clearHistoryMessage('C2Cother')",
  "chat.deleteMessage([{ ID: '0123456789abcdef-1' }])",
  "chat.deleteMessages({ conversationID: 'C2Cother' })",
  "chat.revokeMessage({ ID: '0123456789abcdef-1' })",
  "chat.joinGroup('team')",
  "chat.quitGroup('team')",
  "chat.joinRoom('lobby')",
  "chat.quitRoom('lobby')",
  "chat.inspectConversation('C2Cother')",
  'chat.setOnline(false)',
  'chat.logout()',
];

test('bad input', async (t) => {
  const server = await Server.start(t);
  const browser = await Browser.start(t, { bare: true, tolerated: /404 \(Not Found\)/ });
  await server.load('C2Cother', talk(12), 'me');
  await server.post('/v1/groups', { groupID: 'team', members: ['me', 'other'] });
  await server.load('GROUPteam', talk(12));
  await server.post('/v1/groups', { groupID: 'foreign', members: ['other'] });
  await server.load('GROUPforeign', talk(3));
  const device = await Device.open(browser, { page: server.url });
  const names = await codeNames(device);

  for (const call of CALLS) {
    await t.test(`before login: ${call}`, async () => checkRefusal(await refusalOf(device, call), 2999, names));
  }

  for (const [what, login, code] of await badLogins(t, server)) {
    await t.test(`login with ${what}`, async () => {
      checkRefusal(await refusalOf(device, login), code, names);
      assert.deepEqual(await device.page.evaluate(() => indexedDB.databases()), [], 'no database was made');
    });
  }

  await device.login('me', await server.token('me'));
  const conversations = ['C2Cother', 'GROUPteam'];
  const before = await stateOf(device, conversations);
  assert.equal(before.conversations.C2Cother.device.length, 12);
  for (const [call, code] of TABLE) {
    await t.test(`${code}: ${call.replace(/'x'\.repeat.*/, '…')}`, async () => {
      checkRefusal(await refusalOf(device, call), code, names);
      assert.deepEqual(await stateOf(device, conversations), before);
    });
  }

  await device.call('logout');
  for (const call of CALLS) {
    await t.test(`after logout: ${call}`, async () => checkRefusal(await refusalOf(device, call), 2999, names));
  }
  await device.login('me', await server.token('me'));
  assert.deepEqual((await stateOf(device, conversations)).conversations, before.conversations);
});

function talk(count) {
  return Array.from({ length: count }, (_, i) => ({
    from: 'other',
    time: Date.UTC(2026, 0, 1) + i,
    text: `words ${i}`,
  }));
}

/** Logins that must fail, with tokens made by the binary itself. */
async function badLogins(t, server) {
  const made = (...options) =>
    execFileSync(join(ROOT, 'bin/lethe'), ['token', '--user', 'me', '--data', server.data, ...options], {
      encoding: 'utf8',
    });
  const otherKey = join(folder(t, 'key'), 'key');
  writeFileSync(otherKey, 'another key, which has thirty-two bytes and more');
  const good = await server.token('me');
  const [header, claims, signature] = good.split('.');
  const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${claims}.`;
  const raised = Buffer.from(claims, 'base64url').toString().replace('"me"', '"root"');
  const login = (token, user = "'me'") => `chat.login({ userID: ${user}, token: ${JSON.stringify(token.trim())} })`;
  return [
    ['nothing', 'chat.login()', 10004],
    ['no token', "chat.login({ userID: 'me' })", 90020],
    ['an empty token', login(''), 90020],
    ['a token that is a number', "chat.login({ userID: 'me', token: 5 })", 10004],
    ['an empty userID', login(good, "''"), 10004],
    ['a userID that is a number', login(good, '5'), 10004],
    ['a userID that is too long', login(good, "'x'.repeat(129)"), 10004],
    ['an expired token', login(made('--ttl', '1ms')), 70001],
    ['a token signed with another key', login(made('--key-file', otherKey)), 70003],
    ['no token at all but words', login('not a token'), 70003],
    ['an unsigned token', login(unsigned), 70003],
    [
      'a token whose user was changed',
      login(`${header}.${Buffer.from(raised).toString('base64url')}.${signature}`, "'root'"),
      70003,
    ],
    ['a token without its signature', login(`${header}.${claims}.`), 70003],
    ['a token of another app', login(made('--app', 'another')), 70014],
    ["another user's token", login(await server.token('somebody')), 70013],
  ];
}
