package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/lethe-im/lethe/server"
)

// limitsFile is the file that --limits names. What it does not name has its default.
type limitsFile struct {
	Hello          wait    `json:"hello"`
	Idle           wait    `json:"idle"`
	Write          wait    `json:"write"`
	Close          wait    `json:"close"`
	Queue          int     `json:"queueBytes"`
	Rate           float64 `json:"operations.perSecond"`
	Burst          int     `json:"operations.burst"`
	PerDevice      int     `json:"connections.perDevice"`
	PerUser        int     `json:"connections.perUser"`
	PerAddress     int     `json:"connections.perAddress"`
	NewPerAddress  int     `json:"connections.newPerAddress"`
	HandshakeRate  float64 `json:"handshakes.perSecond"`
	HandshakeBurst int     `json:"handshakes.burst"`
	TokenLife      wait    `json:"token.life"`
	Revocations    wait    `json:"revocations"`
}

// wait is a time as Go writes it: "5s", "1m30s".
type wait time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *wait) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*w = wait(d)
	return err
}

// readLimits reads the file. An unknown name is a misspelt one, and a limit that is not set would go unnoticed.
func readLimits(path string) (server.Limits, error) {
	raw, err := os.ReadFile(path)
	var f limitsFile
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		err = d.Decode(&f)
	}
	if err != nil {
		return server.Limits{}, fmt.Errorf("limits in %s: %w", filepath.Base(path), err)
	}
	return server.Limits{
		Hello: time.Duration(f.Hello), Idle: time.Duration(f.Idle), Write: time.Duration(f.Write), Close: time.Duration(f.Close),
		Queue: f.Queue, Rate: f.Rate, Burst: f.Burst,
		PerDevice: f.PerDevice, PerUser: f.PerUser, PerAddress: f.PerAddress, NewPerAddress: f.NewPerAddress,
		HandshakeRate: f.HandshakeRate, HandshakeBurst: f.HandshakeBurst,
		TokenLife: time.Duration(f.TokenLife), Revocations: time.Duration(f.Revocations),
	}, nil
}
