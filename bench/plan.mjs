// How much is measured.

import { timeOf } from './talk.mjs';

const FULL = {
  name: 'full',
  big: 100_000,
  growth: [1000, 10_000],
  small: { conversations: 100, messages: 1000 },
  ids: { conversations: 10, each: 100 },
  list: 1000,
  million: 1_000_000,
  pages: 30,
  peersToo: ['insert', 'parts', 'wholes', 'meanwhile', 'first', 'million'],
  rounds: { fast: 5, slow: 3 },
};

/** For CI: shows that all of it runs. Its figures say nothing. */
const QUICK = {
  name: 'quick',
  big: 3000,
  growth: [100, 1000],
  small: { conversations: 20, messages: 100 },
  ids: { conversations: 10, each: 10 },
  list: 100,
  million: 6000,
  pages: 5,
  peersToo: ['insert', 'parts', 'wholes'],
  only: ['lethe', 'clustered', 'textbook', 'dexie-bulk', 'absurd', 'sqlite'],
  rounds: { fast: 1, slow: 1 },
};

/** Reads --quick, --rounds=N (for all), --only=name,name and --vault=FILE. */
export function planOf(args) {
  const options = Object.fromEntries(args.map((arg) => /^--([a-z]+)(?:=(.+))?$/.exec(arg)?.slice(1) ?? [arg, '']));
  const unknown = Object.keys(options).filter((name) => !['quick', 'rounds', 'only', 'vault'].includes(name));
  if (unknown.length > 0) {
    throw new Error(`unknown option: ${unknown.join(' ')}`);
  }
  const plan = structuredClone('quick' in options ? QUICK : FULL);
  if (options.rounds) {
    plan.rounds = { fast: Number(options.rounds), slow: Number(options.rounds) };
  }
  return { ...plan, ...conversationsOf(plan), only: options.only?.split(',') ?? plan.only, vault: options.vault };
}

/**
 * The conversations: by role, and all of them, {id, messages}. Those named last are of one message and fill
 * the list, one more than its length, since the first spare goes before anybody looks.
 */
function conversationsOf({ big, growth, small, list }) {
  const roles = {
    spares: ['GROUPspare0', 'GROUPspare1'],
    growing: growth.map((messages) => ({ id: `GROUPgrow${messages}`, messages })),
    smalls: Array.from({ length: small.conversations }, (_, i) => `GROUPsmall${i}`),
    bigID: 'GROUPbig',
    halfTime: timeOf(big / 2 + 1),
    millionID: 'GROUPmillion',
  };
  const conversations = [
    ...roles.spares.map((id) => ({ id, messages: 1 })),
    { id: roles.bigID, messages: big },
    ...roles.growing,
    ...roles.smalls.map((id) => ({ id, messages: small.messages })),
  ];
  for (let i = 0; conversations.length <= list; i++) {
    conversations.push({ id: `GROUPsingle${i}`, messages: 1 });
  }
  return { ...roles, conversations };
}
