package wire

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// schema writes down the shape of everything that travels.
func schema() string {
	types := map[string]string{}
	var describe func(t reflect.Type) string
	describe = func(t reflect.Type) string {
		switch t.Kind() {
		case reflect.Pointer:
			return "*" + describe(t.Elem())
		case reflect.Slice:
			return "[]" + describe(t.Elem())
		case reflect.Array:
			return fmt.Sprintf("[%d]%s", t.Len(), describe(t.Elem()))
		case reflect.Struct:
			if _, done := types[t.Name()]; !done {
				types[t.Name()] = ""
				var fields []string
				for i := 0; i < t.NumField(); i++ {
					f := t.Field(i)
					tag, _, _ := strings.Cut(f.Tag.Get("msg"), ",limit=") // what a decoder takes at most is no shape
					fields = append(fields, fmt.Sprintf("\t%s %s %s", tag, f.Name, describe(f.Type)))
				}
				types[t.Name()] = strings.Join(fields, "\n")
			}
			return t.Name()
		default:
			return t.Kind().String()
		}
	}
	var lines []string
	describe(reflect.TypeOf(Frame{}))
	for _, x := range travelling {
		lines = append(lines, x.name+" "+describe(reflect.TypeOf(x.body)))
	}
	for name, fields := range types {
		lines = append(lines, name+"\n"+fields)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n") + "\n"
}

func schemaFile(version uint8) string {
	return filepath.Join("testdata", fmt.Sprintf("schema-v%d.txt", version))
}

// A change of a frame type without a new Version fails here. With UPDATE=1 it writes the schema of a version that has none
// yet; it never rewrites one, since what has been spoken stays spoken.
func TestVersionCoversEveryType(t *testing.T) {
	file := schemaFile(Version)
	want, err := os.ReadFile(file)
	if os.IsNotExist(err) && os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(file, []byte(schema()), 0o644))
		return
	}
	require.NoError(t, err, "no schema for version %d: run with UPDATE=1 and commit it", Version)
	require.Equal(t, string(want), schema(), "a frame type has changed: raise Version, then run with UPDATE=1")
}

func TestEveryTypeThatTravelsIsListed(t *testing.T) {
	listed := map[string]bool{"Frame": true}
	for _, x := range travelling {
		listed[reflect.TypeOf(x.body).Elem().Name()] = true
	}
	for _, name := range []string{"Hello", "Welcome", "Ping", "Pong", "RowsRequest", "Rows", "HeadsRequest", "Heads", "PageRequest", "Page",
		"Send", "SendAck", "Cancel", "CancelAck", "Delete", "DeleteAck", "Read", "ReadAck", "CountRequest", "Count", "MessagesEvent", "Recall", "Recalled", "RecallsRequest", "Recalls", "RecallsEvent", "Join", "JoinAck", "Leave", "LeaveAck",
		"ClosedEvent", "Have", "HaveAck"} {
		require.True(t, listed[name], name)
	}
}

// Every example fills every field, or the golden frames would not show a changed one.
func TestExamplesFillEveryField(t *testing.T) {
	for _, x := range travelling {
		v := reflect.ValueOf(x.body).Elem()
		for i := 0; i < v.NumField(); i++ {
			require.False(t, v.Field(i).IsZero(), "%s: %s", x.name, v.Type().Field(i).Name)
		}
	}
}
