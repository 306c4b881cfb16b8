// Package spool keeps accepted events on disk until they have their result, so that they survive
// the process. It is a [batcher.Store]. Set batcher.Config.Store to an open spool, and close the
// spool after the batcher:
//
//	store, err := spool.Open("/var/lib/game/spool", spool.Options{Sync: spool.Interval})
//
// # Promises
//
//   - When Append returns nil, the event survives kill -9. It also survives a power cut: at once
//     with [Always], and after Options.Every with [Interval].
//   - Recover returns every event that was appended and not settled, in the order of the ids.
//     Events for which Sending was called are marked InDoubt. A restart therefore sends again only
//     events that an earlier process was about to send.
//   - Append fails on a full, read-only or broken disk, and no accepted event is lost. Append works
//     again when the disk does.
//   - Damage does not keep Open from working. The spool sets a damaged file aside under another
//     name, keeps the readable events and calls Options.Report. A full disk only delays, see below.
//   - The disk holds no token, because events have none. Only the owner can read the files (0600).
//   - A crafted file costs no more time and memory than its size allows.
//
// # The directory
//
// A directory belongs to one process and one game. Open locks it, so a second process gets
// [ErrInUse]. Recover works once, so a second batcher gets [ErrRecovered]. An event of another game
// gets [ErrOtherGame].
//
// Open creates a missing directory (0700), and never changes the mode of an existing one. It
// refuses a directory to which others may write ([ErrUnsafe]): in that case name a directory within
// it. Others may read the directory, as with systemd's StateDirectory or a volume. Open also
// refuses links, pipes, files of another user and files with a second name elsewhere. It takes the
// rights of others away from its own files. A relative name is resolved once, in Open.
//
// If somebody removes files or the directory while the spool is open, the next commit finds that
// and writes them again. The process has the files open, so only a power cut can take events.
// Append, Sync and Close each report the removal once ([ErrRemoved]). If somebody moves the
// directory away, another process may send its events, so Append fails until the directory is back.
//
// Files carry the version of their format. The spool reads files of earlier versions. For a file of
// a later version, Open fails ([ErrNewer]) and changes nothing.
//
// # Always or Interval
//
// Always waits for the disk: Append returns after a sync. All callers that wait at that moment
// share the sync, so many goroutines together get about as many events per second as the disk
// takes. Interval copies the event into memory of the operating system, and returns in about a
// microsecond. The disk has the event Options.Every later (100 ms). If the disk fails, Append
// continues until 4 MiB wait in the stages, which survive the process; [Spool.Sync] returns the
// error. Both survive the death of the process, by far the most frequent end of a game server. Use
// Always for events that must survive the death of the machine.
//
// Notes are as safe as events. With Interval, a power cut may take the note that events were about
// to be sent. The next process then sends these events again and does not count them as possible
// duplicates, even if their type is in batcher.Config.AtMostOnce. With Always that cannot happen.
//
// # Limits
//
// Options.MaxBytes bounds the encoded events in the spool (1 GiB). Above it, and on a full disk,
// Append returns [ErrFull]. An event has at most about 1 MiB. The files take 1.2 to 1.3 times the
// encoded bytes, plus 5 MiB. Space comes back in whole files of Options.SegmentBytes (16 MiB). The
// spool removes a file when all its events are settled, and rewrites it without the settled events
// when three quarters are. In memory the spool needs two bits per event, and one file while it
// opens or recovers.
//
// On a full disk Open works, Recover returns all accepted events, and Append returns ErrFull until
// there is room. No action is necessary: the batcher sends and settles events meanwhile, because a
// reserve of 1 MiB is kept for the notes. A spool that filled the disk gives space back as the
// batcher delivers.
//
// # Erasing
//
// An event that is settled, or erased by batcher.Batcher.Erase, never comes back. For an erasure,
// [Spool.Sync] confirms that. The bytes of the event stay in its file until the spool removes or
// rewrites the file, which takes long with little traffic. They stay in a stage until it has filled
// again. A damaged file that was set aside holds them until somebody deletes it. [Purge] and
// spoolctl purge overwrite all of these in a directory that no process has open.
//
// # Dead letters
//
// A Spool is also a batcher.DeadLetters. With batcher.Config.DeadLetters it keeps rejected and
// expired events, and events with an unknown result, with the cause, in the file "dead".
// Options.DeadAge and MaxDeadBytes bound them. Spoolctl dead shows, replays and purges them.
//
// # Damage
//
// The engine trusts its files and has checksums only for the pages where it begins to read. The
// spool therefore first reads every file without the engine: it walks the structure, each record
// has a checksum, and each file knows how many records it has. From a damaged file the spool keeps
// the records of all whole leaves. The file itself gets the ending .damaged, and nobody deletes it.
// If notes may be lost, all of its events are in doubt, and some settled events may come back. If
// only events are lost, the others keep their state. A refused event may be among them, if the
// engine had written it before it failed.
//
// If a file gets damaged while it is open, the spool sets it aside when the engine or a walk
// notices the damage. One of the engine's own goroutines may fault on it first and end the process.
// In that case the next process sets the file aside.
//
// # Inside
//
// Records first go into a stage: a file mapped into memory, whose pages outlive the process. A
// commit writes the stage to a segment, a bbolt file, in one synced transaction, while the other
// stage fills. With Always, Append waits for that commit, and all waiting callers share it. The
// note that an event is settled goes to the segment of the event, so no file depends on another.
//
// The program cmd/spoolctl shows the content of a directory.
package spool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/playline/playline-go/batcher"
)

// Errors for errors.Is. They also wrap errors of the system, such as syscall.EROFS and syscall.EIO.
var (
	// ErrFull means that Append has no room: Options.MaxBytes is reached, or the disk is full.
	// Settled events make room.
	ErrFull = errors.New("no room for another event")
	// ErrOtherGame means that an appended event is of another game than the events in the spool.
	ErrOtherGame = errors.New("the spool is another game's")
	// ErrRecovered means that Recover was called twice. Another batcher already has the events and
	// would send them too.
	ErrRecovered = errors.New("spool: another batcher has it: what an earlier process left is recovered once; close the spool and open it again for another")
	// ErrClosed means that the spool is closed.
	ErrClosed = errors.New("spool: closed")
)

// Spool is an open directory. Its methods are safe for concurrent use.
type Spool struct {
	dir  *directory
	opts Options
	dead *dead
	name string // that no other spool has

	mu         sync.Mutex // guards the following
	stage      *stage     // that fills; nil as long as there is a backlog
	spare      *stage     // the other one, nil while it is committed
	round      *round     // of those who wait for the stage's commit
	generation uint64
	next       uint64        // id
	size       int64         // bytes of records of events, in the stages and the segments
	room       chan struct{} // closed when a spare comes back; nil: nobody waits
	sending    []run         // notes that are in no stage: they failed, or there was no room
	settled    []run
	direct     *round // of those who wait for the notes that are in no stage
	syncing    *round // of those in Sync who wait for the next commit
	stored     uint64 // the greatest id in a segment
	failure    error  // of the last commit; nil when it went well
	game       game
	unsaid     unsaid
	recovered  bool // Recover was called
	closed     bool

	disk     sync.Mutex // guards the following; taken before mu
	segments []*segment // in the order of ids; the last is written to
	backlog  []*batch   // in the stages of an earlier process, and not in segments yet
	reserve  reserve
	short    bool      // the last events had no room
	looked   time.Time // when the names of all segments were looked at
	changed  time.Time // the directory's time then
	missing  error     // why removed files could not be rewritten; nil: all files exist

	mem scratch // that Open read the files into, for the walk that follows

	// Of the committing goroutine.
	stages   []*stage      // both; mu guards what is in them
	buffer   []byte        // the stage that is committed
	took     time.Duration // the last commit
	expected int           // events in the stage when all have appended again whom that commit let go

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

// Append keeps one event and returns its id. The context bounds the wait for room. An event has at
// most about 1 MiB.
//
// With Always it returns after the sync that made the event safe; with Interval it copies the event
// and returns.
func (s *Spool) Append(ctx context.Context, e batcher.StoredEvent) (uint64, error) {
	size := eventSize(&e)
	if size > maxRecord || len(e.GameID) > maxGame {
		return 0, fmt.Errorf("spool: an event of %d bytes, of a game's id of %d bytes, is too large: the limits are %d and %d", len(e.JSON), len(e.GameID), maxRecord, maxGame)
	}
	if err := s.makeRoom(ctx, size+gameSize(e.GameID), int64(size)); err != nil {
		return 0, err
	}
	if !s.game.meets(e.GameID) {
		other := s.game.id
		s.mu.Unlock()
		return 0, fmt.Errorf("spool: %w: it holds events of %q, and this one is of %q: use a directory per game", ErrOtherGame, other, e.GameID)
	}
	id, n := s.next, 0
	err := s.stage.addGame(e.GameID)
	if err == nil {
		n, err = s.stage.addEvent(id, &e)
	}
	if err != nil {
		s.mu.Unlock()
		s.kick()
		return 0, err
	}
	s.next++
	s.size += int64(n)
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

// makeRoom waits until a record fits into the stage. Without an error it returns with the mutex
// held. The bytes are those that count towards MaxBytes.
func (s *Spool) makeRoom(ctx context.Context, size int, bytes int64) error {
	leave := 0
	if bytes > 0 { // an event leaves room for the notes about it
		leave = noteRoom
	}
	for {
		s.mu.Lock()
		switch {
		case s.closed:
			s.mu.Unlock()
			return ErrClosed
		case bytes > 0 && s.unsaid.append:
			err := s.removedLocked(&s.unsaid.append)
			s.mu.Unlock()
			return err
		case bytes > 0 && s.size+bytes > s.opts.MaxBytes:
			held := s.size
			s.mu.Unlock()
			s.kick() // what is settled may make room
			return fmt.Errorf("spool: %w: %d bytes are held, Options.MaxBytes is %d", ErrFull, held, s.opts.MaxBytes)
		case s.stage != nil && s.stage.room(size+leave):
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

// kick makes the committing goroutine commit now.
func (s *Spool) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close commits the stage and releases the directory. An error means that the last commit failed.
// With Interval its records are still in the stage, and the next Open finds them.
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
	err := errors.Join(s.removedLocked(&s.unsaid.closed), s.failure)
	s.mu.Unlock()
	return errors.Join(err, s.release())
}

// described adds to an error what failed, and marks a full disk as ErrFull.
func described(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("spool: %w: %w", ErrFull, err)
	}
	return fmt.Errorf("spool: cannot write: %w", err)
}
