// Breaks Lethe on purpose, one place at a time, and demands that the tests named for it fail: tests that nothing can fail prove
// nothing. The sources stay as they are: the go command is given the broken files as an overlay.
//   node scripts/mutate/mutate.mjs [--find | --check] [WORD …]
// WORDs choose places by name. With --find the whole packages are run, and what fails is listed: that is how tests are named. With
// --check nothing is run: it is only seen that every place is still there.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { places } from './places.mjs';

const root = path.join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(path.join(tmpdir(), 'lethe-mutate-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const words = process.argv.slice(2).filter((x) => !x.startsWith('--'));
const find = process.argv.includes('--find');
const everywhere = ['./wire', './sdk', './sdk/ledger', './sdk/vault', './server/...', './e2e'];

/** @param {import('./places.mjs').Place} place @returns {string} the overlay's file */
function overlay(place) {
  /** @type {Record<string, string>} */
  const replaced = {};
  for (const [file, edits] of Object.entries({ [place.file]: place.edits, ...place.also })) {
    const source = path.join(root, file);
    let text = readFileSync(source, 'utf8');
    for (const [before, after] of edits) {
      const parts = text.split(before);
      if (parts.length !== 2) throw new Error(`${place.name}: ${file} has this ${parts.length - 1} times, not once:\n${before}`);
      text = parts.join(after);
    }
    replaced[source] = path.join(folder, `${Object.keys(replaced).length}.go`);
    writeFileSync(replaced[source], text);
  }
  const name = path.join(folder, 'overlay.json');
  writeFileSync(name, JSON.stringify({ Replace: replaced }));
  return name;
}

/**
 * Runs tests over the overlay, those of idb in Chromium, and returns the names of those that failed. What does not build is no test's success.
 * The overlay is in the environment, so that the programs which tests build are broken too.
 * @param {string} over @param {string[]} packages @param {string[]} args @param {string[]} [own] the test program's own
 */
function failing(over, packages, args, own = []) {
  const browser = packages[0] === './idb';
  const how = browser ? ['-exec', `${path.join(root, 'bin/chromium')} -worker`] : [];
  const env = { ...process.env, GOFLAGS: `${process.env.GOFLAGS ?? ''} -overlay=${over}` };
  const made = spawnSync('go', ['test', '-json', '-vet=off', '-short', ...how, ...args, ...packages, ...own], {
    cwd: root, encoding: 'utf8', maxBuffer: 1 << 30, env: browser ? { ...env, GOOS: 'js', GOARCH: 'wasm' } : env,
  });
  /** @type {Set<string>} */
  const failed = new Set();
  let ran = 0;
  for (const line of made.stdout.split('\n')) {
    if (!line.startsWith('{')) continue;
    const e = JSON.parse(line);
    if (e.Action === 'build-fail' || e.FailedBuild) throw new Error(`it does not build:\n${made.stdout}\n${made.stderr}`);
    if (e.Test && (e.Action === 'fail' || e.Action === 'pass')) ran++;
    if (e.Test && e.Action === 'fail') failed.add(e.Test);
    if (!e.Test && e.Action === 'fail' && /panic:/.test(made.stdout)) failed.add('(panic)');
  }
  return { failed, ran };
}

// A place that is not there any more proves nothing; that is said before anything runs, and by make check alone.
places.forEach(overlay);
if (process.argv.includes('--check')) process.exit();

let missed = 0;
for (const place of places) {
  if (words.length > 0 && !words.some((w) => place.name.includes(w))) continue;
  const over = overlay(place);
  if (find) {
    const { failed } = failing(over, everywhere, []);
    const tops = [...failed].filter((t) => ![...failed].some((u) => u.startsWith(`${t}/`)));
    console.log(`${place.name}\n  ${tops.slice(0, 12).join('\n  ')}${tops.length > 12 ? `\n  and ${tops.length - 12} more` : ''}`);
    continue;
  }
  if (place.caught.length === 0) throw new Error(`${place.name}: no test is named`);
  for (const [where, test, args] of place.caught) {
    const exact = test.split('/').map((part) => `^${part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`).join('/');
    const { failed, ran } = failing(over, [where], ['-run', exact], args ? ['-args', ...args.split(' ')] : []);
    const bit = failed.has(test) || failed.has('(panic)');
    console.log(`${bit ? 'caught' : ran > 0 ? 'MISSED' : 'NO TEST'}  ${place.name}: ${test} (${where})`);
    if (!bit) missed++;
  }
}
if (missed > 0) {
  console.error(`${missed} missed`);
  process.exit(1);
}
