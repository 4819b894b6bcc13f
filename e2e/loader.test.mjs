// The core's loader: where the core runs, what it is loaded from, and how it ends. No lethe server is needed, since a chat
// connects only when somebody logs in.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { atEnd } from './endings.mjs';
import { ROOT } from './server.mjs';

const types = { html: 'text/html', js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm' };
const script = '<!doctype html><script src="/dist/lethe.js"></script>';
const pages = {
  '/': [script, {}],
  '/module': [
    `<!doctype html><script type="module">import * as Lethe from '/dist/index.mjs'; globalThis.Lethe = Lethe;</script>`,
    {},
  ],
  '/strict': [
    script,
    {
      'Content-Security-Policy':
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'",
    },
  ],
  '/garbage.wasm': ['not wasm', { 'Content-Type': types.wasm }],
};

const fetched = [];
const server = createServer(async (request, response) => {
  const path = new URL(request.url, 'http://localhost').pathname;
  fetched.push(path);
  if (pages[path]) {
    const [body, headers] = pages[path];
    response.writeHead(200, { 'Content-Type': types.html, ...headers }).end(body);
    return;
  }
  // What is under /untyped/ comes with a type that does not compile while it streams in.
  const untyped = path.startsWith('/untyped/');
  const type = untyped ? 'application/octet-stream' : types[path.split('.').pop()];
  try {
    const body = await readFile(`${ROOT}${untyped ? path.replace('/untyped/', '/dist/') : path}`);
    response.writeHead(200, { 'Content-Type': type }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});

test('the loader', async (t) => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => server.close());
  const origin = `http://127.0.0.1:${server.address().port}`;
  // Browsers complain of refused workers and missing files; only uncaught errors matter here.
  const browser = await Browser.start(t, { tolerated: /./ });
  let page;
  t.beforeEach(async () => {
    await page?.close();
    page = await browser.newPage();
    fetched.length = 0;
  });

  /** Opens a page and makes a chat on it, window.chat. Resolves with where its core runs. */
  async function create(path, options = {}) {
    await page.goto(origin + path);
    return page.evaluate(async (given) => {
      window.chat = await Lethe.create({ url: location.origin, ...given });
      return window.chat.place;
    }, options);
  }

  /** The code that an expression's Promise rejects with, 0 if it resolves. */
  function codeOf(expression) {
    return page.evaluate(
      `(async () => (${expression}))().then(() => 0, (thrown) => thrown instanceof Lethe.LetheError && thrown.code)`,
    );
  }

  /** What answers before login: the core is alive. */
  const NOT_READY = 2999;
  const alive = () => codeOf('chat.getConversationList()');

  for (const [name, path, options, place] of [
    ['a script tag', '/', {}, 'worker'],
    ['a module', '/module', {}, 'worker'],
    ['the page, if asked', '/', { worker: false }, 'page'],
    ['the page, where the CSP forbids blob: workers', '/strict', {}, 'page'],
    ['a worker from its own address, under the same CSP', '/strict', { workerURL: '/dist/lethe.worker.js' }, 'worker'],
    ['a wasm with another MIME type', '/', { wasmURL: '/untyped/lethe.wasm' }, 'worker'],
  ]) {
    await t.test(`a core from ${name}`, async () => {
      assert.equal(await create(path, options), place);
      assert.equal(page.workers().length, place === 'worker' ? 1 : 0);
      assert.equal(await alive(), NOT_READY);
    });
  }

  for (const [name, options, code] of [
    ['no options', 'undefined', 10004],
    ['an address without a scheme', '{url: "chat.example.com"}', 10004],
    ['a wasm that is not there', '{url: location.origin, wasmURL: "/nothing.wasm"}', 2800],
    ['a wasm that is none', '{url: location.origin, wasmURL: "/garbage.wasm"}', 90040],
    ['a worker that is not there', '{url: location.origin, workerURL: "/nothing.js"}', 90040],
  ]) {
    await t.test(`create rejects with ${code} for ${name}, and leaves no worker`, async () => {
      await page.goto(`${origin}/`);
      assert.equal(await codeOf(`Lethe.create(${options})`), code);
      while (page.workers().length > 0) {
        await page.waitForTimeout(20);
      }
    });
  }

  await t.test('several chats share one compiled module and nothing else', async () => {
    await create('/');
    await page.evaluate(async () => {
      window.other = await Lethe.create({ url: location.origin });
    });
    assert.equal(fetched.filter((path) => path.endsWith('.wasm')).length, 1);
    assert.equal(page.workers().length, 2);
    await page.evaluate(() => window.other.destroy());
    assert.equal(await codeOf('other.getConversationList()'), 90040);
    assert.equal(await alive(), NOT_READY);
  });

  await t.test('a core in the page ends quietly, and another can follow', async () => {
    await create('/', { worker: false });
    await page.evaluate(() => window.chat.destroy());
    assert.equal(await alive(), 90040);
    await page.evaluate(async () => {
      window.chat = await Lethe.create({ url: location.origin, worker: false });
    });
    assert.equal(await alive(), NOT_READY);
    assert.equal(await page.evaluate(() => 'Go' in window), false);
  });

  for (const [name, kill] of [
    ['closes itself', () => self.close()],
    [
      'throws',
      () =>
        void setTimeout(() => {
          throw new Error('thrown in the worker');
        }),
    ],
    [
      'has a Go program that panics',
      () => void self.onmessage({ data: { kind: 'call', id: 0, name: 'open', args: null } }),
    ],
  ]) {
    await t.test(`a worker that ${name} is told of, and calls reject`, async () => {
      await create('/');
      await page.evaluate(() => {
        window.told = new Promise((resolve) => window.chat.on('ERROR', ({ data }) => resolve(data.code)));
      });
      const [worker] = page.workers();
      await worker.evaluate(kill).catch(() => {});
      assert.equal(await page.evaluate(() => window.told), 90040);
      assert.equal(await alive(), 90040);
    });
  }
});
