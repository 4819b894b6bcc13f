// Command backing runs what several nodes have in common, for the tests in JavaScript: a PostgreSQL of its own and a NATS server. It
// prints where they are, as JSON on one line, then obeys the lines it reads, answering each with one, until there are no more:
//
//	postgres kill, postgres start, nats stop, nats start
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/lethe-im/lethe/server/natsbus/natstest"
	"github.com/lethe-im/lethe/server/pgtest"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "backing:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	postgres, err := pgtest.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, postgres.Stop()) }()
	address, err := postgres.Database(ctx)
	if err != nil {
		return err
	}
	var nats natstest.Broker
	if err := nats.Launch(); err != nil {
		return err
	}
	defer nats.Stop()
	places := map[string]string{"postgres": address, "nats": "nats://" + nats.Address()}
	if err := json.NewEncoder(os.Stdout).Encode(places); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		err := errors.New("unknown: " + lines.Text())
		switch lines.Text() {
		case "postgres kill":
			postgres.Kill()
			err = nil
		case "postgres start":
			err = postgres.Launch()
		case "nats stop":
			nats.Stop()
			err = nil
		case "nats start":
			err = nats.Launch()
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Println("done"); err != nil {
			return err
		}
	}
	return nil
}
