// Chats are made, used and ended in one page, over and over: the page's memory stays flat. LETHE_CYCLES says how many; a few in
// the tests, a thousand in make soak-leaks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { memoryOf, slope } from './memory.mjs';
import { Server } from './server.mjs';

const CYCLES = Number(process.env.LETHE_CYCLES ?? 50);
const SAMPLES = 10;
/** What comes once (the first chat's module, the browser's own caches) is over after this part of the cycles. */
const WARM = 0.3;

/**
 * Flat means: so little more for each chat, in bytes, fitted over the samples after warming up. A chat that stays costs some 10 MB of
 * the process (its WebAssembly memory). Few cycles tell less: the page still warms up, and allocators give pages back when they like.
 */
const LONG = CYCLES >= 500;
const FLAT = { heap: LONG ? 1_000 : 10_000, backing: 20_000, resident: LONG ? 20_000 : 1_000_000, listeners: 0.05 };

for (const { place, options } of [
  { place: 'worker', options: {} },
  { place: 'page', options: { worker: false } },
]) {
  test(`${CYCLES} chats in a ${place}, one after the other`, async (t) => {
    const server = await Server.start(t);
    const browser = await Browser.start(t);
    const page = await browser.newPage();
    await page.goto(server.url);
    const tokens = { alice: await server.token('alice'), bob: await server.token('bob') };
    const memory = await memoryOf(page, browser.pid);
    const samples = [];
    const started = performance.now();
    for (let done = 0; done < CYCLES; ) {
      const n = Math.ceil(CYCLES / SAMPLES);
      const used = await page.evaluate(cycles, { n, tokens, options: { url: server.url, ...options } });
      assert.equal(used.place, place);
      assert.equal(used.sent, n, 'each was used');
      done += n;
      samples.push({ done, ...(await memory()) });
    }
    t.diagnostic(`${((performance.now() - started) / CYCLES).toFixed(0)} ms each`);
    for (const { done, heap, backing, resident, listeners } of samples) {
      t.diagnostic(
        `${done}: heap ${mb(heap)}, its buffers ${mb(backing)}, renderer ${mb(resident)} MB, ${listeners} listeners`,
      );
    }
    assert.equal(page.workers().length, 0);
    const warm = samples.slice(Math.floor(samples.length * WARM));
    for (const [name, most] of Object.entries(FLAT)) {
      const rise = slope(warm.map((sample) => [sample.done, sample[name]]));
      t.diagnostic(`${name}: ${rise.toFixed(1)} a chat`);
      assert.ok(rise <= most, `${name} rises by ${rise.toFixed(1)} a chat, at most ${most} is flat`);
    }

    // Chats that stay are seen.
    const before = (await memory()).resident;
    await page.evaluate(
      async (given) => {
        window.kept = await Promise.all([1, 2, 3].map(() => Lethe.create(given)));
      },
      { url: server.url, ...options },
    );
    assert.ok((await memory()).resident > before + 3 * FLAT.resident, 'the measure tells');
  });
}

/** Runs in the page: chats of two users in turn, with all that a session does. */
async function cycles({ n, tokens, options }) {
  let place;
  let sent = 0;
  for (let i = 0; i < n; i++) {
    const chat = await Lethe.create(options);
    place = chat.place;
    chat.on(Lethe.EVENT.CONVERSATION_LIST_UPDATED, () => {});
    const [userID, to] = i % 2 ? ['alice', 'bob'] : ['bob', 'alice'];
    await chat.login({ userID, token: tokens[userID] });
    await chat.getConversationList();
    const message = chat.createTextMessage({ to, conversationType: 'C2C', payload: { text: `words ${i}` } });
    sent += (await chat.sendMessage(message)).code === 0;
    await chat.getMessageList({ conversationID: `C2C${to}`, count: 20 });
    await chat.deleteConversation(`C2C${to}`);
    if (i % 3) {
      await chat.logout();
    } // else it is destroyed in the middle
    chat.destroy();
  }
  return { place, sent };
}

const mb = (bytes) => (bytes / 2 ** 20).toFixed(1);
