// SQLite on OPFS, through the pool of sync access handles.
import sqlite3InitModule from '@sqlite.org/sqlite-wasm';
import { answer } from './answer.js';
import { create, fill, remove, texts } from './tables.js';

const NAME = '/chat.db';
let pool;
let database;

const run = (sql, bind) => database.exec({ sql, bind, rowMode: 'array', returnValue: 'resultRows' });

// The other ways to OPFS, which would ask for workers of their own.
self.sqlite3ApiConfig = { disable: { vfs: { opfs: true, 'opfs-vfs': true, 'opfs-wl': true } } };

answer({
  async open(pragmas = []) {
    const sqlite3 = await sqlite3InitModule({ locateFile: () => '/sqlite3.wasm' });
    pool = await sqlite3.installOpfsSAHPoolVfs({});
    database = new pool.OpfsSAHPoolDb(NAME);
    for (const pragma of pragmas) {
      run(`PRAGMA ${pragma}`);
    }
    create(run);
  },
  fill: (planted) => fill(run, planted),
  remove: (deletions) => remove(run, deletions),
  texts: () => texts(run),
  async wipe() {
    database.close();
    pool.unlink(NAME);
  },
});
