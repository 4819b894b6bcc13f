// What the tests' own browser owes them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Browser, passOn } from './browser.mjs';
import { soon } from './device.mjs';
import { Server } from './server.mjs';

passOn(after);

/** What a page's origin has stored. */
const stored = async () => {
  const files = [];
  for await (const name of (await navigator.storage.getDirectory()).keys()) {
    files.push(name);
  }
  return { databases: (await indexedDB.databases()).map(({ name }) => name), files, words: { ...localStorage } };
};

test('a browser that a test has left comes to the next one empty', async (t) => {
  const server = await Server.start(t);
  let left;
  await t.test('a test leaves something', async (inner) => {
    const browser = await Browser.start(inner, { bare: true, tolerated: /mine/ });
    left = browser;
    const page = await browser.newPage();
    await page.goto(server.url);
    await page.evaluate(async () => {
      console.error('mine');
      localStorage.word = 'kept';
      await (await navigator.storage.getDirectory()).getFileHandle('file', { create: true });
      await new Promise((resolve) => {
        indexedDB.open('database').onsuccess = resolve;
      });
    });
    assert.deepEqual(await page.evaluate(stored), {
      databases: ['database'],
      files: ['file'],
      words: { word: 'kept' },
    });
  });
  await t.test('the next one has it', async (inner) => {
    const browser = await Browser.start(inner, { bare: true });
    assert.equal(browser, left);
    const page = await browser.newPage();
    await page.goto(server.url);
    assert.deepEqual(await page.evaluate(stored), { databases: [], files: [], words: {} });
  });
  await t.test('it complains of what it is told not to tolerate now, and of nothing before', async (inner) => {
    const browser = await Browser.start(inner, { bare: true });
    assert.equal(browser, left);
    const page = await browser.newPage();
    await page.goto(server.url);
    await page.evaluate(() => console.error('mine'));
    await soon('it complains', () => browser.complaints.length > 0);
    assert.match(browser.complaints.splice(0).join(), /mine/);
  });
});
