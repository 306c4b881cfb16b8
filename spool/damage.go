package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"
)

// Damage is something in the directory that could not be read. What could be read is kept.
type Damage struct {
	Path     string // where it was set aside; where it is, as long as it could not be: on a full disk, or for Inspect
	Err      error  // what is wrong with it
	Salvaged int    // events that could be read from it and still wait
}

// String says what was found, where it is, and how much of it could be read.
func (d Damage) String() string {
	return fmt.Sprintf("%s: %v; %d waiting events could be read", d.Path, d.Err, d.Salvaged)
}

// errChecksum is a record whose bytes are not those that were written.
var errChecksum = errors.New("a record's checksum does not match")

// refused reports whether the system did not let us read a file, which says nothing about what is in it.
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

// errBroken is a file that is mapped and cannot be used.
var errBroken = errors.New("the file is broken, or the disk under it")

// guarded runs a function of the engine, which maps files into memory. A file is read before the engine gets it, but a disk can fail
// later: then a page that cannot be read is a fault, and one that changed may be a panic. Both become errors.
func guarded(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errBroken, r)
		}
	}()
	return read()
}
