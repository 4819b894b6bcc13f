// The rows of the table: which samples a row shows, and what Lethe is to reach there.

const DEXIE = ['dexie-bulk', 'dexie-where'];
const SQLITE = ['sqlite'];
/** Every peer that was measured. */
const ANY = undefined;

/**
 * A row is {work, title, unit, limit, ratios}. limit is the most that Lethe's median may be; each of ratios says how many times
 * as long at least the fastest of some peers must take.
 */
export function rowsOf(plan) {
  const n = (number) => number.toLocaleString('en').replaceAll(',', ' ');
  const [small, middle] = plan.growth;
  const { smalls, small: each, ids } = plan;
  return [
    { work: 'insert', title: `insert ${n(plan.big)}; Lethe's come from the server, end to end`, limit: 3000 },
    {
      work: 'insert: vault',
      title: `insert ${n(plan.big)}, sealed, into the vault alone`,
      limit: 500,
      ratios: [{ to: 'insert', peers: DEXIE, least: 20 }],
    },
    { work: 'after insert', title: 'a conversation of 1, deleted right after that' },
    { work: 'list', title: `fresh browser: navigation to a list of ${n(plan.list)} conversations` },
    {
      work: 'newest',
      title: `newest page of 50 of ${n(plan.big)}, as objects`,
      limit: 3,
      ratios: [{ peers: DEXIE, least: 1 }],
    },
    {
      work: 'conversation',
      title: `delete a conversation of ${n(plan.big)}`,
      limit: 10,
      ratios: [
        { peers: DEXIE, least: 1000 },
        { peers: SQLITE, least: 100 },
      ],
    },
    { work: 'first of a browser', title: `… as the first of a fresh browser`, limit: 15 },
    { work: 'conversation: erased', title: '… until it is erased', limit: 10 },
    { work: 'conversation: reclaimed', title: '… until its rows are reclaimed, in the background', limit: 250 },
    { work: 'wait', title: '… the longest wait of a reader of another conversation', limit: 20 },
    { work: `conversation of ${small}`, title: `delete a conversation of ${n(small)}` },
    { work: `conversation of ${middle}`, title: `delete a conversation of ${n(middle)}` },
    { work: 'million', title: `delete a conversation of ${n(plan.million)}` },
    { work: 'growth', title: `… times as long as one of ${n(each.messages)} beside it`, unit: '×', limit: 2 },
    { work: 'half', title: `delete its older half by time`, limit: 12, ratios: [{ peers: ANY, least: 20 }] },
    { work: 'half: reclaimed', title: '… until its rows are reclaimed, in the background' },
    {
      work: 'ids',
      title: `delete ${n(ids.conversations * ids.each)} ids over ${ids.conversations} conversations`,
      limit: 20,
      ratios: [{ peers: ANY, least: 1 }],
    },
    { work: 'ids: erased', title: '… until they are erased', limit: 400 },
    {
      work: 'conversations',
      title: `delete ${n(smalls.length)} conversations of ${n(each.messages)} in one call`,
      limit: 25,
      ratios: [{ peers: ANY, least: 20 }],
    },
    { work: 'conversations: reclaimed', title: '… until their rows are reclaimed, in the background' },
    { work: 'page', title: "longest hold-up of the page's thread in all of it", limit: 16 },
    { work: 'page: start', title: '… while it starts' },
    { work: 'page: insert', title: '… while it inserts' },
    { work: 'page: newest', title: '… while it shows pages' },
    { work: 'page: deletions in parts', title: '… while it deletes parts' },
    { work: 'page: deletions of conversations', title: '… while it deletes conversations' },
    { work: 'disk: filled', title: 'disk, filled', unit: 'MB' },
    { work: 'disk: deleted', title: 'disk after deleting nearly all', unit: 'MB' },
    { work: 'disk: closed', title: 'disk, browser closed', unit: 'MB' },
    { work: 'memory', title: `wasm memory after ${n(plan.million)} messages`, unit: 'MB', limit: 96 },
    { work: 'load', title: 'first load: wasm and script, brotli', unit: 'MB', limit: 0.9 },
  ];
}
