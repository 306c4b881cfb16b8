package spool

import (
	"errors"
	"os"
	"path/filepath"
)

// reserveBytes is many times what the notes of a delivery take.
const reserveBytes = 1 << 20

// reserve is a file whose blocks are kept for notes and for making segments smaller. Without it a spool that fills the disk could not note
// that events are about to be sent, so nothing would be sent, and the disk would stay full. While it is spent no event is taken.
type reserve struct {
	path  string
	whole bool
}

func newReserve(dir string) reserve {
	r := reserve{path: filepath.Join(dir, "reserve")}
	info, err := os.Stat(r.path)
	r.whole = err == nil && info.Size() == reserveBytes
	return r
}

// fill takes the blocks, all or none. On an error there is no room for events either.
func (r *reserve) fill() error {
	if r.whole {
		return nil
	}
	data := make([]byte, reserveBytes)
	for i := range data {
		data[i] = byte(i*i>>3 | 1) // zeros might take no blocks
	}
	if err := os.WriteFile(r.path, data, 0o600); err != nil {
		return errors.Join(err, os.Truncate(r.path, 0))
	}
	r.whole = true
	return nil
}

// spend gives the blocks to whoever writes next. It returns whether that is of use: not where the disk is not full, or nothing is left.
func (r *reserve) spend(err error) bool {
	if !r.whole || !errors.Is(described(err), ErrFull) {
		return false
	}
	r.whole = false
	return os.Truncate(r.path, 0) == nil
}
