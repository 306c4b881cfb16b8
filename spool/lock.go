package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrInUse is the cause when another process, or this one, has the directory open.
var ErrInUse = errors.New("the directory is in use: one process a directory")

// lock takes the directory for one process. It is a lock on an empty file, which the system releases when the process ends, however it
// ends; so the file says nothing about who has it, and what is in it does not matter. Whoever only reads takes a shared one, and changes
// nothing.
func lock(dir string, readOnly bool) (*os.File, error) {
	flags := os.O_RDWR | os.O_CREATE
	if readOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), flags, 0o600)
	switch {
	case readOnly && errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("spool: %s is not a spool: %w", dir, err)
	case err != nil:
		return nil, fmt.Errorf("spool: cannot lock %s: %w", dir, err)
	}
	held, err := tryLock(f, readOnly)
	switch {
	case held:
		return f, nil
	case err == nil:
		err = ErrInUse
	}
	return nil, errors.Join(fmt.Errorf("spool: %s: %w", dir, err), f.Close())
}
