package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrInUse is the cause when another process, or this one, has the directory open.
var ErrInUse = errors.New("the directory is in use: one process a directory")

// lock takes the directory for one process. The lock is that of an empty bbolt file, which the system releases when the process
// ends, however it ends. Whoever only reads takes a shared one, and changes nothing.
func lock(dir string, readOnly bool) (*bbolt.DB, error) {
	db, err := bbolt.Open(filepath.Join(dir, "lock"), 0o600, &bbolt.Options{Timeout: time.Millisecond, ReadOnly: readOnly})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("spool: %s: %w", dir, ErrInUse)
	case readOnly && errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("spool: %s is not a spool: %w", dir, err)
	case err != nil:
		return nil, fmt.Errorf("spool: cannot lock %s: %w", dir, err)
	}
	return db, nil
}
