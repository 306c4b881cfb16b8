//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package spool

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Protection from other processes on Unix: owners, locks, and opening without following links.

const (
	noFollow         = unix.O_NOFOLLOW | unix.O_NONBLOCK
	syncsDirectories = true
	holdsFiles       = true // open files keep what they hold when their name goes
)

// errNoLock means that this system cannot lock the file, such as a directory on NFS.
var errNoLock = errors.New("it cannot be locked")

// tryLock reports whether it got the lock. Two opens of one process are held apart too.
func tryLock(f *os.File, shared bool) (bool, error) {
	how := unix.LOCK_EX
	if shared {
		how = unix.LOCK_SH
	}
	err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return false, nil
	case errors.Is(err, unix.EBADF), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOLCK):
		return false, errors.Join(errNoLock, err)
	}
	return err == nil, err
}

// owner returns the user whose file it is.
func owner(info fs.FileInfo) (uid int, known bool) {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid), true
	}
	return 0, false
}

// links returns how many names a file has.
func links(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink) //nolint:unconvert // its size depends on the system
	}
	return 1
}
