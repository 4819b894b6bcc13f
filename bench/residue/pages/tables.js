// The tables and the deletions of both SQLites. Each hands in how it runs a statement: run(sql, values) → rows as arrays.
import { listOf, rowsOf } from './answer.js';

const PREVIEW = `UPDATE conversations SET preview = coalesce((SELECT text FROM messages m
  WHERE m.conversationID = conversations.conversationID ORDER BY time DESC LIMIT 1), '')`;

export function create(run) {
  run(
    'CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, conversationID TEXT, sender TEXT, time INTEGER, text TEXT)',
  );
  run('CREATE INDEX IF NOT EXISTS byTime ON messages (conversationID, time)');
  run(
    'CREATE TABLE IF NOT EXISTS conversations (conversationID TEXT PRIMARY KEY, name TEXT, draft TEXT, preview TEXT)',
  );
}

export function fill(run, planted) {
  run('BEGIN');
  for (const { id, conversationID, from, time, text } of rowsOf(planted)) {
    run('INSERT INTO messages VALUES (?, ?, ?, ?, ?)', [id, conversationID, from, time, text]);
  }
  for (const { conversationID, name, draft, preview } of listOf(planted)) {
    run('INSERT INTO conversations VALUES (?, ?, ?, ?)', [conversationID, name, draft, preview]);
  }
  run('COMMIT');
}

export function remove(run, { conversations, cleared, ids, older }) {
  run('BEGIN');
  for (const id of [...conversations, ...cleared]) {
    run('DELETE FROM messages WHERE conversationID = ?', [id]);
  }
  for (const id of conversations) {
    run('DELETE FROM conversations WHERE conversationID = ?', [id]);
  }
  run('DELETE FROM messages WHERE conversationID = ? AND time < ?', [older.conversationID, older.before]);
  for (const id of ids) {
    run('DELETE FROM messages WHERE id = ?', [id]);
  }
  run(PREVIEW);
  run('COMMIT');
}

export function texts(run) {
  return run('SELECT text FROM messages').map(([text]) => text);
}
