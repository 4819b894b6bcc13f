// README's snippets, run as they are written there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { Device, soon, texts } from './device.mjs';
import { ROOT, Server, site } from './server.mjs';

/** README's code blocks of one language. */
function blocks(language) {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code);
}

/** What a snippet says it prints: the comment behind console.warn. */
function printed(code) {
  return [...code.matchAll(/^\s*console\.warn\(.*\); \/\/ (.*)$/gm)].map(([, words]) =>
    words.replace(/^'(.*)'$/, '$1'),
  );
}

test('README', async (t) => {
  const [page, ...morePages] = blocks('html');
  const [module, tencent, rongcloud, ...moreModules] = blocks('js');
  assert.ok(page && module && tencent && rongcloud, 'README has a snippet for the script tag, and three modules');
  assert.deepEqual([...morePages, ...moreModules], [], 'further snippets need a test of their own');
  const addresses = {
    'lethe-im': '/dist/index.mjs',
    'lethe-im/tencent': '/dist/tencent.mjs',
    'lethe-im/rongcloud': '/dist/rongcloud.mjs',
  };
  const imports = `<script type="importmap">${JSON.stringify({ imports: addresses })}</script>`;
  const icon = '<!doctype html><link rel="icon" href="data:,">';
  const web = site(t, {
    'dist/readme-page.html': icon + page,
    'dist/readme-module.html': icon + imports,
    'dist/readme.mjs': module,
    'dist/readme-tencent.mjs': tencent,
    'dist/readme-rongcloud.mjs': rongcloud,
  });
  const server = await Server.start(t, { web });
  const browser = await Browser.start(t);
  const elsewhere = await Browser.start(t);
  const other = await Device.open(elsewhere, { page: server.url });
  await other.login('userB', await server.token('userB'));
  const same = await Device.open(elsewhere, { page: server.url });
  await same.login('userA', await server.token('userA'));

  await t.test('the page', async () => {
    const shown = await browser.newPage();
    await shown.goto(`${server.url}/dist/readme-page.html`);
    await soon('the message arrives', async () => (await other.list()).includes('C2CuserA'));
    assert.equal((await other.messages('C2CuserA')).length, 1);
    // Its last call is the one that takes the conversation from the list.
    await soon('the conversation is deleted', async () => {
      const heads = await same.call('getConversation', 'C2CuserB').catch(() => undefined);
      return heads && !(await same.list()).includes('C2CuserB');
    });
    assert.deepEqual(await same.remote('C2CuserB'), []);
    assert.equal((await other.remote('C2CuserA')).length, 1);
    await shown.close();
  });

  /** Runs a module in a page of its own and waits until it has printed what it says. */
  const run = async (name, code) => {
    const shown = await browser.newPage();
    const said = [];
    shown.on('console', (message) => said.push(message.text()));
    await shown.goto(`${server.url}/dist/readme-module.html`);
    await shown.evaluate((address) => import(address).then(() => {}), `/dist/${name}.mjs`);
    const promised = printed(code);
    assert.ok(promised.length > 0);
    await soon('it has printed what it says', async () => promised.every((words) => said.includes(words)));
    return shown;
  };

  await t.test('the module', async () => {
    const shown = await run('readme', module);
    await soon('the deletion reaches the server', async () => (await same.remote('C2CuserB')).length === 0);
    assert.equal((await other.remote('C2CuserA')).length, 2);
    assert.deepEqual(texts(await other.messages('C2CuserA')), ['hello', 'hello']);
    await shown.close();
  });

  await t.test('moving over from Tencent Chat', async () => {
    const shown = await run('readme-tencent', tencent);
    assert.deepEqual(texts(await other.messages('C2CuserA')).slice(2), ['from Tencent']);
    await soon('it leaves the list elsewhere too', async () => !(await same.list()).includes('C2CuserB'));
    assert.deepEqual(texts(await same.remote('C2CuserB')), ['from Tencent']);
    await shown.close();
  });

  await t.test('moving over from RongCloud', async () => {
    const shown = await run('readme-rongcloud', rongcloud);
    assert.deepEqual(texts(await other.messages('C2CuserA')).slice(3), ['from RongCloud']);
    assert.deepEqual(texts(await same.remote('C2CuserB')), ['from Tencent', 'from RongCloud']);
    assert.deepEqual(texts(await same.messages('C2CuserB')), ['from Tencent', 'from RongCloud']);
    await shown.close();
  });
});
