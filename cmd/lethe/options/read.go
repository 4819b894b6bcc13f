package options

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Variable is the environment variable of an option.
func (o *Option) Variable() string {
	return "LETHE_" + strings.ToUpper(strings.ReplaceAll(o.Flag, "-", "_"))
}

// Variables are those of the environment that are no option's, and what they hold. All of them are secrets: they are never
// logged, and no flag or file has them.
var Variables = map[string]string{
	"LETHE_KEY": "the key that signs tokens, where --key-file does not name a file",
}

// Flags makes the flags of the table, which write into o.
func Flags(f *flag.FlagSet, o *Options) {
	for i := range Table {
		x := &Table[i]
		usage := x.Doc
		if x.Unit != "" {
			usage = "`" + x.Unit + "`: " + x.Doc
		}
		switch p := x.In(o).(type) {
		case *bool:
			f.BoolVar(p, x.Flag, false, usage)
		case *time.Duration:
			d, err := time.ParseDuration(x.Value)
			if err != nil {
				panic(err) // the table is wrong
			}
			f.DurationVar(p, x.Flag, d, usage)
		case *string:
			f.StringVar(p, x.Flag, x.Value, usage)
		}
	}
}

// Finish reads what the flags that f has parsed leave to the environment and the file, and checks all values. environment is
// as os.Environ gives it. unknown are its variables that look like options and are none.
func Finish(f *flag.FlagSet, o *Options, environment []string) (unknown []string, err error) {
	given := map[string]bool{}
	f.Visit(func(x *flag.Flag) { given[x.Name] = true })
	variables, unknown := lethe(environment)
	set := func(x *Option, value, where string) error {
		given[x.Flag] = true
		if err := f.Set(x.Flag, value); err != nil {
			return fmt.Errorf("%s: %q is no %s", where, value, kind(x, o))
		}
		return nil
	}
	for i := range Table {
		x := &Table[i]
		value, ok := variables[x.Variable()]
		if ok && value != "" && !given[x.Flag] {
			if err := set(x, value, x.Variable()); err != nil {
				return nil, err
			}
		}
	}
	if o.Config != "" {
		values, err := readFile(o.Config)
		if err != nil {
			return nil, fmt.Errorf("configuration in %s: %w", filepath.Base(o.Config), err)
		}
		for i := range Table {
			x := &Table[i]
			if value, ok := values[x.Flag]; ok && !given[x.Flag] {
				if err := set(x, value, "configuration in "+filepath.Base(o.Config)+": "+x.Flag); err != nil {
					return nil, err
				}
			}
		}
	}
	for i := range Table {
		x := &Table[i]
		if p, ok := x.In(o).(*string); ok && x.Check != nil {
			if wrong := x.Check(*p); wrong != "" {
				return nil, fmt.Errorf("--%s: %s", x.Flag, wrong)
			}
		}
	}
	return unknown, nil
}

func kind(x *Option, o *Options) string {
	switch x.In(o).(type) {
	case *bool:
		return "true or false"
	case *time.Duration:
		return `time such as "1m30s"`
	default:
		return x.Unit
	}
}

// lethe picks the variables that begin with LETHE_.
func lethe(environment []string) (found map[string]string, unknown []string) {
	found = map[string]string{}
	for _, e := range environment {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "LETHE_") {
			continue
		}
		found[name] = value
		if _, ok := Variables[name]; !ok && !slices.ContainsFunc(Table, func(x Option) bool { return x.Variable() == name }) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return found, unknown
}

// readFile reads a JSON object of options. An unknown key is a misspelt one, and would go unnoticed.
func readFile(path string) (map[string]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&fields); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names) // so that of two mistakes always the same one is told
	values := map[string]string{}
	for _, name := range names {
		i := slices.IndexFunc(Table, func(x Option) bool { return x.Flag == name })
		if i < 0 || name == "config" {
			return nil, fmt.Errorf("unknown key %q; lethe serve -h lists them", name)
		}
		if values[name], err = text(&Table[i], fields[name]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// text is a value of the file as a flag would have it.
func text(x *Option, value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			part, ok := v[i].(string)
			if !ok || !x.List {
				return "", fmt.Errorf("%s: not a value of this option", x.Flag)
			}
			parts[i] = part
		}
		return strings.Join(parts, ","), nil
	default:
		return "", fmt.Errorf("%s: not a value of this option", x.Flag)
	}
}

func oneOf(values ...string) func(string) string {
	return func(v string) string {
		if slices.Contains(values, v) {
			return ""
		}
		return fmt.Sprintf("%q is none of %s", v, strings.Join(values, ", "))
	}
}

func share(v string) string {
	if f, err := strconv.ParseFloat(v, 64); err != nil || f < 0 || f > 1 {
		return fmt.Sprintf("%q is no number from 0 to 1", v)
	}
	return ""
}

// Markdown is the table for docs/ops.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| flag | environment | key in the file | value | default | what it does |\n|---|---|---|---|---|---|\n")
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	for i := range Table {
		x := &Table[i]
		key, unit, value := "`"+x.Flag+"`", x.Unit, "none"
		if x.Flag == "config" {
			key = ""
		}
		if _, ok := x.In(&Options{}).(*bool); ok {
			unit, value = "true, false", "false"
		}
		if x.Value != "" {
			value = "`" + x.Value + "`"
		}
		fmt.Fprintf(&b, "| `--%s` | `%s` | %s | %s | %s | %s |\n", x.Flag, x.Variable(), key, unit, value, cell(x.Doc))
	}
	names := make([]string, 0, len(Variables))
	for name := range Variables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "| | `%s` | | secret | none | %s |\n", name, cell(Variables[name]))
	}
	return b.String()
}
