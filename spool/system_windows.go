package spool

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// Protection from other processes on Windows: locks. Nobody can remove an open file there, and
// owners have no number.

const (
	noFollow         = 0 // Lstat is asked before
	syncsDirectories = false
	holdsFiles       = false // an open file could not be replaced
)

// errNoLock is a file that this system cannot lock: a directory.
var errNoLock = errors.New("it cannot be locked")

// tryLock reports whether it got the lock. It is on the first byte, of a file that nobody reads.
func tryLock(f *os.File, shared bool) (bool, error) {
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return false, errNoLock
	}
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !shared {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

// owner: the users of Windows have no number.
func owner(fs.FileInfo) (uid int, known bool) { return 0, false }

// links: that a file has other names is not looked at.
func links(fs.FileInfo) uint64 { return 1 }
