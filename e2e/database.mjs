// What the browser's IndexedDB holds, read as it stands, past the API.

/** The tables that hold messages, and how their numeric keys name a conversation: its ordinal is above the low 32 bits. */
const ROW_TABLES = ['segments', 'tail', 'sent'];

/**
 * Reads every database of Lethe's in the page's origin: by table the number of records and the bytes of their values, by
 * ordinal the records that hold its messages, and for those of the given texts that stand readable in any value the names of
 * the databases.
 */
export async function readDatabases(page, texts = []) {
  const tables = await page.evaluate(readTables, texts);
  const held = { tables: {}, ordinals: {}, found: new Map() };
  for (const { name, table, bytes, keys, found } of tables) {
    held.tables[table] ??= { records: 0, bytes: 0 };
    held.tables[table].records += keys.length;
    held.tables[table].bytes += bytes;
    for (const text of found) {
      const databases = held.found.get(text) ?? new Set();
      held.found.set(text, databases.add(name));
    }
    for (const key of ROW_TABLES.includes(table) ? keys : []) {
      const ordinal = ordinalOf(key);
      held.ordinals[ordinal] = (held.ordinals[ordinal] ?? 0) + 1;
    }
  }
  return held;
}

/** The conversation's number on this device, from a messageID or a record's key. */
export function ordinalOf(number) {
  return Math.floor(number / 2 ** 32);
}

/** Runs in the page. */
async function readTables(texts) {
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const needles = texts.map((text) => ({ text, bytes: new TextEncoder().encode(text) }));
  const holds = (value, bytes) => {
    for (let at = value.indexOf(bytes[0]); at >= 0; at = value.indexOf(bytes[0], at + 1)) {
      if (bytes.every((byte, i) => value[at + i] === byte)) {
        return true;
      }
    }
    return false;
  };
  const tables = [];
  for (const { name } of await indexedDB.databases()) {
    if (!name.startsWith('lethe-')) {
      continue;
    }
    const database = await done(indexedDB.open(name));
    for (const table of database.objectStoreNames) {
      const store = database.transaction(table).objectStore(table);
      const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
      tables.push({
        name,
        table,
        keys,
        bytes: values.reduce((sum, value) => sum + value.length, 0),
        found: needles.filter(({ bytes }) => values.some((value) => holds(value, bytes))).map(({ text }) => text),
      });
    }
    database.close();
  }
  return tables;
}
