//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Variable is the variable of the environment that names a point and how many passings it takes: "commit:7".
const Variable = "LETHE_FAILPOINT"

var (
	point, passings = parse(os.Getenv(Variable))
	passed          atomic.Int64
)

func parse(value string) (Point, int64) {
	if value == "" {
		return "", 0
	}
	name, count, _ := strings.Cut(value, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "%s=%q is no point:number\n", Variable, value)
		os.Exit(2)
	}
	return Point(name), n
}

// Pass kills the process at the passing that is asked for. Nothing is tidied up: no signal handler, no deferred call runs.
func Pass(p Point) {
	if p != point || passed.Add(1) != passings {
		return
	}
	fmt.Fprintf(os.Stderr, "failpoint %s:%d\n", p, passings)
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic(err)
	}
	select {} // it is delivered before long
}
