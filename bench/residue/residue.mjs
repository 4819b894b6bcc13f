// What deletions leave on the disk: `make residue`, or with --quick for CI (IndexedDB by the textbook and Lethe). Prints a
// table, writes the same as JSON to bench/results/, and fails if Lethe leaves anything or the search proves nothing.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, Server } from '../../e2e/server.mjs';
import { examine } from './examine.mjs';
import { LetheDevice } from './lethe.mjs';
import { Peer } from './peer.mjs';
import { faults, report } from './report.mjs';
import { ServerFiles } from './server.mjs';
import { servePeers } from './site.mjs';

const quick = process.argv.includes('--quick');
/** Messages in each of seven conversations, and how long compaction is waited for, in ms. */
const options = quick ? { size: 300, patience: 1000 } : { size: 1500, patience: 15_000 };

/** The longest text, in letters: beyond 64 KiB Chromium packs a value or gives it a file; Lethe takes no more than that. */
const LONG = 90_000;
const LONG_MESSAGE = 60_000;

const PEERS = [
  { name: 'IndexedDB, textbook', worker: 'textbook', quick: true },
  { name: 'Dexie', worker: 'dexie' },
  { name: 'sql.js + absurd-sql', worker: 'absurd' },
  { name: 'SQLite on OPFS', worker: 'sqlite', options: ['secure_delete = OFF'] },
  { name: 'SQLite on OPFS, secure_delete', worker: 'sqlite', options: ['secure_delete = ON'] },
];

const ends = [];
const run = { after: (end) => ends.push(end) };

try {
  const peers = PEERS.filter((peer) => peer.quick || !quick);
  const site = await servePeers(run, [...new Set(peers.map(({ worker }) => worker))]);
  const candidates = [];
  for (const peer of peers) {
    progress(peer.name);
    const examined = await examine(run, (browser) => new Peer(browser, site, peer), { ...options, longest: LONG });
    candidates.push({ name: peer.name, sealed: false, ...examined });
  }
  progress('Lethe');
  const server = await Server.start(run);
  const files = new ServerFiles(server);
  const examined = await examine(run, (browser) => new LetheDevice(browser, server), {
    ...options,
    longest: LONG_MESSAGE,
    between: (step, planted, device) => files.follow(step, planted, device),
  });
  candidates.push({ name: 'Lethe', sealed: true, ...examined });

  const result = {
    date: new Date().toISOString(),
    browser: candidates[0].browser,
    candidates,
    server: files.rows,
  };
  process.stdout.write(report(result));
  const wrong = faults(result);
  for (const fault of wrong) {
    process.stdout.write(`FAULT ${fault}\n`);
  }
  process.exitCode = wrong.length > 0 ? 1 : 0;
  const results = join(ROOT, 'bench/results');
  mkdirSync(results, { recursive: true });
  const path = join(results, `residue-${result.date.replaceAll(':', '-')}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
} finally {
  for (const end of ends.reverse()) {
    await end();
  }
}

function progress(name) {
  process.stderr.write(`${name} …\n`);
}
