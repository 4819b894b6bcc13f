package keyringtest

import (
	"context"

	"github.com/lethe-im/lethe/fault"
	"github.com/lethe-im/lethe/sdk/keyring"
)

// Fault says what goes wrong. Steps are: a Begin, each Read, Write and Flush, and a Destroy. A Begin that fails after it took
// effect has given the lock back. A torn Write leaves the first half of its bytes; a run of one slot is torn in its middle.
type Fault = fault.Fault

// Faults is a keyring file that fails where its Counter is told to. To count the steps of a database and its keyring
// together, give one injector the Counter of the other.
type Faults struct {
	*fault.Counter
	file keyring.File
}

// NewFaults wraps a file; nothing fails until Arm.
func NewFaults(file keyring.File) *Faults { return &Faults{&fault.Counter{}, file} }

// Begin implements keyring.File.
func (f *Faults) Begin(ctx context.Context, write bool) (keyring.Keys, error) {
	var keys keyring.Keys
	err := f.Around(func() (err error) { keys, err = f.file.Begin(ctx, write); return err })
	if err != nil {
		if keys != nil {
			keys.End()
		}
		return nil, err
	}
	return &faultyKeys{keys, f.Counter}, nil
}

// Close implements keyring.File.
func (f *Faults) Close() error { return f.file.Close() }

// Destroy implements keyring.File.
func (f *Faults) Destroy(ctx context.Context) error {
	return f.Around(func() error { return f.file.Destroy(ctx) })
}

type faultyKeys struct {
	keyring.Keys
	steps *fault.Counter
}

func (k *faultyKeys) Read(run keyring.Run) (slots []byte, err error) {
	err = k.steps.Around(func() error { slots, err = k.Keys.Read(run); return err })
	if err != nil {
		return nil, err
	}
	return slots, nil
}

func (k *faultyKeys) Write(run keyring.Run, slots []byte) error {
	return k.steps.Tear(func() error { return k.Keys.Write(run, slots) }, func() error {
		torn, err := k.Keys.Read(run)
		if err != nil {
			return err
		}
		copy(torn, slots[:len(slots)/2])
		return k.Keys.Write(run, torn)
	})
}

func (k *faultyKeys) Flush() error { return k.steps.Around(k.Keys.Flush) }
