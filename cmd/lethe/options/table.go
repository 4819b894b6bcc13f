// Package options is what `lethe serve` can be told, in one table: flags, environment variables and the keys of the
// configuration file are made of it, and so is the table in docs/ops.md.
package options

import "time"

//go:generate go run ./gen

// Options are the values of all options.
type Options struct {
	Config string

	Addr, Data, Store, KeyFile, App, Settings, Limits, Web, CSP, Origins, Proxies string
	Bus                                                                           string
	Dev, Demo                                                                     bool

	Admin     string
	DrainWait time.Duration
	Log       string
	LogFormat string
	Trace     string
	TraceRate string
}

// Option is one row of the table. Its environment variable is LETHE_ with the flag in capitals and _ for -; its key in the
// file is the flag's name.
type Option struct {
	Flag  string
	Unit  string                // what a value is, for people
	Value string                // the default
	Doc   string                // `lethe serve -h` and docs/ops.md say it
	In    func(o *Options) any  // *string, *bool or *time.Duration
	List  bool                  // the file may have a list of strings: with commas between, elsewhere
	Check func(v string) string // what is wrong with a value, or nothing
}

// Table is all options, in the order in which they are told.
var Table = []Option{
	{Flag: "config", Unit: "file", Doc: "read options from this JSON file: its keys are the flags' names",
		In: func(o *Options) any { return &o.Config }},
	{Flag: "addr", Unit: "host:port", Value: "127.0.0.1:8080", Doc: "listen on this address; port 0 takes a free one",
		In: func(o *Options) any { return &o.Addr }},
	{Flag: "data", Unit: "folder", Doc: "keep everything in this folder; it is made if it is missing",
		In: func(o *Options) any { return &o.Data }},
	{Flag: "store", Unit: "address", Doc: "keep everything in this PostgreSQL database instead, postgres://user@host/database: several servers may share it. Better in the environment or the file, where other users of the machine do not read its password; PGPASSWORD and ~/.pgpass are taken too",
		In: func(o *Options) any { return &o.Store }},
	{Flag: "key-file", Unit: "file", Doc: "read the key that signs tokens from this file",
		In: func(o *Options) any { return &o.KeyFile }},
	{Flag: "app", Unit: "app", Value: "lethe", Doc: "the app that is served",
		In: func(o *Options) any { return &o.App }},
	{Flag: "bus", Unit: "URL", Doc: "be a node among several: tell the others of what happens here over NATS at this address, nats://host:4222; with a password better in LETHE_BUS",
		In: func(o *Options) any { return &o.Bus }},
	{Flag: "settings", Unit: "file", Doc: "take the app's settings from this JSON file, again whenever it changes",
		In: func(o *Options) any { return &o.Settings }},
	{Flag: "limits", Unit: "file", Doc: "take limits on connections, rates and times from this JSON file; docs/server.md lists them",
		In: func(o *Options) any { return &o.Limits }},
	{Flag: "web", Unit: "folder", Doc: "serve index.html and dist/ of this folder at /",
		In: func(o *Options) any { return &o.Web }},
	{Flag: "csp", Unit: "policy", Doc: "send this Content-Security-Policy with --web instead of the strict one; none sends none",
		In: func(o *Options) any { return &o.CSP }},
	{Flag: "origins", Unit: "hosts", List: true, Doc: "let pages of these other hosts connect: patterns with commas between",
		In: func(o *Options) any { return &o.Origins }},
	{Flag: "proxies", Unit: "addresses", List: true, Doc: "take X-Forwarded-For from reverse proxies at these addresses or networks: with commas between",
		In: func(o *Options) any { return &o.Proxies }},
	{Flag: "admin", Unit: "host:port", Doc: "serve /metrics, /healthz, /readyz and /debug/pprof/ on this address, for operators only: nobody is asked who they are",
		In: func(o *Options) any { return &o.Admin }},
	{Flag: "drain-wait", Unit: "time", Value: "0s", Doc: "after SIGTERM, stay so long with /readyz false before connections are closed: until balancers send nobody here any more",
		In: func(o *Options) any { return &o.DrainWait }},
	{Flag: "log", Unit: "level", Value: "info", Check: oneOf("debug", "info", "warn", "error"), Doc: "log from this level on: debug, info, warn or error",
		In: func(o *Options) any { return &o.Log }},
	{Flag: "log-format", Unit: "format", Value: "text", Check: oneOf("text", "json"), Doc: "text or json",
		In: func(o *Options) any { return &o.LogFormat }},
	{Flag: "trace", Unit: "URL", Doc: "send traces to the OpenTelemetry collector at this address (OTLP over HTTP), as OTEL_EXPORTER_OTLP_ENDPOINT does; clients must ask for them, too",
		In: func(o *Options) any { return &o.Trace }},
	{Flag: "trace-rate", Unit: "share", Value: "1", Check: share, Doc: "trace this share of the calls that clients ask to be traced: 0 to 1",
		In: func(o *Options) any { return &o.TraceRate }},
	{Flag: "dev", Doc: "give anyone a token at /v1/dev/token?user=U: for development only",
		In: func(o *Options) any { return &o.Dev }},
	{Flag: "demo", Doc: "fill an empty store with invented chats of userA and userB; needs --dev",
		In: func(o *Options) any { return &o.Demo }},
}
