package keyringtest

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
)

// replace is a piece of work of four steps: begin, Read, Write, Flush.
func replace(file keyring.File, with byte) error {
	keys, err := file.Begin(background, true)
	if err != nil {
		return err
	}
	defer keys.End()
	if _, err := keys.Read(keyring.Run{From: 0, N: 1}); err != nil {
		return err
	}
	if err := keys.Write(keyring.Run{From: 0, N: 2}, filled(2, with)); err != nil {
		return err
	}
	return keys.Flush()
}

func prepared(t *testing.T) (*keyring.Memory, *Faults) {
	memory := keyring.NewMemory()
	require.NoError(t, replace(memory, 1))
	return memory, NewFaults(memory)
}

func TestFaultsPassThroughAndCount(t *testing.T) {
	fresh := func(*testing.T) func() keyring.File {
		memory := keyring.NewMemory()
		return func() keyring.File { return NewFaults(memory.Reopen()) }
	}
	Contract(t, fresh)
	Shared(t, fresh)
	memory, faults := prepared(t)
	require.NoError(t, replace(faults, 2))
	require.Equal(t, 4, faults.Steps())
	require.False(t, faults.Bit())
	require.Equal(t, filled(2, 2), memory.Bytes())
}

func TestFaultAtEveryStep(t *testing.T) {
	const steps = 4
	before, written := filled(2, 1), filled(2, 2)
	for step := 1; step <= steps; step++ {
		for _, after := range []bool{false, true} {
			memory, faults := prepared(t)
			faults.Arm(Fault{Step: step, Err: keyring.ErrLost, After: after})
			require.ErrorIs(t, replace(faults, 2), keyring.ErrLost)
			require.True(t, faults.Bit())
			require.Equal(t, step, faults.Steps(), "nothing runs behind a failed step")
			seen, disk := before, before
			if step == 4 || step == 3 && after {
				seen = written
			}
			if step == 4 && after {
				disk = written
			}
			require.Equal(t, seen, memory.Bytes(), "step %d after %v", step, after)
			memory.Cut()
			require.Equal(t, disk, memory.Bytes(), "step %d after %v, power cut", step, after)
			require.NoError(t, replace(faults, 3), "a fault strikes once, and leaves no lock behind")
		}
	}
	_, faults := prepared(t)
	faults.Arm(Fault{Step: steps + 1, Err: keyring.ErrLost})
	require.NoError(t, replace(faults, 2))
	require.False(t, faults.Bit())
}

func TestTornWrite(t *testing.T) {
	memory, faults := prepared(t)
	faults.Arm(Fault{Step: 3, Err: keyring.ErrFull, Torn: true})
	require.ErrorIs(t, replace(faults, 2), keyring.ErrFull)
	require.Equal(t, append(filled(1, 2), filled(1, 1)...), memory.Bytes())

	faults.Arm(Fault{Step: 2, Err: keyring.ErrFull, Torn: true})
	keys, err := faults.Begin(background, true)
	require.NoError(t, err)
	require.ErrorIs(t, keys.Write(keyring.Run{From: 1, N: 1}, filled(1, 3)), keyring.ErrFull)
	keys.End()
	require.Equal(t, append(bytes.Repeat([]byte{3}, 16), bytes.Repeat([]byte{1}, 16)...), memory.Bytes()[32:], "in a slot's middle")

	for _, whole := range []int{1, 2, 4} { // what cannot be torn fails before it takes effect
		memory, faults := prepared(t)
		faults.Arm(Fault{Step: whole, Err: keyring.ErrFull, Torn: true})
		require.ErrorIs(t, replace(faults, 2), keyring.ErrFull)
		memory.Cut()
		require.Equal(t, filled(2, 1), memory.Bytes())
	}
}

func TestFaultThatStays(t *testing.T) {
	_, faults := prepared(t)
	faults.Arm(Fault{Step: 2, Err: keyring.ErrLost, Stays: true})
	for range 3 {
		require.ErrorIs(t, replace(faults, 2), keyring.ErrLost)
	}
	require.ErrorIs(t, faults.Destroy(background), keyring.ErrLost)
	faults.Arm(Fault{})
	require.NoError(t, replace(faults, 2))
	require.NoError(t, faults.Destroy(background))
	require.ErrorIs(t, replace(faults, 2), keyring.ErrClosed)
}

// TestOneCounter: one step number runs through a database and its keyring.
func TestOneCounter(t *testing.T) {
	const steps = 8 // begin, Read, begin, Put, Write, Flush, commit, Destroy
	for step := 1; step <= steps+1; step++ {
		database, ring := kvtest.NewFaults(kv.NewMemory(kvtest.Tables...)), NewFaults(keyring.NewMemory())
		ring.Counter = database.Counter
		ring.Arm(Fault{Step: step, Err: errMine})
		err := sealed(database, ring)
		require.Equal(t, step <= steps, database.Bit())
		require.Equal(t, min(step, steps), database.Steps())
		if step <= steps {
			require.ErrorIs(t, err, errMine)
		} else {
			require.NoError(t, err)
		}
	}
}

// sealed writes a record and its key, and destroys the keyring.
func sealed(database kv.Store, ring keyring.File) error {
	keys, err := ring.Begin(background, true)
	if err != nil {
		return err
	}
	defer keys.End()
	if _, err := keys.Read(keyring.Run{From: 0, N: 1}); err != nil {
		return err
	}
	err = database.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
		if err := tx.Put(kvtest.A, 1, nil); err != nil {
			return err
		}
		if err := keys.Write(keyring.Run{From: 0, N: 1}, filled(1, 1)); err != nil {
			return err
		}
		return keys.Flush()
	})
	if err != nil {
		return err
	}
	keys.End()
	return ring.Destroy(context.Background())
}
