// sql.js over absurd-sql, which keeps SQLite's pages in IndexedDB; set up as its README says. How durable its IndexedDB
// transactions are, absurd-sql leaves to the browser, and Chromium's default is relaxed.
import initSqlJs from '@jlongster/sql.js';
import { SQLiteFS } from 'absurd-sql';
import IndexedDBBackend from 'absurd-sql/dist/indexeddb-backend';
import { sqlPeer } from './sql.mjs';
import { serve } from './worker.mjs';

serve(async () => {
  const SQL = await initSqlJs({ locateFile: (file) => `/${file}` });
  const files = new SQLiteFS(SQL.FS, new IndexedDBBackend());
  SQL.register_for_idb(files);
  SQL.FS.mkdir('/sql');
  SQL.FS.mount(files, {}, '/sql');
  const database = new SQL.Database('/sql/chat.sqlite', { filename: true });
  database.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL');

  return sqlPeer({
    exec: (sql) => database.exec(sql),
    all(sql, bind) {
      const statement = database.prepare(sql, bind);
      const rows = [];
      while (statement.step()) {
        rows.push(statement.getAsObject());
      }
      statement.free();
      return rows;
    },
    each(sql, binds) {
      const statement = database.prepare(sql);
      for (const bind of binds) {
        statement.run(bind);
      }
      statement.free();
    },
  });
});
