package spool_test

import (
	"os"
	"strconv"
)

// How long the loops of kills go on.

// killRounds is how often a test kills a process: 4 times, 20 with PLAYLINE_LONG, and
// PLAYLINE_SPOOL_ROUNDS times if that is set. Half of them are with each Sync.
func killRounds() int {
	if n, err := strconv.Atoi(os.Getenv("PLAYLINE_SPOOL_ROUNDS")); err == nil {
		return n
	}
	if os.Getenv("PLAYLINE_LONG") != "" {
		return 20
	}
	return 4
}
