package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/lethe-im/lethe/cmd/lethe/load"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

const loadHelp = `lethe load --url URL opens connections to a server, each of a user of its own (load-0, load-1, …), lets some of them send and
delete, and prints how long acknowledgements took. In the end it asks the server for all that was acknowledged, and fails if
something is missing or was done twice. Connections that are lost come back as a device's do, and repeat what was not
acknowledged: so the server may be stopped and started meanwhile.

Tokens are signed with the server's key (--data, --key-file or the variable LETHE_KEY), or, without one, asked of a server
that runs with --dev. The users and their messages stay in the server's store: use one made for this. From another machine
the server's limits by address and by user hold: docs/load.md says which to raise.
`

// loading is what the options of load say.
type loading struct {
	o             load.Options
	data, keyFile string
	active        float64
	duration      time.Duration
	json          bool
}

func loadServer(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var l loading
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.StringVar(&l.o.URL, "url", "", "the server's `address`: http://HOST:PORT or https://HOST")
	f.StringVar(&l.data, "data", "", "sign tokens with the key in this `folder`, the server's")
	f.StringVar(&l.keyFile, "key-file", "", "sign tokens with the key in this `file`")
	f.StringVar(&l.o.App, "app", "lethe", "the `app` that is served")
	f.StringVar(&l.o.Prefix, "prefix", "load-", "users have this `name` and a number behind it")
	f.IntVar(&l.o.Sockets, "sockets", 1000, "open so many connections")
	f.Float64Var(&l.active, "active", 0.01, "this `part` of them sends and deletes, 0 to 1")
	f.Float64Var(&l.o.Rate, "rate", 10, "so many operations a second, of all together; 0: each active one's next follows the answer")
	f.Float64Var(&l.o.Deletes, "deletes", 0.5, "this `part` of the operations deletes, 0 to 1; the rest sends")
	f.IntVar(&l.o.History, "history", 0, "give each active user so many messages to delete beforehand")
	f.IntVar(&l.o.Payload, "payload", 100, "a message has so many `bytes` of text")
	f.DurationVar(&l.duration, "duration", 30*time.Second, "work so long")
	f.BoolVar(&l.json, "json", false, "print the report as JSON")
	if done, err := parse(f, args, stdout, stderr, loadHelp); done || err != nil {
		return err
	}
	address, err := url.Parse(l.o.URL)
	switch {
	case err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" || address.RawQuery != "" || address.Fragment != "":
		return usage(stderr, "load: --url is needed: http://HOST:PORT or https://HOST, not %q", l.o.URL)
	case !(l.active >= 0 && l.active <= 1):
		return usage(stderr, "load: --active is 0 to 1")
	case l.duration <= 0:
		return usage(stderr, "load: --duration must be positive")
	case wire.CheckIdentifier(l.o.App) != nil:
		return usage(stderr, "load: --app must be 1 to %d bytes", wire.MaxIdentifier)
	case len(l.o.Prefix) > wire.MaxIdentifier-20:
		return usage(stderr, "load: --prefix has at most %d bytes", wire.MaxIdentifier-20)
	}
	l.o.URL = strings.TrimSuffix(l.o.URL, "/")
	if l.o.Active = int(l.active * float64(l.o.Sockets)); l.o.Active == 0 && l.active > 0 && l.o.Sockets > 0 {
		l.o.Active = 1
	}
	if err := l.o.Check(); err != nil {
		return usage(stderr, "load: %v", err)
	}
	if l.o.Token, err = l.tokens(); err != nil {
		return err
	}
	return l.run(ctx, stdout)
}

// tokens signs tokens where a key is named, else asks the server for them.
func (l loading) tokens() (func(ctx context.Context, user, role string) (string, error), error) {
	if l.data == "" && l.keyFile == "" && os.Getenv(keyVariable) == "" {
		return l.devToken, nil
	}
	key, err := readKey(l.keyFile, l.data, false)
	return func(_ context.Context, user, role string) (string, error) {
		now := time.Now()
		return server.SignToken(key, l.o.App, user, role, now, now.Add(24*time.Hour))
	}, err
}

func (l loading) devToken(ctx context.Context, user, role string) (string, error) {
	query := url.Values{"user": {user}, "role": {role}, "app": {l.o.App}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.o.URL+"/v1/dev/token?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", fmt.Errorf("token: %w", errors.Unwrap(err)) // without the address, which has the user in it
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return "", errors.New("the server gives no tokens (it runs without --dev): name its key by --data, --key-file or " + keyVariable)
	default:
		return "", fmt.Errorf("token: HTTP %d", response.StatusCode)
	}
	var body struct{ Token string }
	err = json.NewDecoder(response.Body).Decode(&body)
	return body.Token, err
}

// run measures, prints, and checks.
func (l loading) run(ctx context.Context, stdout io.Writer) error {
	crowd, err := load.Gather(ctx, l.o)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	defer crowd.Leave()
	report, err := crowd.Work(ctx, l.duration)
	if err == nil {
		var checked load.Checked
		checked, err = crowd.Check(ctx)
		report.Checked = &checked
	}
	return errors.Join(l.print(stdout, report), err)
}

func (l loading) print(stdout io.Writer, report load.Report) error {
	if !l.json {
		return report.Table(stdout)
	}
	e := json.NewEncoder(stdout)
	e.SetIndent("", "  ")
	return e.Encode(report)
}
