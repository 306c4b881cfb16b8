package spool

import (
	"errors"
	"io/fs"
	"os"
)

// reserveBytes is many times what the notes of a delivery take.
const reserveBytes = 1 << 20

// reserve is a file that keeps blocks for notes and for shrinking segments. Without it a spool that
// fills the disk could not note that events are about to be sent. The batcher could send nothing,
// and the disk would stay full. While the reserve is used up, Append accepts no event.
type reserve struct {
	dir   *directory
	whole bool
}

const reserveName = "reserve"

// newReserve looks at the reserve. A name that leads elsewhere is refused.
func newReserve(dir *directory) (reserve, error) {
	r := reserve{dir: dir}
	f, err := dir.open(reserveName, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	info, err := f.Stat()
	r.whole = err == nil && info.Size() == reserveBytes
	return r, errors.Join(err, f.Close())
}

// fill reserves all blocks or none. On an error there is no room for events either.
func (r *reserve) fill() error {
	if r.whole {
		return nil
	}
	data := make([]byte, reserveBytes)
	for i := range data {
		data[i] = byte(i*i>>3 | 1) // zeros might take no blocks
	}
	f, err := r.dir.open(reserveName, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(data, 0); err != nil {
		err = errors.Join(err, f.Truncate(0))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	r.whole = true
	return nil
}

// spend frees the blocks for the next write. It returns false if that does not help: the disk is
// not full, or nothing is left.
func (r *reserve) spend(err error) bool {
	if !r.whole || !errors.Is(described(err), ErrFull) {
		return false
	}
	r.whole = false
	f, err := r.dir.open(reserveName, os.O_WRONLY)
	if err != nil {
		return false
	}
	return errors.Join(f.Truncate(0), f.Close()) == nil
}
