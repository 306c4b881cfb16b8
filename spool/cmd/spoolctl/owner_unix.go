//go:build unix

package main

import (
	"os"
	"syscall"
)

// owner returns the id of the user whose directory it is.
func owner(dir string) (uid int, known bool) {
	info, err := os.Stat(dir)
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
