// The snippets of the Tencent document, run as they stand, and our own words for the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { Device, soon, texts } from './device.mjs';
import { tencentSnippets } from './faces.mjs';
import { Server } from './server.mjs';

const OWN = [
  { code: `let promise = chat.deleteConversation('C2CExample');`, named: ['C2CExample'], keeps: false },
  {
    code: `let promise = chat.deleteConversation({ conversationIDList: ['C2CExample'], clearHistoryMessage: false });`,
    named: ['C2CExample'],
    keeps: true,
  },
  {
    code: `let promise = chat.deleteConversation({ conversationIDList: ['C2CExample', 'GROUPExample'] });`,
    named: ['C2CExample', 'GROUPExample'],
    keeps: false,
  },
  {
    code: `let promise = chat.deleteConversation({
      conversationIDList: ['GROUPExample', 'C2CExample'],
      clearHistoryMessage: false,
    });`,
    named: ['GROUPExample', 'C2CExample'],
    keeps: true,
  },
];

test('the calls of the Tencent document', async (t) => {
  const server = await Server.start(t);
  const browser = await Browser.start(t, { bare: true });
  await server.post('/v1/groups', { groupID: 'Example', members: ['me', 'Example'] });
  const me = await Device.open(browser, { page: server.url });
  const other = await Device.open(browser, { page: server.url });
  await me.login('me', await server.token('me'));
  await other.login('Example', await server.token('Example'));
  const warnings = [];
  me.page.on('console', (message) => message.type() === 'warning' && warnings.push(message.text()));

  const shown = { C2CExample: [], GROUPExample: [] };
  let said = 0;
  const hear = async () => {
    const words = `words ${++said}`;
    await other.send('C2C', 'me', words);
    await other.send('GROUP', 'Example', words);
    for (const [id, list] of Object.entries(shown)) {
      list.push(words);
      await soon(`${words} in ${id}`, async () => texts(await me.messages(id)).includes(words));
    }
  };

  const run = async ({ code, named, keeps }) => {
    for (let i = 0; i < 3; i++) {
      await hear();
    }
    assert.deepEqual((await me.list()).sort(), ['C2CExample', 'GROUPExample']);
    const response = await me.page.evaluate(`(async () => {${code}\nreturn promise; })()`);
    const single = /deleteConversation\('/.test(code);
    assert.equal(response.code, 0);
    const answer = single ? { conversationID: named[0] } : { conversationIDList: named, failed: [] };
    assert.deepEqual(response.data, { ...answer, erasure: 'erased' });
    assert.deepEqual(warnings, []);
    const left = Object.keys(shown).filter((id) => !named.includes(id));
    assert.deepEqual(await me.list(), left);
    for (const id of named) {
      shown[id] = keeps ? shown[id] : [];
    }
    await hear();
    assert.deepEqual((await me.list()).sort(), ['C2CExample', 'GROUPExample']);
    await me.settled(...named);
    for (const [id, list] of Object.entries(shown)) {
      assert.deepEqual(texts(await me.messages(id)), list, id);
      assert.deepEqual(texts(await me.remote(id)), list, `${id} on the server`);
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
    await t.test(`the document's, number ${i + 1}`, () => run(snippet));
  }
});
