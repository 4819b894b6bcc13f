// A database as the version before sealing left it: the same records in clear, in a database of version 1.
import { open } from './sealed.mjs';

/** The tables of format 1 that say the same as a database that stored() has read. */
export function inClear({ tables, keyring }) {
  return tables.map(({ table, keys, values }) => ({
    table,
    rows: keys
      .map((key, i) => [key, values[i]])
      .filter(([key]) => table !== 'device' || key === 0)
      .map(([key, value]) => [key, Buffer.from(open(table, value, keyring)).toString('base64')]),
  }));
}

/** Runs in the page: writes them, and keeps the connection, which lets go for a newer version if it is polite. */
export async function writeInClear([name, tables, polite = true]) {
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    for (const { table } of tables) {
      request.result.createObjectStore(table);
    }
  };
  const database = await done(request);
  const names = tables.map(({ table }) => table);
  const transaction = database.transaction(names, 'readwrite');
  for (const { table, rows } of tables) {
    for (const [key, value] of rows) {
      transaction.objectStore(table).put(Uint8Array.fromBase64(value), key);
    }
  }
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  window.oldTab = database;
  database.onversionchange = () => {
    window.asked = true;
    if (polite) {
      database.close();
    }
  };
}
