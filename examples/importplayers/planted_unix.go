//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// The owner of a file, on systems that report one.

// ours reports whether a file is this user's, under one name.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && stat.Nlink == 1
}
