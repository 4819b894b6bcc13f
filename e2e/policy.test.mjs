// The Content-Security-Policy that the server sends: the demo page and its core run under it, what is injected does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { soon } from './device.mjs';
import { BARE_PAGE, ROOT, Server, site } from './server.mjs';

/** A page that notes what its policy forbids. */
async function watched(browser) {
  const page = await browser.newPage();
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
      globalThis.violations.push(`${effectiveDirective} ${blockedURI}`);
    });
  });
  return page;
}

const violations = (page) => page.evaluate(() => globalThis.violations);

test('the policy of the server', async (t) => {
  const server = await Server.start(t, { web: ROOT, options: ['--demo'] });
  const browser = await Browser.start(t, { tolerated: /Content Security Policy|Refused to/ });

  await t.test('lets the demo page do all it does', async () => {
    const page = await watched(browser);
    const response = await page.goto(server.url);
    assert.match(
      response.headers()['content-security-policy'],
      /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; /,
    );
    assert.doesNotMatch(response.headers()['content-security-policy'], /'unsafe-(inline|eval)'/);
    const pane = (user) => page.getByTestId(`pane-${user}`);
    for (const [user, id] of [
      ['userA', 'C2CuserB'],
      ['userB', 'C2CuserA'],
    ]) {
      await pane(user).locator(`[data-testid=conversation][data-id="${id}"]`).click();
    }
    await pane('userA').getByTestId('composer').fill('under a policy');
    await pane('userA').getByTestId('send').click();
    await pane('userB').getByTestId('message').getByText('under a policy').waitFor();
    assert.ok(page.workers().length >= 2, 'the cores are in workers');
    assert.deepEqual(await violations(page), []);
    await page.close();
  });

  await t.test('stops what is injected', async () => {
    const page = await watched(browser);
    await page.goto(server.url);
    await page.evaluate(() => {
      const injected = document.createElement('script');
      injected.textContent = 'globalThis.injected = true';
      document.body.append(injected);
      document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="globalThis.injected = true">');
      const far = document.createElement('script');
      far.src = 'https://evil.example/x.js';
      document.body.append(far);
      fetch('https://evil.example/').catch(() => {});
    });
    await soon('all of it is stopped', async () => (await violations(page)).length >= 4);
    assert.equal(await page.evaluate(() => globalThis.injected), undefined);
    assert.deepEqual(
      new Set((await violations(page)).map((each) => each.split(' ')[0])),
      new Set(['script-src-elem', 'script-src-attr', 'connect-src']),
    );
    await page.close();
  });

  await t.test('lets a page run its own inline scripts', async () => {
    const pages = { 'index.html': `${BARE_PAGE}<script>globalThis.own = true</script>` };
    const other = await Server.start(t, { web: site(t, pages) });
    const page = await watched(browser);
    await page.goto(other.url);
    assert.equal(await page.evaluate(() => globalThis.own), true);
    assert.deepEqual(await violations(page), []);
    await page.close();
  });

  await t.test('may be stricter: without blob: the worker comes from its own address', async () => {
    const strict =
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";
    const other = await Server.start(t, { options: ['--csp', strict] });
    await other.load('C2CuserB', [{ from: 'userB', time: Date.UTC(2026, 0, 1), text: 'hello' }], 'userA');
    const page = await watched(browser);
    const response = await page.goto(other.url);
    assert.equal(response.headers()['content-security-policy'], strict);
    const { place, list } = await page.evaluate(async () => {
      const { token } = await (await fetch('/v1/dev/token?user=userA')).json();
      const chat = await Lethe.create({ url: location.origin, workerURL: '/dist/lethe.worker.js' });
      await chat.login({ userID: 'userA', token });
      await chat.deleteConversation('C2CuserB');
      return { place: chat.place, list: (await chat.getConversationList()).data.conversationList };
    });
    assert.deepEqual([place, list], ['worker', []]);
    assert.deepEqual(await violations(page), []);
    await page.close();
  });
});
