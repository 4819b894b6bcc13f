// SQLite's own build for the browser on OPFS, by the file system of pooled sync access handles (opfs-sahpool), the faster of
// its two. With {clustered: true} the conversation and the seq are the rows' key.
import sqlite3InitModule from '@sqlite.org/sqlite-wasm';
import { sqlPeer } from './sql.mjs';
import { serve } from './worker.mjs';

// The other ones want a second worker of their own, and complain where it is not served.
globalThis.sqlite3ApiConfig = { disable: { vfs: { opfs: true, 'opfs-vfs': true, 'opfs-wl': true } } };

serve(async ({ clustered }) => {
  const sqlite3 = await sqlite3InitModule();
  const pool = await sqlite3.installOpfsSAHPoolVfs({ name: 'opfs-sahpool' });
  const database = new pool.OpfsSAHPoolDb('/chat.sqlite');
  database.exec('PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL');

  return sqlPeer(
    {
      exec: (sql) => database.exec(sql),
      all: (sql, bind) => database.selectObjects(sql, bind),
      each(sql, binds) {
        const statement = database.prepare(sql);
        try {
          for (const bind of binds) {
            statement.bind(bind).stepReset();
          }
        } finally {
          statement.finalize();
        }
      },
    },
    clustered,
  );
});
