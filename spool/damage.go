package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"
)

// Damage is an unreadable part of the directory. The spool keeps the readable events.
type Damage struct {
	Path     string // where it was set aside; where it is, as long as it could not be: on a full disk, or for Inspect
	Err      error  // what is wrong with it
	Salvaged int    // events that could be read from it and still wait
}

// String describes the damage, its place, and how many events were saved.
func (d Damage) String() string {
	return fmt.Sprintf("%s: %v; %d waiting events could be read", d.Path, d.Err, d.Salvaged)
}

// errChecksum means that the bytes of a record have changed since they were written.
var errChecksum = errors.New("a record's checksum does not match")

// refused reports whether the system denied access to a file, which says nothing about its content.
func refused(err error) bool {
	for _, cause := range []error{
		ErrUnsafe, ErrNewer, fs.ErrPermission, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EINTR, bolterrors.ErrTimeout,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// errBroken means that a mapped file is unusable.
var errBroken = errors.New("the file is broken, or the disk under it")

// guarded runs a function of the engine, which maps files into memory. The spool reads a file
// before the engine gets it, but a disk can fail later. An unreadable page then causes a fault, and
// a changed one may cause a panic. Both become errors.
func guarded(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errBroken, r)
		}
	}()
	return read()
}
