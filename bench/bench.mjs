// The figures of `make bench`: the built package in Chromium on a profile on disk, against the built server, through the
// public API. Prints a table, and writes the same as JSON to bench/results/.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Browser } from '../e2e/browser.mjs';
import { Device } from '../e2e/device.mjs';
import { ROOT, Server } from '../e2e/server.mjs';
import { daysOfTalk } from '../e2e/talk.mjs';
import { deletions, firstLoad, inserts, pages, starts } from './figures.mjs';
import { median, report } from './report.mjs';

/** Messages in each measured conversation, and how many conversations are measured. */
const MESSAGES = 10_000;
const ROUNDS = 9;

const ends = [];
const run = { after: (end) => ends.push(end) };

try {
  const server = await Server.start(run);
  const browser = await Browser.start(run);
  const { source, days } = daysOfTalk(8, MESSAGES);
  const talk = days.flatMap(({ messages }) => messages).slice(0, MESSAGES);
  const ids = Array.from({ length: ROUNDS + 3 }, (_, i) => `GROUPg${i}`);
  for (const id of ids) {
    await server.post('/v1/groups', { groupID: id.slice(5), members: ['me', 'other'] });
    await server.load(id, talk);
  }

  const started = await starts(browser, server.url, ROUNDS);
  const device = await Device.open(browser, { page: server.url });
  await device.login('me', await server.token('me'));
  const inserted = await inserts(device, ids, MESSAGES);
  const paged = await pages(device, ids[0], 50, 60);
  // The first deletion warms up; the last two conversations stay beside the others.
  const deleted = await deletions(device, ids.slice(0, ROUNDS + 1));

  const figures = [
    { name: 'first load: wasm + js in brotli', unit: 'MB', value: firstLoad() / 1e6, limit: 1.0 },
    { name: 'Lethe.create, first visit', unit: 'ms', value: started[0] },
    { name: 'Lethe.create, later visits', unit: 'ms', value: median(started.slice(1)), rounds: started.slice(1) },
    {
      name: `insert ${MESSAGES} (server to device, pages of 1024)`,
      unit: 'ms',
      value: median(inserted),
      rounds: inserted,
    },
    { name: `newest page of 50, of ${MESSAGES}`, unit: 'ms', value: median(paged), rounds: paged, limit: 5 },
    {
      name: `delete a conversation of ${MESSAGES}: call to resolved`,
      unit: 'ms',
      value: median(deleted.slice(1)),
      rounds: deleted.slice(1),
      limit: 25,
    },
    { name: 'the first deletion of a visit', unit: 'ms', value: deleted[0] },
  ];
  const result = {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0].model.trim()}`,
    browser: await device.page.evaluate(() => navigator.userAgent.match(/Chrome\/\S+/)[0]),
    input: source,
    figures,
  };
  process.stdout.write(report(result));
  const results = join(ROOT, 'bench/results');
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, `${result.date.replaceAll(':', '-')}.json`), `${JSON.stringify(result, null, 2)}\n`);
} finally {
  for (const end of ends.reverse()) {
    await end();
  }
}
