package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/lethe-im/lethe/server"
)

// importHistory gives each active user messages to delete, before anybody is connected.
func (c *Crowd) importHistory(ctx context.Context) error {
	if c.o.History == 0 || c.o.Active == 0 {
		return nil
	}
	token, err := c.o.Token(ctx, c.o.Prefix+"backend", server.RoleAdmin)
	if err != nil {
		return err
	}
	users := make([]int, c.o.Active)
	for i := range users {
		users[i] = c.activeAt(i)
	}
	return together(ctx, users, func(ctx context.Context, at int) error {
		if at%2 == 1 { // its partner is active too and has been given them
			return nil
		}
		for left := c.o.History; left > 0; left -= server.MaxImport {
			if err := c.importTo(ctx, token, at, min(left, server.MaxImport)); err != nil {
				return fmt.Errorf("import history: %w", err)
			}
		}
		return nil
	})
}

// importTo appends messages of the user's partner.
func (c *Crowd) importTo(ctx context.Context, token string, at, n int) error {
	type message struct {
		From    string         `json:"from"`
		Time    int64          `json:"time"`
		Payload map[string]any `json:"payload"`
	}
	m := message{c.user(at ^ 1), time.Now().UnixMilli(), map[string]any{"text": strings.Repeat("x", c.o.Payload)}}
	messages := make([]message, n)
	for i := range messages {
		messages[i] = m
	}
	body, err := json.Marshal(map[string]any{"as": c.user(at), "conversationID": "C2C" + c.user(at^1), "messages": messages})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.URL+"/v1/import", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	return answered(c.client.Do(r))
}

// answered reads an answer to its end. Errors: a status other than 200, with what the server says.
func answered(response *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("HTTP %d: %s", response.StatusCode, bytes.TrimSpace(text))
	}
	return err
}
