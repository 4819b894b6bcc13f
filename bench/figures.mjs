// What is measured, each through the public API and timed inside the page.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readDatabases } from '../e2e/database.mjs';
import { soon } from '../e2e/device.mjs';
import { ROOT } from '../e2e/server.mjs';

/** Bytes that a first visit downloads. */
export function firstLoad() {
  return ['lethe.wasm.br', 'lethe.js.br'].reduce((sum, name) => sum + statSync(join(ROOT, 'dist', name)).size, 0);
}

/** Lethe.create in a new page each time; the first finds nothing in the browser's caches. */
export async function starts(browser, url, rounds) {
  const times = [];
  for (let i = 0; i <= rounds; i++) {
    const page = await browser.newPage();
    await page.goto(url);
    times.push(
      await page.evaluate(async () => {
        const start = performance.now();
        const chat = await Lethe.create({ url: location.origin });
        const time = performance.now() - start;
        chat.destroy();
        return time;
      }),
    );
    await page.close();
  }
  return times;
}

/** Pages through each conversation, all of which the device has yet to fetch and store. */
export async function inserts(device, ids, messages) {
  const times = [];
  for (const id of ids) {
    const { time, count } = await device.page.evaluate(async (conversationID) => {
      const start = performance.now();
      let count = 0;
      for (let next = '', completed = false; !completed; ) {
        const { data } = await window.chat.getMessageList({ conversationID, count: 1024, nextReqMessageID: next });
        count += data.messageList.length;
        next = data.nextReqMessageID;
        completed = data.isCompleted;
      }
      return { time: performance.now() - start, count };
    }, id);
    if (count !== messages) {
      throw new Error(`${id}: ${count} messages instead of ${messages}`);
    }
    times.push(time);
  }
  return times;
}

/** The newest page of a conversation that the device holds, as JavaScript objects; a few reads warm up. */
export function pages(device, conversationID, count, rounds) {
  return device.page.evaluate(
    async ([id, size, times]) => {
      const measured = [];
      for (let i = -10; i < times; i++) {
        const start = performance.now();
        const { data } = await window.chat.getMessageList({ conversationID: id, count: size });
        const time = performance.now() - start;
        if (data.messageList.length !== size || typeof data.messageList[0].payload.text !== 'string') {
          throw new Error('not the page that was asked for');
        }
        if (i >= 0) {
          measured.push(time);
        }
      }
      return measured;
    },
    [conversationID, count, rounds],
  );
}

/** Deletes one conversation after the other, from the call to the resolved Promise; between them all is reclaimed. */
export async function deletions(device, ids) {
  const times = [];
  for (const id of ids) {
    times.push(
      await device.page.evaluate(async (conversationID) => {
        const start = performance.now();
        await window.chat.deleteConversation(conversationID);
        return performance.now() - start;
      }, id),
    );
    await device.settled(id);
    await soon('it is reclaimed', async () => (await readDatabases(device.page)).tables.garbage.records === 0);
  }
  return times;
}
