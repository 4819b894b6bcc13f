package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// Settings are an app's switches (DESIGN §2's table). Each is read when an operation is accepted, so that a change counts
// from the next operation on, and replays nothing. Their names in JSON are those of files and of the HTTP API.
type Settings struct {
	// CloudHistory off: the server keeps a message only until the members' devices have it, at most DeliveryDays.
	CloudHistory bool `json:"cloudHistory.enabled"`
	// RetentionDays is after how many days a message leaves everybody's history and compensation.
	RetentionDays int `json:"cloudHistory.retentionDays"`
	// SyncDeletions: `both` joins the devices surface.
	SyncDeletions bool `json:"sync.deletions"`
	// CompensationDays is how many days back a new device is given messages; 0 = none.
	CompensationDays int `json:"compensation.days"`
	// CompensationClearedByTime: `remote` by time joins the compensation surface.
	CompensationClearedByTime bool `json:"compensation.clearedByTime"`
	// RecallWindow is for how many seconds after its sentTime a message may be recalled by users; 0 = without limit.
	RecallWindow int64 `json:"recall.windowSeconds"`
	// RecallOwnOnly: only the sender may recall, not any member.
	RecallOwnOnly bool `json:"recall.ownOnly"`
	// RoomCloudHistory: rooms keep their messages for those who join later.
	RoomCloudHistory bool `json:"room.cloudHistory"`
}

// The profiles: Lethe is an app's by default, the others have the vendors' defaults.
var (
	Lethe = Settings{
		CloudHistory: true, RetentionDays: 180, SyncDeletions: true, CompensationDays: 7, CompensationClearedByTime: true,
		RecallWindow: 120, RecallOwnOnly: true,
	}
	Tencent = Settings{
		CloudHistory: true, RetentionDays: 7, CompensationClearedByTime: true, RecallWindow: 120, RecallOwnOnly: true,
	}
	RongCloud = Settings{RetentionDays: 180}
)

// Profiles are the profiles by name.
var Profiles = map[string]Settings{"lethe": Lethe, "tencent": Tencent, "rongcloud": RongCloud}

// Profile is the name of the profile that has exactly these settings, empty if none has.
func (s Settings) Profile() string {
	for name, p := range Profiles {
		if p == s {
			return name
		}
	}
	return ""
}

// MaxDays bounds the settings that count days.
const MaxDays = 36_500

// DeliveryDays is the longest that a message waits for devices where cloud history is off, and for how long a device that
// was not seen is waited for.
const DeliveryDays = 7

// Check refuses values that make no sense. Errors: ParameterInvalid.
func (s Settings) Check() error {
	bad := func(name string, from, to int64) error {
		return wire.Errorf(wire.ParameterInvalid, "%s must be %d to %d", name, from, to)
	}
	switch {
	case s.RetentionDays < 1 || s.RetentionDays > MaxDays:
		return bad("cloudHistory.retentionDays", 1, MaxDays)
	case s.CompensationDays < 0 || s.CompensationDays > MaxDays:
		return bad("compensation.days", 0, MaxDays)
	case s.RecallWindow < 0 || s.RecallWindow > MaxDays*int64(24*time.Hour/time.Second):
		return bad("recall.windowSeconds", 0, MaxDays*int64(24*time.Hour/time.Second))
	}
	return nil
}

// Change applies JSON like {"profile": "tencent", "compensation.days": 3}: the profile first, if there is one, then the
// single settings. Nothing is changed where something is refused. Errors: ParameterInvalid (unknown names, bad values).
func (s *Settings) Change(raw []byte) error {
	var named struct {
		Profile *string `json:"profile"`
		*Settings
	}
	strict := func(into any) error {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		err := d.Decode(into)
		if err == nil {
			if _, err = d.Token(); errors.Is(err, io.EOF) {
				return nil
			}
			err = errors.New("more than one value")
		}
		return wire.Errorf(wire.ParameterInvalid, "settings: %v", err)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return wire.Errorf(wire.ParameterInvalid, "settings: not a JSON object")
	}
	var changed Settings
	named.Settings = &changed
	if err := strict(&named); err != nil {
		return err
	}
	changed = *s
	if named.Profile != nil {
		var ok bool
		if changed, ok = Profiles[*named.Profile]; !ok {
			return wire.Errorf(wire.ParameterInvalid, "settings: no profile %q", *named.Profile)
		}
	}
	if err := strict(&named); err != nil {
		return err
	}
	if err := changed.Check(); err != nil {
		return err
	}
	*s = changed
	return nil
}

// Expired is the time (ms) before which messages have expired: they leave history and compensation of everybody.
func (s Settings) Expired(now int64) int64 {
	days := s.RetentionDays
	if !s.CloudHistory {
		days = min(days, DeliveryDays)
	}
	return daysBefore(now, days)
}

// Compensated is the time (ms) from which on a new device is given messages.
func (s Settings) Compensated(now int64) int64 {
	if s.CompensationDays == 0 {
		return math.MaxInt64
	}
	return daysBefore(now, s.CompensationDays)
}

func daysBefore(now int64, days int) int64 {
	return now - int64(days)*(24*time.Hour).Milliseconds()
}

// settings are an app's settings now.
func (s *Server) settings(ctx context.Context, app string) (Settings, error) {
	set, ok, err := s.store.Settings(ctx, app)
	if err == nil && !ok {
		set = s.apps[app].Settings
	}
	return set, err
}

// ChangeSettings applies Settings.Change to what the app has now and keeps the result. Connections take it at once.
// Errors: ParameterInvalid.
func (s *Server) ChangeSettings(ctx context.Context, app string, raw []byte) (Settings, error) {
	known, ok := s.apps[app]
	if !ok {
		return Settings{}, wire.Errorf(wire.ParameterInvalid, "no app %q", app)
	}
	set, err := s.store.ChangeSettings(ctx, app, known.Settings, func(set *Settings) error { return set.Change(raw) })
	if err == nil {
		s.purgeSoon()
	}
	return set, err
}

// settings are those of the connection's app now.
func (c *connection) settings(ctx context.Context) (Settings, error) {
	return c.server.settings(ctx, c.who.App)
}

// viewer is who looks: where cloud history is off, at what waits for the device.
func (c *connection) viewer(set Settings) Who {
	who := c.who
	who.Waiting = !set.CloudHistory
	return who
}

type settingsReply struct {
	Profile string `json:"profile"` // empty where the settings are no profile's
	Settings
}

// getSettings answers with the app's settings.
func (s *Server) getSettings(r *http.Request, _ http.ResponseWriter, app string) (any, error) {
	set, err := s.settings(r.Context(), app)
	return settingsReply{set.Profile(), set}, err
}

// putSettings changes the settings that the body names.
func (s *Server) putSettings(r *http.Request, w http.ResponseWriter, app string) (any, error) {
	var raw json.RawMessage
	if err := readJSON(w, r, bodyLimit, &raw); err != nil {
		return nil, err
	}
	set, err := s.ChangeSettings(r.Context(), app, raw)
	if err == nil {
		note(r, "settings", string(encode(set)))
	}
	return settingsReply{set.Profile(), set}, err
}
