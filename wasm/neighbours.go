//go:build js && wasm

package main

import "github.com/lethe-im/lethe/idb"

// neighbours joins the user's other tabs on this device: who hears a poke reads the database again.
func neighbours(name string, changed func()) (poke, leave func()) {
	channel := idb.NewChannel(name)
	channel.OnPoke(changed)
	return channel.Post, channel.Close
}
