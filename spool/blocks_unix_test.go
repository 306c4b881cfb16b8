//go:build unix

package spool_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// onDisk returns the blocks that the files of a directory take on the disk.
func onDisk(b *testing.B, dir string) (sum int64) {
	b.Helper()
	for _, path := range must(filepath.Glob(filepath.Join(dir, "*"))) {
		if st, ok := must(os.Stat(path)).Sys().(*syscall.Stat_t); ok {
			sum += st.Blocks * 512
		}
	}
	return sum
}
