package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/lethe-im/lethe/cmd/lethe/options"
)

const doctorHelp = `lethe doctor takes the options of lethe serve and looks at what they say, at the machine and at the store. It changes nothing
and may be run beside the server. Each line is OK, WARN or FAIL, with what to do; it exits with 1 if anything FAILs.
`

// The levels of findings.
const (
	levelOK   = "OK"
	levelWarn = "WARN"
	levelFail = "FAIL"
)

// finding is one thing that was looked at.
type finding struct {
	Level string `json:"level"`
	Check string `json:"check"` // a name that does not change
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"` // what helps
}

// report is what the doctor says.
type report []finding

func (r *report) ok(check, format string, args ...any) {
	*r = append(*r, finding{Level: levelOK, Check: check, Text: fmt.Sprintf(format, args...)})
}

func (r *report) warn(check, do, format string, args ...any) {
	*r = append(*r, finding{Level: levelWarn, Check: check, Text: fmt.Sprintf(format, args...), Do: do})
}

func (r *report) fail(check, do, format string, args ...any) {
	*r = append(*r, finding{Level: levelFail, Check: check, Text: fmt.Sprintf(format, args...), Do: do})
}

// failed tells whether anything is wrong.
func (r report) failed() bool {
	for _, f := range r {
		if f.Level == levelFail {
			return true
		}
	}
	return false
}

// print writes a line a finding, or JSON.
func (r report) print(to io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(to)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	for _, f := range r {
		do := ""
		if f.Do != "" {
			do = ": " + f.Do
		}
		if _, err := fmt.Fprintf(to, "%-4s %-12s %s%s\n", f.Level, f.Check, f.Text, do); err != nil {
			return err
		}
	}
	return nil
}

// errUnwell is the doctor's: something FAILs, and has been printed.
var errUnwell = errors.New("unwell")

func doctor(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o serving
	var asJSON bool
	done, unknown, err := configure("doctor", &o.Options, args, stdout, stderr, doctorHelp, func(f *flag.FlagSet) {
		f.BoolVar(&asJSON, "json", false, "print the findings as JSON")
	})
	if done || errors.Is(err, errUsage) {
		return err
	}
	var r report
	if err != nil {
		r.fail("options", "lethe serve would not start; docs/ops.md lists the options", "%v", err)
	} else {
		examine(ctx, &o, unknown, thisMachine, &r)
	}
	if err := r.print(stdout, asJSON); err != nil {
		return err
	}
	if r.failed() {
		return errUnwell
	}
	return nil
}

// examine looks at everything.
func examine(ctx context.Context, o *serving, unknown []string, m machine, r *report) {
	if len(unknown) == 0 {
		r.ok("options", "%d options are known", len(options.Table))
	}
	for _, name := range unknown {
		r.warn("options", "unset it, or look for the right name in docs/ops.md", "%s is no option", name)
	}
	checkFiles(o, r)
	checkNetwork(o, r)
	checkLimits(m, r)
	checkPeers(ctx, o, r)
	folder := checkFolder(o, m, r)
	if folder || o.Store != "" {
		checkKeyFile(o, r)
	}
	switch {
	case o.Store != "":
		checkPostgres(ctx, o, m, r)
	case folder:
		checkStore(ctx, o, m, r)
	}
}
