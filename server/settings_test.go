package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// DESIGN §2's table.
func TestProfiles(t *testing.T) {
	require.Equal(t, map[string]server.Settings{
		"lethe": {CloudHistory: true, RetentionDays: 180, SyncDeletions: true, CompensationDays: 7,
			CompensationClearedByTime: true, RecallWindow: 120, RecallOwnOnly: true},
		"tencent":   {CloudHistory: true, RetentionDays: 7, CompensationClearedByTime: true, RecallWindow: 120, RecallOwnOnly: true},
		"rongcloud": {RetentionDays: 180},
	}, server.Profiles)
	for name, p := range server.Profiles {
		require.Equal(t, name, p.Profile())
		require.NoError(t, p.Check())
	}
	require.Empty(t, server.Settings{}.Profile())
}

func (w *world) put(path, body string) (int, map[string]any) {
	w.Helper()
	return w.call(http.MethodPut, path, admin(), body)
}

// set changes settings over HTTP.
func (w *world) set(body string) map[string]any {
	w.Helper()
	status, out := w.put("/v1/settings", body)
	require.Equal(w, http.StatusOK, status, "%v", out)
	return out
}

func TestHTTPSettings(t *testing.T) {
	w := newWorld(t)
	_, before := w.call(http.MethodGet, "/v1/settings", admin(), "")
	lethe := map[string]any{
		"profile": "lethe", "cloudHistory.enabled": true, "cloudHistory.retentionDays": 180.0, "sync.deletions": true,
		"compensation.days": 7.0, "compensation.clearedByTime": true, "recall.windowSeconds": 120.0, "recall.ownOnly": true,
		"room.cloudHistory": false,
	}
	require.Equal(t, lethe, before)
	out := w.set(`{"profile":"rongcloud","room.cloudHistory":true}`)
	require.Equal(t, map[string]any{
		"profile": "", "cloudHistory.enabled": false, "cloudHistory.retentionDays": 180.0, "sync.deletions": false,
		"compensation.days": 0.0, "compensation.clearedByTime": false, "recall.windowSeconds": 0.0, "recall.ownOnly": false,
		"room.cloudHistory": true,
	}, out)
	require.Equal(t, "rongcloud", w.set(`{"room.cloudHistory":false}`)["profile"], "what is not named stays")
	_, now := w.call(http.MethodGet, "/v1/settings", admin(), "")
	for name, body := range map[string]string{
		"unknown key":       `{"cloudhistory":true}`,
		"unknown profile":   `{"profile":"slack"}`,
		"bad type":          `{"sync.deletions":"yes"}`,
		"no days":           `{"cloudHistory.retentionDays":0}`,
		"negative days":     `{"compensation.days":-1}`,
		"too many days":     `{"compensation.days":36501}`,
		"half a day":        `{"compensation.days":0.5}`,
		"negative window":   `{"recall.windowSeconds":-1}`,
		"one good, one bad": `{"sync.deletions":true,"compensation.days":-1}`,
		"an array":          `[]`,
		"null":              `null`,
		"two":               `{} {}`,
		"nothing":           ``,
	} {
		status, out := w.put("/v1/settings", body)
		require.Equal(t, []any{http.StatusBadRequest, "PARAMETER_INVALID"}, []any{status, out["name"]}, name)
	}
	_, after := w.call(http.MethodGet, "/v1/settings", admin(), "")
	require.Equal(t, now, after, "a refused change changes nothing")
	status, _ := w.call(http.MethodGet, "/v1/settings", token("a", time.Hour), "")
	require.Equal(t, http.StatusForbidden, status)
	status, other := w.call(http.MethodGet, "/v1/settings", signed(otherKey, "other", "b", server.RoleAdmin, time.Hour), "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, lethe, other, "another app's are its own")
}

// A connection that is open takes a change with its next operation.
func TestSettingsOfARunningServer(t *testing.T) {
	w := newWorld(t)
	a := w.hello("a")
	ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", "x"))
	event[wire.Rows](a, wire.EventRows)
	remote := func() *wire.Delete {
		return &wire.Delete{OpID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeRemote, What: wire.WhatMessages, Anchor: 1, Ranges: wire.RangesOf(1)}
	}
	w.set(`{"cloudHistory.enabled":false}`)
	var ack wire.DeleteAck
	require.Equal(t, wire.StorageNotEnabled, try(a, wire.OpDelete, remote(), &ack))
	w.set(`{"cloudHistory.enabled":true,"sync.deletions":false}`)
	both := remote()
	both.Scope = wire.ScopeBoth
	ask[wire.DeleteAck](a, wire.OpDelete, both)
	for _, l := range event[wire.Rows](a, wire.EventRows).Ledgers {
		require.NotEqual(t, wire.SurfaceDevices, l.Surface)
	}
}

func TestWelcomeTellsNewDevicesAndSettings(t *testing.T) {
	w := newWorld(t)
	welcome := func(device string) (wire.Welcome, *client) {
		c := w.open()
		h := hello("a", token("a", time.Hour))
		h.DeviceID = device
		return ask[wire.Welcome](c, wire.OpHello, h), c
	}
	first, c := welcome("1")
	require.Equal(t, []any{true, uint16(7), false, true}, []any{first.New, first.CompensationDays, first.DeliveryOnly, first.SyncDeletions})
	ask[wire.SendAck](c, wire.OpSend, newSend("C2Cb", "x"))
	rows := ask[wire.Rows](c, wire.OpRows, &wire.RowsRequest{Epoch: first.Epoch})

	again, c := welcome("1")
	require.True(t, again.New, "it has not shown that it stored anything")
	ask[wire.Rows](c, wire.OpRows, &wire.RowsRequest{Epoch: first.Epoch, Since: rows.N})
	w.set(`{"profile":"rongcloud"}`)
	again, _ = welcome("1")
	require.Equal(t, []any{false, uint16(0), true, false}, []any{again.New, again.CompensationDays, again.DeliveryOnly, again.SyncDeletions})
	second, _ := welcome("2")
	require.True(t, second.New)
	none, _ := welcome("")
	require.False(t, none.New, "a device without a name is nobody")
	c = w.open()
	h := hello("a", token("a", time.Hour))
	h.DeviceID = "\x00"
	c.write(wire.OpHello, h)
	c.requireClosed(wire.CloseFrameInvalid)
}

func TestCompensationPages(t *testing.T) {
	w := newWorld(t)
	old := time.Now().Add(-10 * 24 * time.Hour).UnixMilli()
	_, _, _, err := w.store.Import(t.Context(), app, "b", "C2Ca", []wire.Message{
		{From: "b", Time: old, Type: wire.TypeText, Payload: text("old")},
		{From: "b", Time: time.Now().Add(-time.Hour).UnixMilli(), Type: wire.TypeText, Payload: text("new")},
	}, time.Now().UnixMilli())
	require.NoError(t, err)
	a := w.hello("a")
	page := func() wire.Page {
		return ask[wire.Page](a, wire.OpPage, &wire.PageRequest{ConversationID: "C2Cb", Limit: 10, Compensation: true})
	}
	require.Equal(t, 1, page().Batches[0].Held.Count())
	w.set(`{"compensation.days":11}`)
	require.Equal(t, 2, page().Batches[0].Held.Count())
	w.set(`{"compensation.days":0}`)
	p := page()
	require.Equal(t, []any{0, uint64(1), uint64(2), true}, []any{len(p.Batches), p.From, p.To, p.First})
}
