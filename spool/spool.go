// Package spool keeps accepted events on the disk until they have their result, so that they survive the process. It is a
// [batcher.Store].
//
//	store, err := spool.Open("/var/lib/game/spool", spool.Options{Sync: spool.Interval})
//
// goes into batcher.Config.Store. It is closed after the batcher.
//
// # Promises
//
//   - When Append returns nil the event survives kill -9. It survives a power cut too: at once with [Always], after Options.Every with
//     [Interval].
//   - What was appended and not settled comes back from Recover, in the order of the ids, and marked InDoubt where Sending was noted. So a
//     restart sends again only what an earlier process was about to send.
//   - A disk that is full, read-only or broken makes Append fail, and nothing is lost that was accepted. When it can be written again
//     Append works again.
//   - What is on the disk is no reason not to open. A damaged file is set aside under another name, what can be read of it is kept, and
//     Options.Report is told. A full disk delays, see below.
//   - No token is on the disk: an event holds none. Files are the owner's alone (0600).
//   - What a file says costs time and memory by the file's size, whatever it says.
//
// # The directory
//
// A directory is one process's and one game's. It is locked as long as it is open, so a second process gets [ErrInUse]; Recover works once,
// so a second batcher gets [ErrRecovered]; and an event of another game gets [ErrOtherGame].
//
// Open makes the directory (0700) where there is none, and never changes the mode of one that is there. One that others may write to is
// refused ([ErrUnsafe]): name a directory within it. One that others may only read is fine, such as systemd's StateDirectory or a volume.
// Links, pipes, files of another user and files with a second name elsewhere are refused; a file that others may use becomes the owner's
// alone. A relative name is that of the moment of Open.
//
// Where somebody removes files, or the directory, while it is open, the next commit finds it and writes them anew: the process has them open,
// so nothing is lost, except what only a power cut takes. Append, Sync and Close each say so once ([ErrRemoved]). A directory that was
// moved away is another matter: somebody else may send what is in it, so Append fails until it is back.
//
// Files carry the version of their format. Those of earlier versions are read; a later version's make Open fail ([ErrNewer]), and nothing
// is changed.
//
// # Always or Interval
//
// Always waits for the disk: Append returns after a sync that all who wait at that moment share, so that many goroutines at once get
// about as many events a second as the disk takes. Interval copies the event into memory that the system owns and returns, in about a
// microsecond; the disk has it Options.Every later (100 ms). Where the disk cannot be written Append goes on until 4 MiB wait in the
// stages, which survive the process; [Spool.Sync] tells. Both survive the death of the process, which is by far the most frequent
// end of a game server. Always is for events that must survive the death of the machine.
//
// Notes are as safe as events. With Interval a power cut may take the note that events were about to be sent: these are sent again then and
// not counted as possible duplicates, and types in batcher.Config.AtMostOnce are sent a second time. With Always it cannot.
//
// # Limits
//
// Options.MaxBytes bounds the encoded events that are held (1 GiB). Above it, and on a full disk, Append returns [ErrFull]. An event
// takes at most about 1 MiB. The files take 1.2 to 1.3 times the encoded bytes, and 5 MiB. Space comes back in whole files
// of Options.SegmentBytes (16 MiB): a file goes when all of its events are settled, and is written anew without the others when three
// quarters are. In memory the spool holds two bits per event, and one file while it opens or recovers.
//
// On a full disk Open works, Recover has all that was accepted, and Append returns ErrFull until there is room; nobody has to do anything
// then. What is there can be sent and settled meanwhile: a reserve of 1 MiB is kept for the notes. So a spool that filled the disk gives
// space back as it delivers.
//
// # Erasing
//
// What is settled, or erased by batcher.Batcher.Erase, never comes back; for an erasure [Spool.Sync] makes sure of it. Its bytes stay in the
// file until that goes or is written anew, so a file with little traffic holds them for long, and a stage until it has filled again. A file
// that was set aside as damaged holds them until somebody deletes it. [Purge], and spoolctl purge, overwrite all of these in a directory
// that no process has open.
//
// # Dead letters
//
// A Spool is a batcher.DeadLetters too: with batcher.Config.DeadLetters it keeps events that were rejected, that expired or whose result is
// unknown, with the cause, in the file "dead". Options.DeadAge and MaxDeadBytes bound them; spoolctl dead shows, replays and purges them.
//
// # Damage
//
// The engine trusts its files, and has no checksums but for the place where it begins to read. So every file is read first without it:
// the structure is walked, each record has a checksum, and each file knows how many it holds. Of a file in which something is wrong the
// records of all whole leaves are kept. The file itself gets the ending .damaged, for whoever wants to know more, and nobody deletes it.
// Where notes may be lost all of its events are in doubt, and some may come back that were settled; where only events are lost, the
// others are what they were. An event that was refused may be among them, if the engine had written it before it failed.
//
// A file that goes bad while it is open is set aside when the engine or a walk through it finds out. A goroutine of the engine's own may
// fault on it first, and the process with it; then the next one sets it aside.
//
// # Inside
//
// Records go into a stage first: a file mapped into memory, whose pages outlive the process. A commit writes what is in the stage to a
// segment, a bbolt file, in one synced transaction, while the other stage fills. With Always Append waits for that commit, and all who
// wait share it. What is settled is noted in the segment that has the event, so that a file needs no other.
//
// The program cmd/spoolctl shows what is in a directory.
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

// Errors to be told apart with errors.Is. One of the system is wrapped as well: syscall.EROFS, syscall.EIO.
var (
	// ErrFull is Append's when there is no room: Options.MaxBytes is reached, or the disk is full. Events that are settled make room.
	ErrFull = errors.New("no room for another event")
	// ErrOtherGame is Append's for an event of another game than those that the spool holds.
	ErrOtherGame = errors.New("the spool is another game's")
	// ErrRecovered is the error of a second Recover: another batcher has the events already, and would send them too.
	ErrRecovered = errors.New("spool: another batcher has it: what an earlier process left is recovered once; close the spool and open it again for another")
	// ErrClosed is what a closed spool answers.
	ErrClosed = errors.New("spool: closed")
)

// Spool is an open directory. Its methods can be called from many goroutines.
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
	missing  error     // why what was removed could not be written anew; nil: all is there

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

// Append keeps one event and returns its id. The context bounds the wait for room. An event is at most about 1 MiB.
//
// With Always it returns after the sync that made the event safe; with Interval it copies the event and returns.
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

// makeRoom waits until a record fits into the stage. Without an error it returns with the mutex held. The bytes are those that count
// towards MaxBytes.
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
	err := errors.Join(s.removedLocked(&s.unsaid.closed), s.failure)
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
