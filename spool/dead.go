package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/playline/playline-go/batcher"
)

// The dead letters: events that a batcher gave up, in one file beside the segments. KeepDead
// appends records, and a removal rewrites the file.

const (
	deadName  = "dead"
	deadMagic = "pldl"
	deadHead  = len(deadMagic) + 4 // the magic, the version
	deadSeed  = 1                  // in the place of a generation
)

// DeadLetter is an event that a batcher gave up, with its number in the directory.
type DeadLetter struct {
	Number uint64
	batcher.DeadLetter
}

var _ batcher.DeadLetters = (*Spool)(nil)

// dead is the file of dead letters. The first letter creates it.
type dead struct {
	dir    *directory
	limit  int64
	synced bool // every letter is synced

	mu   sync.Mutex // guards the following
	file *os.File   // nil: there is none yet
	info fs.FileInfo
	end  int64  // of the whole records
	next uint64 // number
}

// openDead finds the end of the file. The next record overwrites a partial one that a dead process
// left.
func openDead(dir *directory, o Options) (*dead, error) {
	d := &dead{dir: dir, limit: o.MaxDeadBytes, synced: o.Sync == Always, next: 1}
	if err := d.open(os.O_RDWR); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if d.file == nil {
		return d, nil
	}
	data, err := d.read()
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	if data == nil { // it does not begin like one: the process died while it was made, or it is damaged
		aside := dir.unused(deadName + ".damaged")
		if err := errors.Join(d.close(), os.Rename(dir.at(deadName), aside)); err != nil {
			return nil, err
		}
		d.file = nil
		o.Report(Damage{Path: aside, Err: errors.New("it does not begin like a file of dead letters")})
		return d, nil
	}
	d.end = int64(deadHead)
	for letter, end := range lettersOf(data) {
		d.end, d.next = int64(end), max(d.next, letter.Number+1)
	}
	if o.DeadAge > 0 {
		old := time.Now().Add(-o.DeadAge)
		if _, err := d.drop(func(l *DeadLetter) bool { return l.Died.Before(old) }); err != nil {
			return nil, errors.Join(err, d.close())
		}
	}
	return d, nil
}

func (d *dead) open(flag int) (err error) {
	if d.file, err = d.dir.open(deadName, flag); err != nil {
		d.file = nil
		return err
	}
	d.info, err = d.file.Stat()
	return err
}

// read returns the file's bytes. An error says that a later version wrote them.
func (d *dead) read() ([]byte, error) {
	info, err := d.file.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, info.Size())
	n, err := d.file.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	data = data[:n]
	if n < deadHead || string(data[:len(deadMagic)]) != deadMagic {
		return nil, nil // it was being made
	}
	if version := binary.BigEndian.Uint32(data[len(deadMagic):]); version > formatVersion {
		return nil, fmt.Errorf("%s: %w", d.file.Name(), newer(version))
	}
	return data, nil
}

// lettersOf walks the letters of a file, each with the position after it. After a damaged one it
// searches the next. It limits the search in a file that looks like a letter at every byte.
func lettersOf(data []byte) iter.Seq2[*DeadLetter, int] {
	return func(yield func(*DeadLetter, int) bool) {
		left := 64 * len(data)
		for at := deadHead; at < len(data) && left > 0; {
			letter, n, err := readLetter(data[at:])
			if err != nil {
				left -= max(n, 1)
				at++
				continue
			}
			at += n
			if !yield(letter, at) {
				return
			}
		}
	}
}

// appendLetter appends a record: number, milliseconds accepted and died, result, attempts, doubts,
// and the texts, each after its length.
func appendLetter(dst []byte, number uint64, l *batcher.DeadLetter) []byte {
	body := []byte{byte(letterKind)}
	for _, v := range []uint64{
		number, uint64(max(l.Accepted.UnixMilli(), 0)), uint64(max(l.Died.UnixMilli(), 0)), uint64(l.Result), uint64(l.Attempts), uint64(l.InDoubt),
	} {
		body = binary.AppendUvarint(body, v)
	}
	for _, text := range []string{l.GameID, l.Cause, l.UserID} {
		body = append(binary.AppendUvarint(body, uint64(len(text))), text...)
	}
	body = append(body, l.JSON...)
	return appendRecord(dst, seedOf(deadSeed), len(body), func(b []byte) []byte { return append(b, body...) })
}

// readLetter decodes the first letter of b. On an error it returns the number of bytes that it
// read.
func readLetter(b []byte) (*DeadLetter, int, error) {
	if !mayBegin(b) {
		return nil, 0, errChecksum
	}
	body, n, err := readBody(b, seedOf(deadSeed))
	if err != nil {
		return nil, n, err
	}
	if kind(body[0]) != letterKind {
		return nil, n, errMalformed
	}
	f := fields{rest: body[1:]}
	l := &DeadLetter{Number: f.uvarint()}
	l.Accepted, l.Died = time.UnixMilli(int64(f.uvarint())), time.UnixMilli(int64(f.uvarint()))
	l.Result, l.Attempts, l.InDoubt = batcher.Result(f.uvarint()), int(f.uvarint()), int(f.uvarint())
	for _, text := range []*string{&l.GameID, &l.Cause, &l.UserID} {
		size := f.uvarint()
		if f.bad || size > uint64(len(f.rest)) {
			return nil, n, errMalformed
		}
		*text, f.rest = string(f.rest[:size]), f.rest[size:]
	}
	l.JSON = slices.Clone(f.rest)
	return l, n, nil
}

// KeepDead implements batcher.DeadLetters: it keeps events that a batcher gave up. With Always it
// returns after it has synced them. Above Options.MaxDeadBytes it returns ErrFull. See
// [Spool.DeadLetters].
func (s *Spool) KeepDead(_ context.Context, letters []batcher.DeadLetter) error {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if err := s.dead.keep(letters); err != nil {
		return described(fmt.Errorf("dead letters: %w", err))
	}
	return nil
}

func (d *dead) keep(letters []batcher.DeadLetter) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.readyLocked(); err != nil {
		return err
	}
	var data []byte
	for i := range letters {
		data = appendLetter(data, d.next+uint64(i), &letters[i])
	}
	if d.end+int64(len(data)) > d.limit {
		return fmt.Errorf("%w: %d bytes are held, Options.MaxDeadBytes is %d: see spoolctl dead", ErrFull, d.end, d.limit)
	}
	if _, err := d.file.WriteAt(data, d.end); err != nil {
		return errors.Join(err, d.file.Truncate(d.end))
	}
	if d.synced {
		if err := d.file.Sync(); err != nil {
			return errors.Join(err, d.file.Truncate(d.end))
		}
	}
	d.end += int64(len(data))
	d.next += uint64(len(letters))
	return nil
}

// readyLocked creates the file if it does not exist, or if somebody has removed it.
func (d *dead) readyLocked() error {
	if d.file != nil && d.dir.leadsTo(deadName, d.info) {
		return nil
	}
	head := binary.BigEndian.AppendUint32([]byte(deadMagic), formatVersion)
	if d.file != nil { // the open file still has what was removed
		if data, err := d.read(); err == nil && len(data) > deadHead {
			head = data[:d.end]
		}
	}
	return d.replaceLocked(head)
}

// replaceLocked gives the name to a new file, and overwrites the old one.
func (d *dead) replaceLocked(data []byte) error {
	const fresh = deadName + ".spool.tmp"
	if err := os.RemoveAll(d.dir.at(fresh)); err != nil {
		return err
	}
	if err := d.dir.write(fresh, data); err != nil {
		return err
	}
	rename := func() error {
		if err := os.Rename(d.dir.at(fresh), d.dir.at(deadName)); err != nil {
			return errors.Join(err, os.Remove(d.dir.at(fresh)))
		}
		return d.dir.sync()
	}
	if d.file != nil && !holdsFiles {
		if err := d.file.Close(); err != nil {
			return err
		}
	}
	replace := rename
	if d.dir.has(deadName) {
		replace = func() error { return d.dir.overwritten(deadName, rename) }
	}
	err := replace()
	if d.file != nil && holdsFiles {
		err = errors.Join(err, d.file.Close())
	}
	if openErr := d.open(os.O_RDWR); openErr != nil {
		return errors.Join(err, openErr)
	}
	d.end = int64(len(data))
	return err
}

// drop removes letters, and overwrites the file that had them. It returns the number of removed
// letters.
func (d *dead) drop(which func(*DeadLetter) bool) (dropped int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return 0, nil
	}
	data, err := d.read()
	if err != nil {
		return 0, err
	}
	kept := binary.BigEndian.AppendUint32([]byte(deadMagic), formatVersion)
	for letter := range lettersOf(data) {
		if which(letter) {
			dropped++
		} else {
			kept = appendLetter(kept, letter.Number, &letter.DeadLetter)
		}
	}
	if dropped == 0 {
		return 0, nil
	}
	return dropped, d.replaceLocked(kept)
}

func (d *dead) close() error {
	if d == nil || d.file == nil {
		return nil
	}
	return d.file.Close()
}

// all walks the letters in the order in which they came.
func (d *dead) all() iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		d.mu.Lock()
		var data []byte
		var err error
		if d.file != nil {
			data, err = d.read()
		}
		d.mu.Unlock()
		if err != nil {
			yield(DeadLetter{}, fmt.Errorf("spool: dead letters: %w", err))
			return
		}
		for letter := range lettersOf(data) {
			if !yield(*letter, nil) {
				return
			}
		}
	}
}

// DeadLetters walks the events that KeepDead kept, in the order in which they came.
func (s *Spool) DeadLetters() iter.Seq2[DeadLetter, error] { return s.dead.all() }

// DropDead removes dead letters by their numbers, overwrites them, and returns how many there were.
func (s *Spool) DropDead(numbers []uint64) (dropped int, err error) {
	dropped, err = s.dead.drop(func(l *DeadLetter) bool { return slices.Contains(numbers, l.Number) })
	return dropped, described(err)
}

// EraseDead forgets a player's dead letters, and overwrites them.
func (s *Spool) EraseDead(_ context.Context, userID string) error {
	_, err := s.dead.drop(func(l *DeadLetter) bool { return l.UserID == userID })
	return described(err)
}

// Replay moves dead letters back to the waiting events, so that the next batcher sends them. A
// batcher that has already called Recover does not. Their age starts again at zero. A letter with
// an unknown result is in doubt and no longer AtMostOnce, so a replay may cause a copy. Replay
// returns the number of letters. On an error the letters stay, and some may be among the waiting
// events as well.
func (s *Spool) Replay(ctx context.Context, numbers []uint64) (replayed int, err error) {
	var done, doubtful []uint64
	for l, err := range s.dead.all() {
		if err != nil {
			return 0, err
		}
		if !slices.Contains(numbers, l.Number) {
			continue
		}
		id, err := s.Append(ctx, batcher.StoredEvent{GameID: l.GameID, UserID: l.UserID, Accepted: time.Now(), JSON: l.JSON})
		if err != nil {
			return 0, fmt.Errorf("dead letter %d: %w", l.Number, err)
		}
		if done = append(done, l.Number); l.InDoubt > 0 {
			doubtful = append(doubtful, id)
		}
	}
	if len(doubtful) > 0 {
		if err := s.Sending(ctx, doubtful); err != nil {
			return 0, err
		}
	}
	if err := s.Sync(ctx); err != nil {
		return 0, err
	}
	return s.DropDead(done)
}
