package batcher

import (
	"context"
	"fmt"
	"time"
)

// DeadLetters keeps events that ended without being delivered and without an error of the caller's to show for it: rejected, expired and
// unknown ones. Package spool has one, in its directory.
//
// Many goroutines call it at once. Every call should end soon after its context does.
type DeadLetters interface {
	// KeepDead keeps copies of events. The slices are the batcher's, and must not be used after the call. When it fails the events
	// have their result all the same: OnOutcome has them, and Config.Log and Stats.LastError say that they are not kept.
	KeepDead(ctx context.Context, letters []DeadLetter) error

	// EraseDead forgets a player's, for Batcher.Erase.
	EraseDead(ctx context.Context, userID string) error
}

// DeadLetter is an event that was given up.
type DeadLetter struct {
	GameID   string
	UserID   string
	Result   Result // Rejected, Expired or Unknown
	Cause    string // the error's text, such as the service's words
	Accepted time.Time
	Died     time.Time
	Attempts int    // requests that held it
	InDoubt  int    // of these, the ones that may have arrived
	JSON     []byte // as it travelled
}

// keepDead gives the events of a block that was given up to Config.DeadLetters, before the Store forgets them: a crash between the two
// leaves an event in both, and not in neither.
func (b *Batcher) keepDead(l *lane, blk *block, r Result, cause error) {
	if b.cfg.DeadLetters == nil || r != Rejected && r != Expired && r != Unknown {
		return
	}
	now := time.Now()
	began := now.Add(-time.Duration(b.now()))
	letters := make([]DeadLetter, 0, blk.events)
	for i := range blk.items() {
		letters = append(letters, DeadLetter{
			GameID: b.cfg.GameID, UserID: l.user, Result: r, Cause: fmt.Sprint(cause), Accepted: began.Add(time.Duration(i.accepted)), Died: now,
			Attempts: blk.attempts, InDoubt: blk.doubts, JSON: i.json,
		})
	}
	if err := b.cfg.DeadLetters.KeepDead(b.storeCtx, letters); err != nil {
		b.storeFailed(fmt.Errorf("batcher: %d %s events are not kept as dead letters: %w", len(letters), r, err))
	}
}

// eraseDead forgets the dead letters of a player who is erased.
func (b *Batcher) eraseDead(ctx context.Context, userID string) error {
	if b.cfg.DeadLetters == nil {
		return nil
	}
	if err := b.cfg.DeadLetters.EraseDead(ctx, userID); err != nil {
		return fmt.Errorf("batcher: erase: the player's dead letters may still be there, call again: %w", err)
	}
	return nil
}
