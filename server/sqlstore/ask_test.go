package sqlstore

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// upTo asks for the numbers from 1 to n, each of which is told.
func upTo(n int, told func(int) error) question {
	return question{`WITH RECURSIVE k (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < CAST(? AS BIGINT)) SELECT n FROM k ORDER BY n`,
		[]any{n}, func(scan func(...any) error) error {
			var k int
			if err := scan(&k); err != nil {
				return err
			}
			return told(k)
		}}
}

// Questions are answered in order; one may have enough, and one that fails or is not liked ends all, with the transaction alone.
func TestQuestionsAreAnsweredInOrder(t *testing.T) {
	refused := errors.New("refused")
	broken := question{`SELECT no FROM such_table`, nil, nil}
	for name, s := range bothStores(t) {
		t.Run(name, func(t *testing.T) {
			var told, begun, ended []int
			tell := func(n int) error { told = append(told, n); return nil }
			ask := func(questions ...question) error {
				told, begun, ended = nil, nil, nil
				ctx := WatchStatements(t.Context(), func(string) func(error) {
					i := len(begun)
					begun = append(begun, i)
					return func(err error) {
						if err == nil {
							ended = append(ended, i)
						}
					}
				})
				return s.write(ctx, func(ctx context.Context, tx *transaction) error {
					if err := tx.exec(ctx, `UPDATE store SET checked = 7`); err != nil {
						return err
					}
					return tx.ask(ctx, questions...)
				})
			}
			require.NoError(t, ask())
			require.NoError(t, ask(upTo(2, tell), upTo(0, tell), upTo(3, func(n int) error {
				if n == 2 {
					return errEnough
				}
				return tell(10 * n)
			}), upTo(1, tell)))
			require.Equal(t, []int{1, 2, 1, 10, 1}, told, "the least is one number")
			require.Equal(t, []int{0, 1, 2, 3, 4}, begun)
			require.Equal(t, begun, ended)

			require.ErrorIs(t, ask(upTo(1, tell), upTo(1, func(int) error { return refused }), upTo(1, tell)), refused)
			require.Equal(t, []int{1}, told)
			require.Equal(t, []int{0, 1}, ended, "what wrote, and what was liked")
			require.ErrorContains(t, ask(upTo(1, tell), broken, upTo(1, tell)), "such_table")
			require.Contains(t, [][]int{nil, {1}}, told, "PostgreSQL looks at all before it answers any")
			require.NotContains(t, ended, 2)

			require.NoError(t, s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
				return tx.exec(ctx, `UPDATE store SET checked = checked + 1`)
			}), "the connection is not left in the middle")
		})
	}
}
