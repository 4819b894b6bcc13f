// sql.js with absurd-sql: SQLite's pages as records of IndexedDB.
import initSqlJs from '@jlongster/sql.js';
import { SQLiteFS } from 'absurd-sql';
import IndexedDBBackend from 'absurd-sql/dist/indexeddb-backend';
import { answer } from './answer.js';
import { create, fill, remove, texts } from './tables.js';

let database;

function run(sql, values = []) {
  const statement = database.prepare(sql);
  const rows = [];
  try {
    statement.bind(values);
    while (statement.step()) {
      rows.push(statement.get());
    }
  } finally {
    statement.free();
  }
  return rows;
}

answer({
  async open() {
    const SQL = await initSqlJs({ locateFile: () => '/sql-wasm.wasm' });
    const files = new SQLiteFS(SQL.FS, new IndexedDBBackend());
    SQL.register_for_idb(files);
    SQL.FS.mkdir('/sql');
    SQL.FS.mount(files, {}, '/sql');
    database = new SQL.Database('/sql/chat.sqlite', { filename: true });
    run('PRAGMA journal_mode = MEMORY');
    create(run);
  },
  fill: (planted) => fill(run, planted),
  remove: (deletions) => remove(run, deletions),
  texts: () => texts(run),
  async wipe() {
    database.close();
    for (const { name } of await indexedDB.databases()) {
      await new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = resolve;
        request.onerror = () => reject(request.error);
      });
    }
  },
});
