package spool

import (
	"crypto/rand"
	"io"
	"regexp"
)

// The name of a spool: a random text in its lock file.

var goodName = regexp.MustCompile(`^[A-Z2-7]{26}$`)

var _ interface{ Name() string } = (*Spool)(nil) // batcher.NamedStore

// Name implements batcher.NamedStore. The name is random, and stays with the directory: no two
// spools have the same one, unless a directory is copied. If the file "lock" is removed or cannot
// be written, the next process has a new name.
func (s *Spool) Name() string { return s.name }

// name reads the directory's name, or gives it one.
func (d *directory) name() string {
	text := make([]byte, 64)
	n, _ := d.lock.ReadAt(text, 0) // it ends before 64 bytes, which is an error
	if name := string(text[:n]); goodName.MatchString(name) {
		return name
	}
	name := rand.Text()[:26]
	if d.lock.Truncate(0) == nil {
		if _, err := io.NewOffsetWriter(d.lock, 0).Write([]byte(name)); err == nil {
			_ = d.lock.Sync() // a name that is lost costs no event
		}
	}
	return name
}
