// Plants marks with a candidate, deletes, and looks what is left in its profile at each moment.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Browser } from '../../e2e/browser.mjs';
import { folder } from '../../e2e/endings.mjs';
import { keyNeedles, markNeedles, Needles } from './needles.mjs';
import { plant } from './planted.mjs';
import { search } from './search.mjs';

/** When the profile is searched: before the deletion, which shows that the search finds what is there, and then. */
export const MOMENTS = ['before', 'at once', 'closed', 'reopened', 'later'];

/**
 * Examines one candidate on a profile of its own: first the ways to delete, then the wipe of all. make(browser) gives the
 * candidate; between(step, planted, candidate) is called after each step.
 * Gives a row for each step: {step, planted, slots, keys, moments: {moment: {marks, keys, kinds, places, …}}}. slots are the
 * keys that were there before, keys those of them that the step destroyed.
 */
export async function examine(run, make, { size, longest, patience, between = () => {} }) {
  const profile = folder(run, 'profile');
  const browser = await Browser.start(run, { profile });
  const candidate = make(browser);
  const planted = plant(size, longest);
  const reopen = async (options) => {
    await browser.close();
    await browser.start();
    await candidate.open(options);
  };
  await candidate.open();
  await candidate.fill(planted);
  await reopen(); // what was written lies in tables now, as it does after a day
  await shows(candidate, planted, () => true);

  const rows = [];
  for (const step of ['deleted', 'wiped']) {
    const deleting = step === 'deleted';
    const marks = [...planted.marks].filter(([, { goes }]) => goes === deleting).map(([mark]) => mark);
    const slots = (await candidate.slots?.()) ?? new Map();
    const look = (keys) => search(profile, new Needles([...markNeedles(marks), ...keyNeedles(keys)]));
    const seen = look([...slots.values()]);
    await (deleting ? candidate.remove(planted) : candidate.wipe());
    const now = (await candidate.slots?.()) ?? new Map();
    const destroyed = [...slots].filter(([place, key]) => !now.get(place)?.equals(key)).map(([, key]) => key);
    const leftOf = (found) => told(found, planted, destroyed);
    const moments = { before: leftOf(seen), 'at once': leftOf(look(destroyed)) };
    if (deleting) {
      await shows(candidate, planted, ({ goes }) => !goes);
    }
    await between(step, planted, candidate);
    await browser.close();
    moments.closed = leftOf(look(destroyed));
    await browser.start();
    await candidate.open({ wiped: !deleting });
    moments.reopened = leftOf(look(destroyed));
    await wait(patience);
    moments.later = leftOf(look(destroyed));
    rows.push({ step, planted: marks.length, slots: slots.size, keys: destroyed.length, moments });
  }
  await browser.close();
  const version = readFileSync(join(profile, 'Last Version'), 'utf8').trim();
  return { browser: `Chromium ${version}`, rows };
}

/** Fails unless the candidate shows the messages that are meant, no others. */
async function shows(candidate, { conversations }, meant) {
  const expected = conversations.flatMap(({ messages }) => messages.filter(meant)).map(({ text }) => text);
  const shown = await candidate.texts();
  const there = new Set(shown);
  if (shown.length !== expected.length || !expected.every((text) => there.has(text))) {
    throw new Error(`${shown.length} messages are shown where ${expected.length} should be`);
  }
}

/** Counts what was found: marks by kind, destroyed keys, and where. */
function told({ found, ...read }, { marks }, destroyed) {
  const result = { marks: 0, keys: 0, kinds: {}, places: {}, ...read };
  const keys = new Set(destroyed.map((key) => key.toString('hex')));
  for (const [owner, places] of found) {
    const kind = marks.get(owner)?.kind;
    if (!kind && !keys.has(owner)) {
      continue; // a key that lives on
    }
    result[kind ? 'marks' : 'keys']++;
    result.kinds[kind ?? 'key'] = (result.kinds[kind ?? 'key'] ?? 0) + 1;
    for (const place of places) {
      result.places[place] = (result.places[place] ?? 0) + 1;
    }
  }
  return result;
}
