// Package order is a model of the vault's order of steps (DESIGN §5), searched whole by its tests: deleting against storing in
// two tabs, with a tab's death, a failed commit or a power cut at any step, and a starting tab beside the one that lived on. It
// shows which rule each failure needs, and that nothing fails with all of them. It has no code of its own: the model is small
// enough to be read beside the vault's files, whose names its files have.
package order
