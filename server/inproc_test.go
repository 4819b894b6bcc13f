package server_test

import (
	"testing"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/bustest"
)

func TestBus(t *testing.T) {
	bustest.Run(t, func(*testing.T) bustest.Nodes {
		b := server.NewBus()
		return bustest.Nodes{A: b, B: b}
	})
}
