//go:build unix && !linux

package relay

// chaosMain does nothing: the chaos needs Linux, where a process can be made to end with its
// parent.
func chaosMain() bool { return false }
