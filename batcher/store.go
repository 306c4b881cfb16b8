package batcher

import (
	"context"
	"iter"
	"time"
)

// Store keeps accepted events beyond the life of the process, until they have their result. Package spool has one.
//
// Many goroutines call it at once, so that one write to the disk can serve them all. Every call gets a context, and should end soon after
// it does: Close waits a tenth of a second longer and then leaves a Store behind that hangs.
type Store interface {
	// Append keeps one event and returns its id, once the event is kept as the store's options promise. The store sets the id and
	// takes its own copies. A call that follows another gets the greater id. The context bounds the wait for a disk that is busy; once
	// the event is under way to it Append stays until it is known whether it is kept. An error means that it is not. Append does not
	// wait until others are settled: where only that makes room it fails.
	Append(ctx context.Context, e StoredEvent) (id uint64, err error)

	// Sending notes that events are about to be sent: after a crash they are in doubt, where the others are known not to have been
	// sent. The note is not taken back where the service then refuses them for the moment (503, 429, 401). When it fails, or ctx ends
	// first, it is not known whether the note is there, and the events are not sent for now.
	Sending(ctx context.Context, ids []uint64) error

	// Settled forgets events: they have their result. It does not wait for the disk. What was noted shortly before a crash may come
	// back, in doubt. The context ends when Close has waited long enough; then the same holds.
	Settled(ctx context.Context, ids []uint64) error

	// Recover walks what an earlier process left, in the order in which it was appended. It is called before the first Append; Sending and
	// Settled may be called meanwhile. An event is the caller's to keep. A Store that another batcher has recovered already yields an
	// error: both would send the same events.
	Recover(ctx context.Context) iter.Seq2[StoredEvent, error]
}

// Lender is a Store that can be recovered without a copy of each event. New prefers Lend to Recover.
type Lender interface {
	// Lend is Recover, but for the JSON of an event: it is valid until the walk goes on.
	Lend(ctx context.Context) iter.Seq2[StoredEvent, error]
}

// Syncer is a Store that can wait for its disk. Erase does so: what was erased must not come back after a crash.
type Syncer interface {
	// Sync returns when no crash can undo what Settled was told before. An error means that this is not known.
	Sync(ctx context.Context) error
}

// NamedStore is a Store with a name that no other Store has, and that stays the same over restarts. With the
// id of an event in the Store it identifies the event to whatever drops copies behind a Sender.
type NamedStore interface {
	Name() string
}

// StoredEvent is an event as a Store keeps it. It holds no token.
type StoredEvent struct {
	ID       uint64
	GameID   string // the game of the event: a Store holds those of one; "" only from Recover, where it was not kept
	UserID   string
	Accepted time.Time // when Track took it; a store may keep it to the millisecond
	JSON     []byte    // as it travels
	Once     bool      // it must not be sent again once it is in doubt
	InDoubt  bool      // only from Recover: an earlier process was about to send it, and its result is not known
}
