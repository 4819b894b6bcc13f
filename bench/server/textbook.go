package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// textbook is what a chat that deletes for one user is usually made of: a row for each user and message, which a deletion
// removes. It is built lean, in its own favour: numbers for names, rows that carry nothing but their key, no answer kept for
// a repeated call, nobody told, unread messages not counted, and messages that nobody holds any more are left lying.
type textbook struct{ pool *pgxpool.Pool }

// textbookConnections is as many as a Lethe server opens.
const textbookConnections = 16

var textbookTables = []string{
	`CREATE TABLE conversations (id BIGINT PRIMARY KEY, head BIGINT NOT NULL)`,
	`CREATE TABLE members (conversation_id BIGINT, user_id BIGINT, PRIMARY KEY (conversation_id, user_id))`,
	`CREATE TABLE messages (conversation_id BIGINT, seq BIGINT, sender_id BIGINT NOT NULL, sent_at BIGINT NOT NULL, payload BYTEA NOT NULL,
		PRIMARY KEY (conversation_id, seq))`,
	`CREATE TABLE inbox (user_id BIGINT, conversation_id BIGINT, seq BIGINT, PRIMARY KEY (user_id, conversation_id, seq))`,
}

// openTextbook makes the tables in an empty database.
func openTextbook(ctx context.Context, address string) (*textbook, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	config.MaxConns = textbookConnections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	for _, table := range textbookTables {
		if _, err := pool.Exec(ctx, table); err != nil {
			pool.Close()
			return nil, err
		}
	}
	return &textbook{pool}, nil
}

// payloadBytes is what a message carries, here and in Lethe.
const payloadBytes = 100

// fill makes a conversation of users 0 to members - 1. Rows come to lie as they do when messages are sent one after the other:
// each message's for all of its readers together.
func (t *textbook) fill(ctx context.Context, conversation, members, messages int) error {
	for _, step := range []struct {
		query string
		args  []any
	}{
		{`INSERT INTO conversations VALUES ($1, $2)`, []any{conversation, messages}},
		{`INSERT INTO members SELECT $1, u FROM generate_series(0, $2::bigint - 1) u`, []any{conversation, members}},
		{`INSERT INTO messages SELECT $1, s, s % $2::bigint, 1000, decode(repeat('78', $4), 'hex') FROM generate_series(1, $3::bigint) s`,
			[]any{conversation, members, messages, payloadBytes}},
		{`INSERT INTO inbox SELECT u, $1, s FROM generate_series(1, $3::bigint) s, generate_series(0, $2::bigint - 1) u ORDER BY s, u`,
			[]any{conversation, members, messages}},
	} {
		if _, err := t.pool.Exec(ctx, step.query, step.args...); err != nil {
			return fmt.Errorf("textbook: %w", err)
		}
	}
	return nil
}

// filled tells PostgreSQL's planner what has been filled in.
func (t *textbook) filled(ctx context.Context) error {
	_, err := t.pool.Exec(ctx, `ANALYZE`)
	return err
}

// send appends a message and gives it to all members, in one statement.
func (t *textbook) send(ctx context.Context, m *measure, conversation, user int) error {
	return t.do(ctx, m, `WITH appended AS (UPDATE conversations SET head = head + 1 WHERE id = $1 RETURNING head),
		stored AS (INSERT INTO messages SELECT $1, head, $2, 1000, $3 FROM appended)
		INSERT INTO inbox SELECT m.user_id, $1, head FROM appended, members m WHERE m.conversation_id = $1`, conversation, user, payload())
}

// textbookDeleteOne removes one message, which is faster than a range of one.
const textbookDeleteOne = `DELETE FROM inbox WHERE user_id = $1 AND conversation_id = $2 AND seq = $3`

// delete removes a user's messages from first to last.
func (t *textbook) delete(ctx context.Context, m *measure, conversation, user, _, first, last int) error {
	if first == last {
		return t.do(ctx, m, textbookDeleteOne, user, conversation, first)
	}
	return t.do(ctx, m, `DELETE FROM inbox WHERE user_id = $1 AND conversation_id = $2 AND seq BETWEEN $3 AND $4`, user, conversation, first, last)
}

// deleteGroup removes a user's conversation.
func (t *textbook) deleteGroup(ctx context.Context, m *measure, conversation, user, _ int) error {
	return t.do(ctx, m, `DELETE FROM inbox WHERE user_id = $1 AND conversation_id = $2`, user, conversation)
}

// do runs a statement, which is prepared by the first time, in a transaction of its own.
func (t *textbook) do(ctx context.Context, m *measure, statement string, args ...any) error {
	return m.of(ctx, func() error {
		_, err := t.pool.Exec(ctx, statement, args...)
		return err
	})
}

// count is how many messages a user sees.
func (t *textbook) count(ctx context.Context, conversation, user int) (n int, err error) {
	err = t.pool.QueryRow(ctx, `SELECT count(*) FROM inbox WHERE user_id = $1 AND conversation_id = $2`, user, conversation).Scan(&n)
	return n, err
}

// settle frees what deletions have left. It returns when that is done.
func (t *textbook) settle(ctx context.Context, _ meter) (time.Time, error) {
	_, err := t.pool.Exec(ctx, `VACUUM inbox`)
	return time.Now(), err
}

func (t *textbook) close() { t.pool.Close() }
