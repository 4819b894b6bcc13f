// A month of a busy channel on one device: paged through, deleted from in every way, and then looked at from all sides:
// the device's database, the server's answers to this user, another member's, after a reload, and on a second device.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { ordinalOf, readDatabases } from './database.mjs';
import { plan } from './deletions.mjs';
import { Device, soon, texts } from './device.mjs';
import { Server } from './server.mjs';
import { daysOfTalk, randomNumbers } from './talk.mjs';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

test('days of real talk, deleted from in every way', async (t) => {
  const { source, days, messages } = daysOfTalk(24, 20_000);
  t.diagnostic(`input: ${source}, ${days.length} days, ${messages} messages`);
  assert.ok(days.length >= 20 && messages >= 20_000);
  const server = await Server.start(t);
  const browser = await Browser.start(t, { bare: true });
  const elsewhere = await Browser.start(t, { bare: true }); // another machine, for a second device and for another member

  const next = randomNumbers(7);
  const chats = new Map();
  for (const [i, day] of days.entries()) {
    // No compression can hide such a word, so that it is found in the database's bytes as long as its message is there.
    const marker = Array.from({ length: 40 }, () => ALPHABET[Math.floor(next() * ALPHABET.length)]).join('');
    const last = day.messages.at(-1);
    const talk = [...day.messages, { ...last, time: last.time + 1, text: `<${marker}>` }];
    const groupID = `day-${i}-${day.name}`;
    await server.post('/v1/groups', { groupID, members: ['reader', 'witness'] });
    await server.load(`GROUP${groupID}`, talk);
    chats.set(`GROUP${groupID}`, {
      id: `GROUP${groupID}`,
      talk,
      marker,
      local: all(talk),
      remote: all(talk),
      listed: true,
    });
  }
  const ids = [...chats.keys()];

  const reader = await Device.open(browser, { page: server.url });
  await reader.login('reader', await server.token('reader'));
  assert.deepEqual((await reader.list()).sort(), [...ids].sort());
  for (const chat of chats.values()) {
    chat.held = await reader.messages(chat.id, 100);
    same(inShort(chat.held), shownOf(chat, chat.local), `${chat.id} as it was loaded`);
    chat.ordinal = ordinalOf(chat.held[0].messageID);
  }
  const full = await readDatabases(
    reader.page,
    [...chats.values()].map(({ marker }) => marker),
  );
  assert.equal(full.found.size, days.length, 'every marker stands in the database before');
  assert.deepEqual(new Set(Object.keys(full.ordinals)), new Set(ids.map((id) => String(chats.get(id).ordinal))));

  const remaining = [...chats.values()];
  for (const step of plan) {
    const taken = remaining.splice(0, step.chats);
    await t.test(step.name, () => step.run(reader, taken));
  }
  assert.ok(remaining.length >= 2, 'some chats are left alone');

  /** Compares a device's view, its list, and the server's answers to its user with what the deletions should have left. */
  const check = async (device, surface) => {
    const listed = [...chats.values()].filter((chat) => chat.listed).map(({ id }) => id);
    assert.deepEqual((await device.list()).sort(), listed.sort());
    for (const chat of chats.values()) {
      await soon(`${chat.id}: nothing is owed and nothing is left to reclaim`, async () => {
        const { outbox, messages: rows } = await device.call('inspectConversation', chat.id);
        return outbox === 0 && rows <= chat.held.length;
      });
      assert.deepEqual(
        inShort(await device.messages(chat.id)),
        shownOf(chat, chat[surface]),
        `${chat.id} on the device`,
      );
      same(inShort(await device.remote(chat.id)), shownOf(chat, chat.remote), `${chat.id} on the server`);
      const held = await device.call('inspectConversation', chat.id);
      assert.equal(held.server, chat.remote.size, `${chat.id}: what the server counts`);
      assert.equal(held.messages, chat[surface].size, `${chat.id}: rows on the device`);
    }
  };

  /** Looks into the device's database: what is deleted here is in none of its tables. */
  const checkDatabase = async (device) => {
    await soon('all is reclaimed', async () => (await readDatabases(device.page)).tables.garbage.records === 0);
    const markers = [...chats.values()].map(({ marker }) => marker);
    const { tables, ordinals, found } = await readDatabases(device.page, markers);
    assert.equal(tables.outbox.records, 0);
    assert.ok(tables.segments.bytes < full.tables.segments.bytes);
    for (const chat of chats.values()) {
      const marked = chat.local.has(chat.talk.length);
      assert.equal(found.has(chat.marker), marked, `${chat.id}: the marker in the bytes`);
      const segments = new Set([...chat.local].map((seq) => Math.floor(seq / 256)));
      assert.equal(ordinals[chat.ordinal] ?? 0, segments.size, `${chat.id}: records`);
    }
  };

  await t.test('the device, its database and the server', async () => {
    await check(reader, 'local');
    await checkDatabase(reader);
  });

  await t.test('after a reload', async () => {
    await reader.load();
    await reader.login('reader', await server.token('reader'));
    await check(reader, 'local');
    await checkDatabase(reader);
  });

  await t.test('after the browser was closed', async () => {
    await browser.close();
    await browser.start();
    const again = await Device.open(browser, { page: server.url });
    await again.login('reader', await server.token('reader'));
    await check(again, 'local');
    await checkDatabase(again);
    await again.close();
  });

  await t.test('a second device of the same user', async () => {
    const second = await Device.open(elsewhere, { page: server.url });
    await second.login('reader', await server.token('reader'));
    await check(second, 'remote');
    await second.close();
  });

  await t.test('another member has everything', async () => {
    const witness = await Device.open(elsewhere, { page: server.url });
    await witness.login('witness', await server.token('witness'));
    assert.deepEqual((await witness.list()).sort(), [...ids].sort());
    for (const { id, talk } of chats.values()) {
      same(texts(await witness.messages(id)), texts(talk), id);
      same(texts(await witness.remote(id)), texts(talk), `${id} on the server`);
    }
    await witness.close();
  });
});

/** Compares lists of a thousand lines, and on failure tells of the first that differ only. */
function same(actual, expected, what) {
  const first = expected.findIndex((line, i) => line !== actual[i]);
  if (first >= 0 || actual.length !== expected.length) {
    const at = first >= 0 ? first : expected.length;
    const near = (lines) => ({ length: lines.length, [at]: lines[at] });
    assert.deepEqual(near(actual), near(expected), what);
  }
}

/** Every seq of a talk. */
function all(talk) {
  return new Set(talk.map((_, i) => i + 1));
}

/** What should be shown of a chat where these seqs are left. */
function shownOf({ talk }, seqs) {
  return talk.map(({ from, time, text }, i) => `${i + 1} ${time} ${from}: ${text}`).filter((_, i) => seqs.has(i + 1));
}

function inShort(messages) {
  return messages.map(({ seq, sentTime, from, text }) => `${seq} ${sentTime} ${from}: ${text}`);
}
