// Package spool keeps accepted events on the disk until they have their result, so that they survive the process. It is a
// [batcher.Store].
//
//	store, err := spool.Open("/var/lib/game/spool", spool.Options{Sync: spool.Interval})
//
// # Promises
//
//   - When Append returns nil the event survives kill -9. It survives a power cut at once with Always, after Options.Every with
//     Interval.
//   - What was appended and not settled comes back from Recover, in the order of the ids, and marked InDoubt where Sending was noted.
//   - A disk that is full, read-only or broken makes Append fail, and nothing is lost that was accepted. When it can be written again
//     Append works again.
//   - Damage never keeps a spool from opening. A damaged file is set aside under another name, what can be read of it is kept, and
//     Options.Report is told.
//   - Tokens are not here: an event holds none. Files are the owner's alone (0600 in a directory of 0700).
//
// # Inside
//
// Records go into a stage first: a file mapped into memory, whose pages outlive the process. A commit writes what is in the stage to a
// segment, a bbolt file, in one synced transaction, while the other stage fills. With Always Append waits for that commit, and all who
// wait share it. When a segment is large enough the next is begun; when all of its events are settled its file is removed; when few are
// left it is written anew without the others.
package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"

	"github.com/playline/playline-go/batcher"
)

// Errors to be told apart with errors.Is. One of the system is wrapped as well: syscall.EROFS, syscall.EIO.
var (
	// ErrFull is Append's when there is no room: Options.MaxBytes is reached, or the disk is full. Events that are settled make room.
	ErrFull = errors.New("no room for another event")
	// ErrClosed is what a closed spool answers.
	ErrClosed = errors.New("spool: closed")
)

// Spool is an open directory. Its methods can be called from many goroutines.
type Spool struct {
	dir  string
	opts Options
	lock *os.File

	mu         sync.Mutex // guards the following
	stage      *stage     // that fills; nil as long as there is a backlog
	spare      *stage     // the other one, nil while it is committed
	round      *round     // of those who wait for the stage's commit
	generation uint64
	next       uint64        // id
	size       int64         // bytes of records of events, in the stages and the segments
	room       chan struct{} // closed when a spare comes back; nil: nobody waits
	sending    []uint64      // notes that are in no stage: they failed, or there was no room
	settled    []uint64
	failure    error // of the last commit; nil when it went well
	closed     bool

	disk     sync.Mutex // guards the following; taken before mu
	segments []*segment // in the order of ids; the last is written to
	backlog  []*batch   // in the stages of an earlier process, and not in segments yet

	wake chan struct{} // a commit is due
	quit chan struct{} // closed by Close
	done chan struct{} // closed when the committing goroutine has ended
}

// round is one commit, for those who wait for it.
type round struct {
	done   chan struct{}
	events error // why the events are not kept
	notes  error
}

var _ batcher.Store = (*Spool)(nil)

// Append keeps one event and returns its id. The context bounds the wait for room. An event is at most about 1 MiB.
//
// With Always it returns after the sync that made the event safe; with Interval it copies the event and returns.
func (s *Spool) Append(ctx context.Context, e batcher.StoredEvent) (uint64, error) {
	size := eventSize(&e)
	if size > maxRecord {
		return 0, fmt.Errorf("spool: an event of %d bytes is too large: the limit is %d", len(e.JSON), maxRecord)
	}
	if err := s.reserve(ctx, size, int64(size)); err != nil {
		return 0, err
	}
	id := s.next
	s.next++
	s.size += int64(s.stage.addEvent(id, &e))
	r := s.round
	due := s.opts.Sync == Always || s.stage.end > stageBytes/2
	s.mu.Unlock()
	if due {
		s.kick()
	}
	if s.opts.Sync == Interval {
		return id, nil
	}
	<-r.done
	if r.events != nil {
		return 0, r.events
	}
	return id, nil
}

// reserve waits until a record fits into the stage. Without an error it returns with the mutex held. The bytes are those that count
// towards MaxBytes.
func (s *Spool) reserve(ctx context.Context, size int, bytes int64) error {
	for {
		s.mu.Lock()
		switch {
		case s.closed:
			s.mu.Unlock()
			return ErrClosed
		case bytes > 0 && s.size+bytes > s.opts.MaxBytes:
			held := s.size
			s.mu.Unlock()
			return fmt.Errorf("spool: %w: %d bytes are held, Options.MaxBytes is %d", ErrFull, held, s.opts.MaxBytes)
		case s.stage != nil && s.stage.room(size):
			return nil
		case s.failure != nil: // the spare will not come back soon
			err := s.failure
			s.mu.Unlock()
			return err
		}
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		s.mu.Unlock()
		s.kick()
		select {
		case <-room:
		case <-ctx.Done():
			return fmt.Errorf("spool: no room yet: %w", ctx.Err())
		}
	}
}

// Sending notes that events are about to be sent. With Always it returns when the note is synced.
func (s *Spool) Sending(ids []uint64) error {
	for some := range slices.Chunk(ids, noteIDs) {
		if err := s.reserve(context.Background(), noteSize(some), 0); err != nil {
			return err
		}
		s.stage.addNote(sending, some)
		r := s.round
		s.mu.Unlock()
		if s.opts.Sync == Interval {
			continue
		}
		s.kick()
		<-r.done
		if r.notes != nil {
			return r.notes
		}
	}
	return nil
}

// Settled forgets events. It does not wait, not even for room: then the note is kept in memory until the next commit.
func (s *Spool) Settled(ids []uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	for some := range slices.Chunk(ids, noteIDs) {
		if s.stage != nil && s.stage.room(noteSize(some)) {
			s.stage.addNote(settled, some)
		} else {
			s.settled = append(s.settled, some...)
		}
	}
	return nil
}

// kick makes the committing goroutine commit now.
func (s *Spool) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close writes what is in the stage and releases the directory. An error means that the last commit failed; with Interval what it was
// to write is still in the stage, and the next Open finds it.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.quit)
	<-s.done
	s.mu.Lock()
	err := s.failure
	s.mu.Unlock()
	return errors.Join(err, s.release())
}

// described says in an error what could not be done, and tells a full disk apart.
func described(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("spool: %w: %w", ErrFull, err)
	}
	return fmt.Errorf("spool: cannot write: %w", err)
}
