package oneclose

import (
	"testing"

	"github.com/lethe-im/lethe/e2e/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
