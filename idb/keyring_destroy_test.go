//go:build js && wasm

package idb

import (
	"context"
	"syscall/js"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
)

func TestKeyringDestroyRemovesTheFile(t *testing.T) {
	inBothModes(t, func(t *testing.T, one, other *ring) {
		held, err := content(t, one)
		require.NoError(t, err)
		require.Len(t, held, 8*keyring.SlotSize)
		started := time.Now()
		require.NoError(t, other.Destroy(background))
		require.Less(t, time.Since(started), blockedPatience, "the other tab has let go")
		_, err = content(t, one)
		require.ErrorContains(t, err, "NotFoundError")
		_, err = one.Begin(background, false)
		require.ErrorIs(t, err, keyring.ErrLost)
		require.NoError(t, one.Close())
		_, err = one.Begin(background, false)
		require.ErrorIs(t, err, keyring.ErrClosed)
	})
}

// TestKeyringDestroyOverwritesFirst: what a tab that does not let go keeps from being removed holds nothing any more.
func TestKeyringDestroyOverwritesFirst(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, one, other *ring) {
		zeros := func() {
			held, err := content(t, one)
			require.NoError(t, err)
			require.Equal(t, make([]byte, 8*keyring.SlotSize), held)
		}
		release, err := Tabs{}.Hold(background, one.openLock())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(background, 200*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, one.Destroy(ctx), context.DeadlineExceeded)
		zeros()
		if one.shared {
			require.ErrorIs(t, one.Destroy(background), keyring.ErrBlocked)
			zeros()
		}
		release()

		// A tab that keeps no rules has a handle.
		foreign, err := one.open(false)
		require.NoError(t, err)
		err = one.Destroy(background)
		if one.shared {
			require.ErrorIs(t, err, keyring.ErrBlocked)
		}
		require.ErrorContains(t, err, "NoModificationAllowedError")
		foreign.Call("close")
		require.NoError(t, other.Destroy(background))
		_, err = content(t, one)
		require.ErrorContains(t, err, "NotFoundError")
	})
}

// TestKeyringDestroyFails: an overwriting that fails removes nothing, and can be done again.
func TestKeyringDestroyFails(t *testing.T) {
	inBothModes(t, func(t *testing.T, one, other *ring) {
		prototype := js.Global().Get("FileSystemSyncAccessHandle").Get("prototype")
		for method, exception := range map[string]string{"getSize": invalidState, "write": "QuotaExceededError", "flush": invalidState} {
			original := prototype.Get(method)
			prototype.Set(method, throwing(exception))
			err := one.Destroy(background)
			prototype.Set(method, original)
			require.Error(t, err, method)
			held, err := content(t, one)
			require.NoError(t, err)
			require.Len(t, held, 8*keyring.SlotSize, method)
		}
		require.NoError(t, one.Destroy(background))
		_, err := content(t, one)
		require.ErrorContains(t, err, "NotFoundError")
	})
}

// TestKeyringBesideAnotherWorker counts to 200 in one slot together with a worker of its own.
func TestKeyringBesideAnotherWorker(t *testing.T) {
	inBothModes(t, func(t *testing.T, one, _ *ring) {
		require.NoError(t, fill(one, 1, 0))
		worker := js.Global().Get("Function").New("file", "lock", "options", `
			const work = async ({data: [file, lock, options]}) => {
				const entry = await (await navigator.storage.getDirectory()).getFileHandle(file);
				for (let i = 0; i < 100; i++) await navigator.locks.request(lock, async () => {
					const handle = await entry.createSyncAccessHandle(options);
					const slot = new Uint8Array(32);
					handle.read(slot, {at: 0});
					slot[0]++;
					handle.write(slot, {at: 0});
					handle.close();
				});
			};
			const source = "const work = " + work + "; onmessage = e => work(e).then(() => postMessage('done'), e => postMessage(String(e)))";
			const worker = new Worker(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
			worker.postMessage([file, lock, options]);
			return new Promise(done => { worker.onmessage = e => { worker.terminate(); done(e.data); }; });
		`)
		options := map[string]any{}
		if one.shared {
			options["mode"] = unsafeMode
		}
		done := worker.Invoke(one.file, one.workLock(), options)
		for range 100 {
			keys, err := one.Begin(background, true)
			require.NoError(t, err)
			slot, err := keys.Read(keyring.Run{N: 1})
			require.NoError(t, err)
			slot[0]++
			require.NoError(t, keys.Write(keyring.Run{N: 1}, slot))
			keys.End()
		}
		said, err := settled(background, done)
		require.NoError(t, err)
		require.Equal(t, "done", said.String())
		held, err := content(t, one)
		require.NoError(t, err)
		require.EqualValues(t, 200, held[0])
	})
}

// TestKeyringOpenedWhileDestroyed: whoever opens meanwhile waits, and has a new keyring or none.
func TestKeyringOpenedWhileDestroyed(t *testing.T) {
	for _, shared := range modes {
		opened := 0
		for i, delay := 0, time.Duration(0); i < 30 || opened == 0; i++ {
			one := openRing(t, newName(), shared)
			require.NoError(t, fill(one, 8, 1))
			destroyed := make(chan error, 1)
			started := time.Now()
			go func() { destroyed <- one.Destroy(background) }()
			time.Sleep(delay)
			if delay += 200 * time.Microsecond; i >= 30 {
				delay *= 2 // on a busy machine destroying takes longer; it must be over once
			}
			other, err := openKeyring(background, one.name, shared)
			require.NoError(t, <-destroyed)
			require.Less(t, time.Since(started), blockedPatience)
			if err != nil {
				require.ErrorIs(t, err, keyring.ErrLost)
				continue
			}
			if err := fill(other.(*ring), 2, 2); err != nil {
				require.ErrorIs(t, err, keyring.ErrLost)
			} else {
				opened++
				held, err := content(t, one)
				require.NoError(t, err)
				require.Len(t, held, 2*keyring.SlotSize)
			}
			require.NoError(t, other.Destroy(background))
		}
	}
}
