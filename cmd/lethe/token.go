package main

import (
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

const tokenHelp = `lethe token --data DIR --user U prints a token with which user U can log in.
With --role admin the token also opens the HTTP API under /v1, so keep it on your servers.
`

func token(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("token", flag.ContinueOnError)
	data := f.String("data", "", "the server's data `folder`, where its key is")
	keyFile := f.String("key-file", "", "read the key from this `file` instead")
	app := f.String("app", "lethe", "the `app` that the token is for")
	user := f.String("user", "", "the `user` that the token is for")
	role := f.String("role", "", "admin, or empty for a user")
	ttl := f.Duration("ttl", 24*time.Hour, "how long the token is valid")
	if done, err := parse(f, args, stdout, stderr, tokenHelp); done || err != nil {
		return err
	}
	switch {
	case wire.CheckIdentifier(*user) != nil:
		return usage(stderr, "token: --user must be 1 to %d bytes", wire.MaxIdentifier)
	case wire.CheckIdentifier(*app) != nil:
		return usage(stderr, "token: --app must be 1 to %d bytes", wire.MaxIdentifier)
	case *role != "" && *role != server.RoleAdmin:
		return usage(stderr, "token: --role is %s or empty, not %q", server.RoleAdmin, *role)
	case *ttl <= 0:
		return usage(stderr, "token: --ttl must be positive")
	case *data == "" && *keyFile == "":
		return usage(stderr, "token: --data is needed")
	}
	key, err := readKey(*keyFile, *data, false)
	if err != nil {
		return err
	}
	now := time.Now()
	signed, err := server.SignToken(key, *app, *user, *role, now, now.Add(*ttl))
	if err == nil {
		_, err = fmt.Fprintln(stdout, signed)
	}
	return err
}
