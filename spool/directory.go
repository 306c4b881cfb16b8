package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The directory of a spool: its users, the spool's own files, and whether its name still leads to
// it.

var (
	// ErrInUse means that another process, or this one, has the directory open.
	ErrInUse = errors.New("the directory is in use: one process per directory")

	// ErrUnsafe means that others may change the content of the directory, or that a file in it is
	// a link or belongs to another user. Open refuses these and changes nothing.
	ErrUnsafe = errors.New("the spool keeps personal data, and trusts only what is its user's own")
)

// directory is an open directory. It holds the lock.
type directory struct {
	path string // absolute and without links, so that a later chdir changes nothing
	file *os.File
	info fs.FileInfo
	lock *os.File // the file "lock"; nil where a reader found none

	reading bool // nothing in it may be changed
}

// openDirectory opens a directory, and creates it if it does not exist.
func openDirectory(dir string, reading bool) (*directory, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if !reading {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, fmt.Errorf("spool: cannot make the directory: %w", err)
		}
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	d := &directory{path: path, file: f, reading: reading}
	if d.info, err = f.Stat(); err == nil {
		err = d.safe()
	}
	if err == nil {
		err = d.take()
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// safe refuses a directory to which others may write, because they could put links and files into
// it. It never changes the mode, because the directory may be a shared one.
func (d *directory) safe() error {
	if !d.info.IsDir() {
		return fmt.Errorf("spool: %s is not a directory", d.path)
	}
	uid, known := owner(d.info)
	if d.reading || !known {
		return nil
	}
	if me := os.Geteuid(); uid != me && uid != 0 {
		return fmt.Errorf("spool: %s belongs to user %d, and this process runs as user %d: %w; run it as that user, or give a directory of its own", d.path, uid, me, ErrUnsafe)
	}
	if mode := d.info.Mode(); mode.Perm()&0o022 != 0 {
		return fmt.Errorf("spool: others may write to %s (mode %s): %w; name a directory within it, which the spool makes for itself, or take the right away (chmod go-w)", d.path, mode, ErrUnsafe)
	}
	return nil
}

// take locks the directory for one process; readers share the lock. The system releases the lock
// when the process ends in any way. The lock is on the directory itself: a lock on a file is
// worthless once a cleaner has removed the file, and systemd-tmpfiles skips a locked directory. On
// systems that cannot lock a directory, the lock is on the file "lock".
func (d *directory) take() error {
	held, err := tryLock(d.file, d.reading)
	alone := errors.Is(err, errNoLock)
	if err != nil && !alone {
		return fmt.Errorf("spool: cannot lock %s: %w", d.path, err)
	}
	if !alone && !held {
		return fmt.Errorf("spool: %s: %w", d.path, ErrInUse)
	}
	flags := os.O_RDWR | os.O_CREATE
	if d.reading {
		if !d.isSpool() && !d.has("lock") {
			return fmt.Errorf("spool: %s is not a spool: it has none of a spool's files", d.path)
		}
		flags = os.O_RDONLY
	}
	d.lock, err = d.open("lock", flags)
	if d.reading && errors.Is(err, fs.ErrNotExist) && !alone {
		return nil
	}
	if err != nil {
		return fmt.Errorf("spool: cannot lock: %w", err)
	}
	if held, err = tryLock(d.lock, d.reading); err != nil {
		return fmt.Errorf("spool: cannot lock %s: %w", d.lock.Name(), err)
	}
	if !held {
		return fmt.Errorf("spool: %s: %w", d.path, ErrInUse)
	}
	return nil
}

// isSpool reports whether the directory has files with events.
func (d *directory) isSpool() bool {
	entries, err := os.ReadDir(d.path)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return slices.Contains(stageNames[:], e.Name()) || e.Name() == deadName || strings.HasSuffix(e.Name(), ".spool")
	})
}

func (d *directory) at(name string) string { return filepath.Join(d.path, name) }

// open opens a file of the directory. It follows no link, and refuses anything that is not a
// regular file of the spool's own user. It takes the rights of others away from the file.
func (d *directory) open(name string, flag int) (*os.File, error) {
	path := d.at(name)
	before, err := os.Lstat(path) // a pipe must not be opened, and a device neither
	switch {
	case err == nil:
		if err := d.own(path, before); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist) || flag&os.O_CREATE == 0:
		return nil, err
	}
	f, err := os.OpenFile(path, flag|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = d.own(path, info)
	}
	if err == nil && !d.reading && info.Mode().Perm()&0o077 != 0 {
		if err = f.Chmod(0o600); err != nil {
			err = fmt.Errorf("others may use %s (mode %s), and it cannot be made the owner's alone: %w", path, info.Mode(), err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// own refuses a file that is not the spool's own.
func (d *directory) own(path string, info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link: %w; find out who made it, and remove it", path, ErrUnsafe)
	case mode.IsDir():
		return fmt.Errorf("%s is a directory", path) // damage: it leads nowhere
	case !mode.IsRegular():
		return fmt.Errorf("%s is not a regular file (mode %s): %w; find out who made it, and remove it", path, mode, ErrUnsafe)
	}
	uid, known := owner(info)
	if !known {
		return nil
	}
	of, _ := owner(d.info) // whoever only reads may be another: root
	if me := os.Geteuid(); uid != me && (!d.reading || uid != of) {
		return fmt.Errorf("%s belongs to user %d, and this process runs as user %d: %w; find out who made it", path, uid, me, ErrUnsafe)
	}
	if n := links(info); n > 1 && !d.hasAllNames(info, n) {
		return fmt.Errorf("%s has another name elsewhere (%d hard links): %w; find out who made it, and replace the file by a copy", path, n, ErrUnsafe)
	}
	return nil
}

// hasAllNames reports whether all names of a file are in the directory. A process that died while
// it set a damaged file aside leaves two.
func (d *directory) hasAllNames(info fs.FileInfo, names uint64) bool {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return false
	}
	var here uint64
	for _, entry := range entries {
		if other, err := entry.Info(); err == nil && os.SameFile(info, other) {
			here++
		}
	}
	return here == names
}

// create makes a file that is not there.
func (d *directory) create(name string) (*os.File, error) {
	return d.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// leadsTo reports whether a name still leads to an open file. It returns true if it cannot find
// out.
func (d *directory) leadsTo(name string, opened fs.FileInfo) bool {
	now, err := os.Lstat(d.at(name))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return os.SameFile(now, opened)
}

// sync makes the names in the directory safe. Windows has no such call and does not need one.
func (d *directory) sync() error {
	if !syncsDirectories {
		return nil
	}
	return d.file.Sync()
}

func (d *directory) close() error {
	err := d.file.Close()
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}
