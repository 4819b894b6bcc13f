// The browser dies, or what runs the page in it, at any moment of deletions of 20 480 messages, of the work they leave, of
// sealing an old database, of taking in a history. Afterwards a deletion is there whole or not at all, what was deleted does not
// come back, and nothing can open it. LETHE_KILLS says how often: `make soak-kills` plays 200.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keysIn, ordinalOf, readDatabases, stored } from './database.mjs';
import { soon } from './device.mjs';
import { inClear, writeInClear } from './format1.mjs';
import { Aim, connected, Stage, until } from './stage.mjs';
import { randomNumbers } from './talk.mjs';

const COUNT = 20_480;
const BESIDE = 300; // messages of a conversation beside it, to which nothing may happen
const LEAD = 25; // ms between the page's hearing of a call and its making it, so that a kill can be earlier
const SAID = {
  during: 'in the middle',
  resolved: 'the moment it has resolved',
  afterwards: 'while it leaves something to do',
};
const HOWS = ['browser', 'crash', 'renderer'];

/** What happens: how a page begins it, and which messages it leaves. */
const ACTS = {
  conversation: { call: ['deleteConversation', 'C2Cbob'], leaves: () => false },
  ids: { call: ['deleteMessages', { ids: [] }], leaves: (seq) => seq % 21 !== 0 },
  time: {
    call: ['deleteMessages', { conversationID: 'C2Cbob', before: timeOf(15_001) }],
    leaves: (seq) => seq > 15_000,
  },
  sealing: { from: 'plain', leaves: () => true },
  history: { from: 'empty', leaves: () => true },
};

/** How much longer than with a conversation it takes, in ms, until a deletion is there. */
const SLOWER = { conversation: 0, ids: 8, time: 3 };

/** The kills of one round: a deletion aimed at, and what comes after it or beside it. */
const ROUND = [
  ['conversation', 'during'],
  ['ids', 'during'],
  ['time', 'during'],
  ['conversation', 'during'],
  ['conversation', 'resolved'],
  ['conversation', 'afterwards'],
  ['ids', 'afterwards'],
  ['time', 'afterwards'],
  ['sealing', 'during'],
  ['history', 'during'],
];

test('kills', async (t) => {
  const kills = Number(process.env.LETHE_KILLS ?? ROUND.length);
  const seed = Number(process.env.LETHE_SEED ?? 1);
  t.diagnostic(`seed ${seed}`);
  const random = randomNumbers(seed);
  const stage = await Stage.set(t);
  const filled = await fill(stage);
  const aims = {
    // How long it takes from the call to its commit is found by and by; so is how long from there to the end of what it leaves.
    during: new Aim(LEAD + 8, 4),
    conversation: new Aim(4, 2),
    ids: new Aim(150, 50),
    time: new Aim(8, 4),
    sealing: new Aim(60, 20),
    history: new Aim(1000, 400),
  };
  const tally = { before: 0, after: 0, undestroyed: 0, unreclaimed: 0 };

  // How long it takes until a commit is the machine's affair. Where the kills of the rounds have not found it, more are aimed.
  for (let i = 0; i < kills || (missed(tally) && i < 2 * kills); i++) {
    const [what, when] = i < kills ? ROUND[i % ROUND.length] : ROUND[0];
    const how = HOWS[i % HOWS.length];
    const online = random() < 0.5;
    const act = ACTS[what];
    const name = `${i + 1}: ${what}, ${SAID[when]}, ${how}${online ? '' : ', offline'}`;
    await t.test(name, { timeout: 180_000 }, async () => {
      await stage.restore(act.from ?? 'filled');
      const device = await stage.open();
      if (act.call) {
        await login(stage, device);
        await device.call('setOnline', online);
      }
      const aimed = act.call && when === 'during';
      const aim = aimed ? aims.during : aims[what];
      const delay = aim.next(random()) + (aimed ? SLOWER[what] : 0);
      await begin(stage, device, what, when, delay);
      await stage.kill(how, device);
      const left = await verify(stage, { how, filled, act, what, when });
      if (aimed) {
        tally[left.after ? 'after' : 'before']++;
      }
      if (when !== 'resolved') {
        aim.landed(aimed ? left.after : left.late);
      }
      tally.undestroyed += left.undestroyed;
      tally.unreclaimed += left.unreclaimed;
      t.diagnostic(`${i + 1}: after ${delay.toFixed(1)} ms: ${JSON.stringify(left)}`);
    });
  }
  t.diagnostic(`kills: ${JSON.stringify(tally)}`);
  assert.equal(missed(tally), undefined);
  assert.ok(tally.undestroyed > 0 || kills < 50, 'no kill came between a commit and the end of its keys');
});

/** Which moment the kills have missed, if one. */
function missed({ before, after, unreclaimed }) {
  if (Math.min(before, after) < (before + after) / 5) {
    return `of the kills aimed at a commit ${before} came before it and ${after} after`;
  }
  return unreclaimed === 0 ? 'no kill came while there was something left to do' : undefined;
}

/** Sets up what kills begin with, and tells what the device's keys were. */
async function fill(stage) {
  await stage.server.load('C2Cbob', talk('bob', COUNT), 'ann');
  await stage.server.load('C2Ccid', talk('cid', BESIDE), 'ann');
  let device = await stage.open();
  await stage.keep('empty');
  await stage.restore('empty');
  device = await stage.open();
  await login(stage, device);
  assert.deepEqual(await digest(device, 'C2Cbob'), { count: COUNT, runs: [[1, COUNT]], wrong: 0 });
  assert.deepEqual(await digest(device, 'C2Ccid'), { count: BESIDE, runs: [[1, BESIDE]], wrong: 0 });
  ACTS.ids.call[1].ids = await idsOf(device, 'C2Cbob', 21);
  const { conversation } = await device.call('getConversation', 'C2Cbob');
  assert.equal(conversation.unreadCount, COUNT);
  await stage.keep('filled');
  await stage.restore('filled');
  device = await stage.open();
  await login(stage, device);
  const keys = await segmentKeys(device);
  const [sealed] = await stored(device.page);
  await device.call('logout', { wipe: 'force' });
  await device.page.evaluate(writeInClear, [sealed.name, inClear(sealed)]);
  await stage.keep('plain');
  return { keys };
}

/** The keys of bob's segments, by segment. */
async function segmentKeys(device) {
  const [{ keyring, tables }] = await stored(device.page);
  const { keys, values } = tables.find(({ table }) => table === 'segments');
  const found = new Map();
  for (const [i, value] of values.entries()) {
    const slot = value.readUInt32BE(1);
    const messageCount = keys.filter((key) => ordinalOf(key) === ordinalOf(keys[i])).length;
    if (messageCount > BESIDE / 256 + 1) {
      found.set(keys[i] % 2 ** 32, keyring.subarray(32 * slot, 32 * slot + 32));
    }
  }
  assert.equal(found.size, COUNT / 256 + 1);
  return found;
}

async function login(stage, device) {
  return device.login('ann', await stage.server.token('ann'));
}

/** Begins an act and returns at the moment of the kill. */
async function begin(stage, device, what, when, delay) {
  if (what === 'sealing') {
    const token = await stage.server.token('ann');
    return fire(device, `chat.login(${JSON.stringify({ userID: 'ann', token })})`, LEAD + delay);
  }
  if (what === 'history') {
    await login(stage, device);
    const page = `(next) => chat.getMessageList({ conversationID: 'C2Cbob', count: 1000, nextReqMessageID: next })`;
    return fire(
      device,
      `(async () => { for (let next = ''; ; ) { next = (await (${page})(next)).data.nextReqMessageID } })()`,
      delay,
    );
  }
  const [method, argument] = ACTS[what].call;
  if (when === 'during') {
    return fire(device, `chat.${method}(${JSON.stringify(argument)})`, delay);
  }
  await device.call(method, argument);
  return until(performance.now() + (when === 'resolved' ? 0 : delay));
}

/** Has the page do something LEAD ms from now, and returns delay ms from now. */
async function fire(device, script, delay) {
  const begun = performance.now();
  await device.page.evaluate(
    ([code, lead]) => {
      setTimeout(new Function(`Promise.resolve(${code}).catch(() => {})`), lead); // not waited for
    },
    [script, LEAD],
  );
  await until(begun + delay);
}

/** Starts again and holds what there is to what may be left. */
async function verify(stage, { how, filled, act, what, when }) {
  // First without the server: what the device itself has.
  await stage.server.stop();
  if (how === 'browser') {
    await stage.browser.start();
  }
  let device = await stage.open();
  const left = { after: false, undestroyed: 0, unreclaimed: 0 };
  const doomed = [...filled.keys].filter(([segment]) => act.call && touched(act, segment)).map(([, key]) => key);
  const [database] = await stored(device.page);
  const table = (name) => database?.tables.find((one) => one.table === name)?.values ?? [];
  left.unreclaimed = Number(table('garbage').length > 0);
  left.undestroyed = Number(left.unreclaimed > 0 && doomed.some((key) => database.keyring.includes(key)));
  left.segments = table('segments').length;
  left.late = left.unreclaimed === 0;
  if (what === 'sealing') {
    left.late = table('segments').every((value) => (value[0] & 0x0f) === 1);
  } else if (what === 'history') {
    left.late = left.segments > COUNT / 256;
  }

  const token = await fetchToken(stage);
  assert.equal((await device.login('ann', token)).connected, false);
  const here = await digest(device, 'C2Cbob');
  assert.equal(here.wrong, 0);
  const whole = expected(() => true);
  const outcome = expected(act.leaves);
  if (act.call) {
    left.after = here.count === outcome.count;
    assert.deepEqual(here, left.after ? outcome : whole, 'neither whole nor nothing');
    assert.ok(left.after || when === 'during', 'what had resolved is not there');
  } else if (what === 'sealing') {
    assert.deepEqual(here, whole, 'sealing lost something');
  }
  const owed = (await readDatabases(device.page)).tables.outbox.records;
  assert.ok(owed <= Number(left.after), `${owed} operations owed`);
  await agrees(device, act, left.after, here);

  // Then with it: what it was told, and what it gives back.
  await stage.server.start();
  await connected(device);
  const stands = act.call && left.after ? outcome : whole;
  await soon('all is told and reclaimed', async () => {
    const { tables } = await readDatabases(device.page);
    return tables.outbox.records === 0 && tables.garbage.records === 0;
  });
  await agrees(device, act, left.after, stands);
  await device.close();
  if (how === 'browser') {
    await stage.browser.close(); // what it kept behind the end of a log that was cut would be lost now
    await stage.browser.start();
  }
  device = await stage.open();
  await login(stage, device);
  assert.deepEqual(await digest(device, 'C2Cbob'), stands, 'after the next start');
  assert.deepEqual(await digest(device, 'C2Ccid'), { count: BESIDE, runs: [[1, BESIDE]], wrong: 0 });
  await agrees(device, act, left.after, stands);
  assert.deepEqual(await digest(device, 'C2Cbob', 'fetchRemoteHistory'), stands, 'the server');
  if (left.after) {
    await erased(stage, device, doomed, act);
  }
  const sent = await device.send('C2C', 'bob', `bob ${COUNT + 1}`);
  assert.ok(sent.ID);
  await soon('it is sent', async () => (await device.events('MESSAGE_SENT')).length === 1);
  assert.equal((await digest(device, 'C2Cbob')).count, stands.count + 1);
  if (what === 'history') {
    await device.call('deleteConversation', 'C2Cbob');
    await device.settled('C2Cbob');
    const [now] = await stored(device.page);
    assert.ok(keysIn(now.keyring).length < 64, 'what the kill interrupted has left keys');
  }
  await device.close();
  return left;
}

let tokens;

/** A token from before the server was stopped. */
async function fetchToken(stage) {
  tokens ??= new WeakMap();
  if (!tokens.has(stage)) {
    await stage.server.start();
    tokens.set(stage, await stage.server.token('ann'));
    await stage.server.stop();
  }
  return tokens.get(stage);
}

/** Whether a deletion takes something out of a segment. */
function touched(act, segment) {
  for (let seq = Math.max(1, segment * 256); seq < (segment + 1) * 256 && seq <= COUNT; seq++) {
    if (!act.leaves(seq)) {
      return true;
    }
  }
  return false;
}

/** List, preview and unread say what the messages say. */
async function agrees(device, act, after, held) {
  const { conversationList } = await device.call('getConversationList');
  const found = conversationList.find(({ conversationID }) => conversationID === 'C2Cbob');
  if (held.count === 0 && act.call) {
    assert.equal(found, undefined);
    return;
  }
  assert.equal(found.lastMessage.lastSequence, after || act.call ? held.runs.at(-1)[1] : COUNT);
}

/** No key of what was deleted is in any file, and nothing that the database holds can be read with those that are. */
async function erased(stage, device, doomed, act) {
  const { found } = await readDatabases(
    device.page,
    ['bob 13 ', 'bob 6006 ', 'bob 14994 '].filter((mark) => !act.leaves(Number(mark.split(' ')[1]))),
  );
  assert.deepEqual([...found.keys()], [], 'what was deleted can be read');
  const [{ keyring }] = await stored(device.page);
  const kept = new Set(keysIn(keyring));
  assert.ok(!doomed.some((key) => kept.has(key.toString('hex'))), 'the file of keys has one of what was deleted');
  const some = doomed.filter((_, i) => i % Math.ceil(doomed.length / 12) === 0);
  assert.equal(stage.inProfile(some).size, 0, 'some file has a key of what was deleted');
}

function expected(leaves) {
  const runs = [];
  let count = 0;
  for (let seq = 1; seq <= COUNT; seq++) {
    if (leaves(seq)) {
      count++;
      if (runs.at(-1)?.[1] === seq - 1) {
        runs.at(-1)[1] = seq;
      } else {
        runs.push([seq, seq]);
      }
    }
  }
  return { count, runs, wrong: 0 };
}

/** All that a device shows of a conversation: which seqs, and how many texts are not what they were. */
function digest(device, conversationID, method = 'getMessageList') {
  return device.page.evaluate(
    async ([id, call]) => {
      const out = { count: 0, runs: [], wrong: 0 };
      for (let next = ''; ; ) {
        const { data } = await window.chat[call]({ conversationID: id, count: 1000, nextReqMessageID: next });
        for (const { seq, payload } of data.messageList.toReversed()) {
          out.count++;
          out.wrong += payload.text.startsWith(`${id.slice(3)} ${seq}`) ? 0 : 1;
          if (out.runs[0]?.[0] === seq + 1) {
            out.runs[0][0] = seq;
          } else {
            out.runs.unshift([seq, seq]);
          }
        }
        next = data.nextReqMessageID;
        if (data.isCompleted || next === '') {
          return out;
        }
      }
    },
    [conversationID, method],
  );
}

/** The IDs of every nth message. */
function idsOf(device, conversationID, nth) {
  return device.page.evaluate(
    async ([id, step]) => {
      const ids = [];
      for (let next = ''; ; ) {
        const { data } = await window.chat.getMessageList({ conversationID: id, count: 1000, nextReqMessageID: next });
        ids.push(...data.messageList.filter(({ seq }) => seq % step === 0).map(({ ID }) => ID));
        next = data.nextReqMessageID;
        if (data.isCompleted) {
          return ids;
        }
      }
    },
    [conversationID, nth],
  );
}

function timeOf(seq) {
  return Date.UTC(2026, 0, 1) + seq;
}

function talk(from, count) {
  return Array.from({ length: count }, (_, i) => ({
    from,
    time: timeOf(i + 1),
    text: `${from} ${i + 1} of what is said`,
  }));
}
