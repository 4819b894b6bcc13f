package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
)

func TestOptionsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*server.Options){
		"every origin":      func(o *server.Options) { o.Origins = []string{"chat.example.com", "*"} },
		"an origin":         func(o *server.Options) { o.Origins = []string{"[a"} },
		"a proxy":           func(o *server.Options) { o.Proxies = []string{"the proxy"} },
		"a negative rate":   func(o *server.Options) { o.Limits.Rate = -1 },
		"a negative number": func(o *server.Options) { o.Limits.PerUser = -1 },
	} {
		o := server.Options{Store: w.store, Apps: map[string]server.App{app: {Key: key}}}
		change(&o)
		_, err := server.New(o)
		require.Error(t, err, name)
	}
}
