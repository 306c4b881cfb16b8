package spool_test

import (
	"os"
	"path/filepath"
	"testing"
)

// onDisk returns the lengths of the files of a directory, because Windows does not report blocks
// here.
func onDisk(b *testing.B, dir string) (sum int64) {
	b.Helper()
	for _, path := range must(filepath.Glob(filepath.Join(dir, "*"))) {
		sum += must(os.Stat(path)).Size()
	}
	return sum
}
