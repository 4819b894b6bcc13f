package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/lethe-im/lethe/server"
)

// settingsEvery is how often it is looked whether the file has changed.
const settingsEvery = time.Second

// settingsFile is the file that --settings names: {"profile": "tencent", …} for the app that is served, or {app: {…}}.
type settingsFile struct {
	path string
	app  string
	last []byte // what was read last, good or bad
}

// apply reads the file and, if it says something new, changes the app's settings. What it does not name stays.
func (f *settingsFile) apply(ctx context.Context, core *server.Server) (changed bool, err error) {
	raw, err := os.ReadFile(f.path)
	if err == nil && f.last != nil && bytes.Equal(raw, f.last) {
		return false, nil
	}
	f.last = append([]byte{}, raw...)
	var own json.RawMessage
	if err == nil {
		own, err = f.ownPart(raw)
	}
	if err == nil && own != nil {
		_, err = core.ChangeSettings(ctx, f.app, own)
	}
	if err != nil {
		return false, fmt.Errorf("settings in %s: %w", filepath.Base(f.path), err)
	}
	return true, nil
}

// checkSettings reads the file as serve does, and changes nothing.
func checkSettings(path, app string) error {
	raw, err := os.ReadFile(path)
	var own json.RawMessage
	if err == nil {
		own, err = (&settingsFile{path: path, app: app}).ownPart(raw)
	}
	if err == nil && own != nil {
		set := server.Lethe
		err = set.Change(own)
	}
	if err != nil {
		return fmt.Errorf("settings in %s: %w", filepath.Base(path), err)
	}
	return nil
}

// ownPart is what the file says of the app, nil if it says nothing of it.
func (f *settingsFile) ownPart(raw []byte) (json.RawMessage, error) {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, err
	}
	apps := 0
	for app, part := range parts {
		if !bytes.HasPrefix(part, []byte("{")) {
			continue
		}
		if apps++; app != f.app {
			return nil, fmt.Errorf("the app %q is not served here", app)
		}
	}
	switch apps {
	case 0:
		return raw, nil
	case len(parts):
		return parts[f.app], nil
	default:
		return nil, fmt.Errorf("settings and apps are mixed")
	}
}

// watch applies the file whenever it changes, until ctx ends. A bad file is logged, and the settings stay.
func (f *settingsFile) watch(ctx context.Context, core *server.Server, logger *slog.Logger) {
	tick := time.NewTicker(settingsEvery)
	defer tick.Stop()
	failed := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch changed, err := f.apply(ctx, core); {
		case err != nil && err.Error() != failed && ctx.Err() == nil:
			failed = err.Error()
			logger.Error("settings stay as they were", "err", err)
		case changed:
			failed = ""
			logger.Info("settings changed", "app", f.app, "file", filepath.Base(f.path))
		}
	}
}
