package batcher

import (
	"context"
	"iter"
	"time"
)

// Store keeps accepted events beyond the life of the process, until they have their result. Package spool has one.
//
// Many goroutines call it at once, so that one write to the disk can serve them all.
type Store interface {
	// Append keeps one event and returns its id, once the event is kept as the store's options promise. The store sets the id and
	// takes its own copies. A call that follows another gets the greater id. The context bounds the wait for a disk that is busy; once
	// the event is under way to it Append stays until it is known whether it is kept. An error means that it is not. Append does not
	// wait until others are settled: where only that makes room it fails.
	Append(ctx context.Context, e StoredEvent) (id uint64, err error)

	// Sending notes that events are about to be sent: after a crash they are in doubt, where the others are known not to have been
	// sent. The note is not taken back where the service then refuses them for the moment (503, 429, 401). When it fails, that is not known of them either, and an event that is not to be sent twice must not be sent.
	Sending(ids []uint64) error

	// Settled forgets events: they have their result. It does not wait for the disk. What was noted shortly before a crash may come
	// back, in doubt.
	Settled(ids []uint64) error

	// Recover walks what an earlier process left, in the order in which it was appended. It is called once, before the first
	// Append; Sending and Settled may be called meanwhile. An event is the caller's to keep.
	Recover() iter.Seq2[StoredEvent, error]
}

// Syncer is a Store that can wait for its disk. Erase does so: what was erased must not come back after a crash.
type Syncer interface {
	// Sync returns when no crash can undo what Settled was told before. An error means that this is not known.
	Sync(ctx context.Context) error
}

// StoredEvent is an event as a Store keeps it. It holds no token.
type StoredEvent struct {
	ID       uint64
	GameID   string // whose event it is; a store holds those of one game
	UserID   string
	Accepted time.Time // when Track took it; a store may keep it to the millisecond
	JSON     []byte    // as it travels
	Once     bool      // it must not be sent again once it is in doubt
	InDoubt  bool      // only from Recover: an earlier process was about to send it, and its result is not known
}
