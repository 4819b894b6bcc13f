// The figures of `make bench`: Lethe beside its peers in Chromium on profiles on disk, in one run over several rounds.
// Prints a table, and writes it with all samples as JSON to bench/results/.
//   node bench/bench.mjs [--quick] [--rounds=N] [--only=lethe,dexie-bulk,…] [--vault=FILE]
// The file of --vault is {"insert": [ms, …]}: what it took to put as many messages into the vault without a server.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../e2e/server.mjs';
import { bundle } from './bundle.mjs';
import { Lethe } from './lethe.mjs';
import { PEERS, Peer } from './peers.mjs';
import { planOf } from './plan.mjs';
import { figuresOf, median, tableOf } from './report.mjs';
import { rowsOf } from './rows.mjs';
import { Samples } from './samples.mjs';
import { serveSite } from './site.mjs';
import { Talk } from './talk.mjs';
import { first, insert, meanwhile, million, parts, wholes } from './work.mjs';

const BUNDLED = join(ROOT, '.cache/bench');
const WORKS = { insert, parts, wholes, meanwhile, first, million };
const RESULTS = join(ROOT, 'bench/results');

const plan = planOf(process.argv.slice(2));
const samples = new Samples();
const ends = [];
const run = { after: (end) => ends.push(end) };
let lethe;
const began = performance.now();

try {
  const peers = PEERS.filter(({ name }) => plan.only?.includes(name) ?? true);
  await bundle(BUNDLED, [...new Set(peers.map(({ worker }) => worker))]);
  const talk = new Talk();
  const site = await serveSite(run, BUNDLED, talk);
  const candidates = peers.map((peer) => new Peer(run, site, peer));
  if (plan.only?.includes('lethe') ?? true) {
    lethe = await Lethe.start(run, BUNDLED, talk, plan.conversations);
    candidates.unshift(lethe);
  }
  for (let round = 0; round < Math.max(plan.rounds.fast, plan.rounds.slow); round++) {
    const turn = candidates.filter(({ slow }) => round < (slow ? plan.rounds.slow : plan.rounds.fast));
    for (const candidate of round % 2 === 0 ? turn : turn.toReversed()) {
      await goRound(candidate, round);
    }
  }
  await lethe?.load(talk, [{ id: plan.millionID, messages: plan.million }]);
  for (const candidate of candidates.filter((asked) => asked.million)) {
    await step(candidate, 'million');
  }
  tell(candidates, talk.source);
} finally {
  for (const end of ends.reverse()) {
    await end();
  }
}
process.exitCode = samples.faults.length > 0 ? 1 : 0;

/** Everything but the million, once. */
async function goRound(candidate, round) {
  await step(candidate, 'insert', round === 0);
  await step(candidate, 'parts');
  await step(candidate, 'wholes');
  if (round === 0 || !candidate.slow) {
    await step(candidate, 'meanwhile');
  }
  if (!candidate.slow) {
    await step(candidate, 'first');
  }
}

/** One work of work.mjs. A candidate that fails at it still does the others. */
async function step(candidate, name, ...options) {
  if (candidate !== lethe && !plan.peersToo.includes(name)) {
    return;
  }
  const start = performance.now();
  await WORKS[name](candidate, plan, samples, ...options).catch((thrown) =>
    samples.fault(name, candidate, thrown.stack),
  );
  const seconds = (time) => ((performance.now() - time) / 1000).toFixed(1);
  process.stderr.write(`${seconds(began)} s: ${candidate.title}, ${name}: ${seconds(start)} s\n`);
}

/** Adds what comes from no visit, prints all and writes it with its samples. */
function tell(candidates, source) {
  for (const candidate of candidates) {
    const holds = samples.works('page: ').map((phase) => samples.of(phase, candidate.name));
    samples.add('page', candidate, Math.max(...holds.filter((times) => times.length > 0).map(median)));
    if (candidate.name === 'lethe') {
      const bytes = ['lethe.wasm.br', 'lethe.js.br'].map((name) => statSync(join(ROOT, 'dist', name)).size);
      samples.add('load', candidate, bytes.reduce((sum, size) => sum + size) / 1e6);
      const vault = plan.vault ? JSON.parse(readFileSync(plan.vault, 'utf8')).insert : [];
      for (const time of vault) {
        samples.add('insert: vault', candidate, time);
      }
    }
  }
  const figures = figuresOf(rowsOf(plan), samples, candidates);
  const result = {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0].model.trim()}`,
    browser: candidates[0].browser,
    input: source,
    plan: plan.name,
    rounds: plan.rounds,
    minutes: (performance.now() - began) / 60_000,
    figures,
    ...samples.toJSON(),
  };
  const { date, machine, browser, rounds } = result;
  process.stdout.write(
    `${date}, ${machine}, ${browser}, ${source}; medians, rounds ${rounds.fast} (slow peers ${rounds.slow})\n\n`,
  );
  process.stdout.write(tableOf(figures, candidates, plan.name === 'full'));
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${date.replaceAll(':', '-')}.json`), `${JSON.stringify(result, null, 2)}\n`);
}
