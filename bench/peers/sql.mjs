// What both SQLites need: the tables and the statements over {exec(sql), all(sql, bind), each(sql, binds)}.

/** As it is taught: a message's own ID for the key, an index for the order and one for the time. */
const TEXTBOOK = {
  create: `
    CREATE TABLE IF NOT EXISTS messages (
      messageID TEXT PRIMARY KEY, conversation TEXT NOT NULL, seq INTEGER NOT NULL, sentTime INTEGER NOT NULL,
      sender TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL, payload TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS byOrder ON messages (conversation, seq);
    CREATE INDEX IF NOT EXISTS byTime ON messages (conversation, sentTime)`,
  conversation: '?',
  deleteID: 'DELETE FROM messages WHERE messageID = ?',
  bindID: (id) => [id],
  idOf: ({ messageID }) => messageID,
};

/** At its best: the conversation's ordinal and the seq are the key and the order of the rows, and there is no index. */
const CLUSTERED = {
  create: `
    CREATE TABLE IF NOT EXISTS messages (
      messageID TEXT NOT NULL, conversation INTEGER NOT NULL, seq INTEGER NOT NULL, sentTime INTEGER NOT NULL,
      sender TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL, payload TEXT NOT NULL,
      PRIMARY KEY (conversation, seq)) WITHOUT ROWID`,
  conversation: '(SELECT ordinal FROM conversations WHERE conversationID = ?)',
  deleteID: 'DELETE FROM messages WHERE conversation = ? AND seq = ?',
  bindID: (id) => [Math.floor(id / 2 ** 32), id % 2 ** 32],
  idOf: ({ conversation, seq }) => conversation * 2 ** 32 + seq,
};

export function sqlPeer({ exec, all, each }, clustered) {
  const { create, conversation, deleteID, bindID, idOf } = clustered ? CLUSTERED : TEXTBOOK;
  exec(`
    CREATE TABLE IF NOT EXISTS conversations (
      ordinal INTEGER PRIMARY KEY, conversationID TEXT NOT NULL UNIQUE, lastTime INTEGER NOT NULL,
      unread INTEGER NOT NULL, preview TEXT NOT NULL);
    ${create}`);

  function commit(work) {
    exec('BEGIN IMMEDIATE');
    work();
    exec('COMMIT');
  }

  function deleteConversations(ids) {
    const binds = ids.map((id) => [id]);
    commit(() => {
      each(`DELETE FROM messages WHERE conversation = ${conversation}`, binds);
      each('DELETE FROM conversations WHERE conversationID = ?', binds);
    });
  }

  return {
    insert(conversationID, batch) {
      const newest = batch.at(-1);
      const rows = batch.map(({ messageID, seq, sentTime, from, type, status, payload }) => {
        return [messageID, conversationID, seq, sentTime, from, type, status, JSON.stringify(payload)];
      });
      commit(() => {
        each(
          `INSERT INTO conversations (conversationID, lastTime, unread, preview) VALUES (?, ?, 0, ?)
             ON CONFLICT (conversationID) DO UPDATE SET lastTime = excluded.lastTime, preview = excluded.preview`,
          [[conversationID, newest.sentTime, JSON.stringify(newest.payload)]],
        );
        each(`INSERT INTO messages VALUES (?, ${conversation}, ?, ?, ?, ?, ?, ?)`, rows);
      });
    },

    list: () => all('SELECT * FROM conversations ORDER BY lastTime DESC', []),

    newest: (conversationID, count) =>
      all(`SELECT * FROM messages WHERE conversation = ${conversation} ORDER BY seq DESC LIMIT ?`, [
        conversationID,
        count,
      ])
        .reverse()
        .map((row) => ({ ...row, id: idOf(row), payload: JSON.parse(row.payload) })),

    count: (conversationID) =>
      all(`SELECT count(*) AS messages FROM messages WHERE conversation = ${conversation}`, [conversationID])[0]
        .messages,

    deleteConversation: (conversationID) => deleteConversations([conversationID]),

    deleteConversations,

    deleteOlder: (conversationID, before) =>
      commit(() => {
        each(`DELETE FROM messages WHERE conversation = ${conversation} AND sentTime < ?`, [[conversationID, before]]);
      }),

    deleteIds: (ids) => commit(() => each(deleteID, ids.map(bindID))),
  };
}
