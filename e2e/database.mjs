// What the browser's IndexedDB holds, and what of it the file of keys opens, read as they stand, past the API.
import assert from 'node:assert/strict';
import { open, readable } from './sealed.mjs';

/** The tables that hold messages, and how their numeric keys name a conversation: its ordinal is above the low 32 bits. */
const ROW_TABLES = ['segments', 'tail', 'sent'];

/**
 * Reads every database of Lethe's in the page's origin, with its file of keys: by table the number of records and the bytes of
 * their values, by ordinal the records that hold its messages, and for those of the given texts that can be read with all
 * that the device has the names of the databases. No text may stand there in clear.
 */
export async function readDatabases(page, texts = []) {
  const databases = await read(page, texts.length > 0);
  const held = { tables: {}, ordinals: {}, found: new Map() };
  for (const { name, keyring, tables } of databases) {
    const keys = keyring && Buffer.from(keyring, 'base64');
    for (const { table, bytes, keys: numbers, values } of tables) {
      held.tables[table] ??= { records: 0, bytes: 0 };
      held.tables[table].records += numbers.length;
      held.tables[table].bytes += bytes;
      for (const key of ROW_TABLES.includes(table) ? numbers : []) {
        const ordinal = ordinalOf(key);
        held.ordinals[ordinal] = (held.ordinals[ordinal] ?? 0) + 1;
      }
      for (const text of readableOf(table, values, keys, texts)) {
        held.found.set(text, (held.found.get(text) ?? new Set()).add(name));
      }
    }
  }
  return held;
}

/** Those of the texts that can be read in the values of a table. */
function readableOf(table, values, keyring, texts) {
  const found = new Set();
  for (const encoded of values) {
    const value = Buffer.from(encoded, 'base64');
    for (const text of texts) {
      assert.ok(!value.includes(text), `${table} has a text in clear`);
    }
    const plain = open(table, value, keyring);
    for (const part of plain ? readable(table, plain) : []) {
      const bytes = Buffer.from(part.buffer, part.byteOffset, part.length);
      for (const text of texts.filter((wanted) => bytes.includes(wanted))) {
        found.add(text);
      }
    }
  }
  return found;
}

/** Every database of Lethe's with its values and, if it has one, its file of keys, as bytes. */
export async function stored(page) {
  const bytes = (encoded) => encoded && Buffer.from(encoded, 'base64');
  return (await read(page, true)).map(({ name, keyring, tables }) => ({
    name,
    keyring: bytes(keyring),
    tables: tables.map(({ table, keys, values }) => ({ table, keys, values: values.map(bytes) })),
  }));
}

/** The keys of a device that are in use: every slot of its file that is not empty. */
export function keysIn(keyring) {
  const slots = Array.from({ length: keyring.length / 32 }, (_, i) => keyring.subarray(32 * i, 32 * i + 32));
  return slots.filter((slot) => slot.some((byte) => byte !== 0)).map((slot) => slot.toString('hex'));
}

/** The conversation's number on this device, from a messageID or a record's key. */
export function ordinalOf(number) {
  return Math.floor(number / 2 ** 32);
}

/** What readStored returns, as text on its way: see Device.call. */
async function read(page, withValues) {
  return JSON.parse(await page.evaluate(`(${readStored})(${withValues}).then(JSON.stringify)`));
}

/** Runs in the page. */
async function readStored(withValues) {
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  /** The file of keys of a database, whose name is a hash of the database's. */
  const keyringOf = async (name) => {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(name)));
    const directory = await navigator.storage.getDirectory();
    for (;;) {
      try {
        const file = await directory.getFileHandle(`lethe-${hash.subarray(0, 16).toHex()}`);
        return new Uint8Array(await (await file.getFile()).arrayBuffer()).toBase64();
      } catch (error) {
        if (error.name === 'NotFoundError') {
          return undefined; // a core in the page has none
        }
        if (error.name !== 'NotReadableError') {
          throw error; // but that only says that it was written to meanwhile
        }
      }
    }
  };
  const databases = [];
  for (const { name } of await indexedDB.databases()) {
    if (!name.startsWith('lethe-')) {
      continue;
    }
    const database = await done(indexedDB.open(name));
    // Values are sealed anew in the background: they and the keys are of one state when no key has changed meanwhile.
    for (let before, keyring, tables; ; before = keyring) {
      const transaction = database.transaction(database.objectStoreNames);
      tables = await Promise.all(
        Array.from(database.objectStoreNames, async (table) => {
          const store = transaction.objectStore(table);
          const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
          return {
            table,
            keys,
            bytes: values.reduce((sum, value) => sum + value.length, 0),
            values: withValues ? values.map((value) => (value instanceof Uint8Array ? value.toBase64() : '')) : [],
          };
        }),
      );
      keyring = withValues ? ((await keyringOf(name)) ?? null) : null;
      if (keyring === before || !withValues) {
        databases.push({ name, tables, keyring: keyring ?? undefined });
        break;
      }
    }
    database.close();
  }
  return databases;
}
