package main

import (
	"testing"

	"github.com/lethe-im/lethe/e2e/leak"
	"github.com/lethe-im/lethe/server/pgtest"
)

func TestMain(m *testing.M) { leak.Main(m, pgtest.StopShared) }
