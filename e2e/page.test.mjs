// The built package as pages take it: script tag, ES module, with and without a worker.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { Device, soon, texts } from './device.mjs';
import { ROOT, Server, site } from './server.mjs';

test('a page', async (t) => {
  const pages = { 'dist/module.html': '<!doctype html><link rel="icon" href="data:,">' };
  const server = await Server.start(t, { web: site(t, pages) });
  const browser = await Browser.start(t);
  await server.load('C2CuserB', talk('userB', 'hello'), 'userA');

  await t.test('that only has the script tag deletes a conversation', async () => {
    const page = await browser.newPage();
    await page.goto(server.url);
    const { place, response, list } = await page.evaluate(async () => {
      const { token } = await (await fetch('/v1/dev/token?user=userA')).json();
      const chat = await Lethe.create({ url: location.origin });
      await chat.login({ userID: 'userA', token });
      const answer = await chat.deleteConversation('C2CuserB');
      return { place: chat.place, response: answer, list: (await chat.getConversationList()).data.conversationList };
    });
    assert.equal(place, 'worker');
    assert.deepEqual(response, { code: 0, data: { conversationID: 'C2CuserB', erasure: 'erased' } });
    assert.deepEqual(list, []);
    const { globals } = await page.evaluate(() => ({
      globals: Object.keys(window).filter((name) => /lethe|^Go$/i.test(name)),
    }));
    assert.deepEqual(globals, ['Lethe']);
    await page.close();
  });

  await t.test('that imports the module', async () => {
    await server.load('C2CmoduleB', talk('moduleB', 'by import'), 'moduleA');
    const page = await browser.newPage();
    await page.goto(`${server.url}/dist/module.html`);
    const shown = await page.evaluate(async () => {
      const { create } = await import('/dist/index.mjs');
      const { token } = await (await fetch('/v1/dev/token?user=moduleA')).json();
      const chat = await create({ url: location.origin });
      await chat.login({ userID: 'moduleA', token });
      const { data } = await chat.getMessageList({ conversationID: 'C2CmoduleB' });
      return data.messageList.map((message) => message.payload.text);
    });
    assert.deepEqual(shown, texts(talk('moduleB', 'by import')));
    await page.close();
  });

  await t.test('without a worker', async () => {
    await server.load('C2CpageB', talk('pageB', 'in the page'), 'pageA');
    const device = await Device.open(browser, { page: server.url, worker: false });
    assert.equal(await device.page.evaluate(() => window.chat.place), 'page');
    await device.login('pageA', await server.token('pageA'));
    assert.deepEqual(texts(await device.messages('C2CpageB')), texts(talk('pageB', 'in the page')));
    await device.call('deleteConversation', 'C2CpageB');
    assert.deepEqual(await device.list(), []);
    await soon('the server knows', async () => (await device.remote('C2CpageB')).length === 0);
    await device.close();
  });

  await t.test('gets the wasm as brotli, with the type that compiles while it streams in', async () => {
    const response = await fetch(`${server.url}/dist/lethe.wasm`, { headers: { 'Accept-Encoding': 'br' } });
    assert.equal(response.headers.get('Content-Encoding'), 'br');
    assert.equal(response.headers.get('Content-Type'), 'application/wasm');
    const { byteLength } = await response.arrayBuffer();
    const packed = statSync(join(ROOT, 'dist/lethe.wasm.br')).size;
    assert.equal(byteLength, statSync(join(ROOT, 'dist/lethe.wasm')).size, 'unpacked again');
    const device = await Device.open(browser, { page: server.url });
    const sizes = await device.page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map(({ name, encodedBodySize }) => [name.split('/').pop(), encodedBodySize]),
    );
    assert.equal(Object.fromEntries(sizes)['lethe.wasm'], packed);
    await device.close();
  });
});

function talk(from, about) {
  const start = Date.UTC(2026, 0, 1);
  return Array.from({ length: 12 }, (_, i) => ({ from, time: start + i, text: `${about} ${i}` }));
}
