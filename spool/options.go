package spool

import (
	"fmt"
	"time"
)

// Sync says when an appended event is safe from a power cut. It is safe from the death of the
// process in any case.
type Sync uint8

// The ways to sync.
const (
	// Always: before Append returns. The calls of many goroutines share one sync (group commit).
	Always Sync = iota
	// Interval: at the latest Options.Every later. Append does not wait for the disk.
	Interval
)

// Options are the settings of a spool. The zero value is usable: it syncs always.
type Options struct {
	Sync  Sync
	Every time.Duration // with Interval: how much time a power cut may cost; 0: 100 ms

	// MaxBytes bounds the encoded events in the spool, in bytes. Append returns ErrFull above it.
	// 0: 1 GiB. It must be at least twice SegmentBytes, because space comes back in whole files.
	MaxBytes int64

	// SegmentBytes is about how many bytes of encoded events go into a file before the next one
	// begins. 0: 16 MiB.
	SegmentBytes int64

	// MaxDeadBytes bounds the file of dead letters; KeepDead returns ErrFull above it. 0: 64 MiB.
	MaxDeadBytes int64

	// DeadAge is the maximum age of a dead letter: Open removes older ones. They contain personal
	// data, so set it. 0: until somebody purges or replays them.
	DeadAge time.Duration

	// The spool calls Report for each damaged file that it sets aside. Open calls it before it
	// returns. Later the committing goroutine calls it, if a file gets damaged while the spool is
	// open. It must not call the spool. nil: no report.
	Report func(Damage)
}

func (o Options) withDefaults() (Options, error) {
	if o.Every == 0 {
		o.Every = 100 * time.Millisecond
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 16 << 20
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.MaxDeadBytes == 0 {
		o.MaxDeadBytes = 64 << 20
	}
	if o.Report == nil {
		o.Report = func(Damage) {}
	}
	switch {
	case o.Sync > Interval:
		return o, fmt.Errorf("spool: Options.Sync is %d: use Always or Interval", o.Sync)
	case o.Every < 0:
		return o, fmt.Errorf("spool: Options.Every is %s: it must not be negative", o.Every)
	case o.MaxDeadBytes < 0:
		return o, fmt.Errorf("spool: Options.MaxDeadBytes is %d: it must not be negative", o.MaxDeadBytes)
	case o.DeadAge < 0:
		return o, fmt.Errorf("spool: Options.DeadAge is %s: it must not be negative", o.DeadAge)
	case o.SegmentBytes < 0:
		return o, fmt.Errorf("spool: Options.SegmentBytes is %d: it must not be negative", o.SegmentBytes)
	case o.MaxBytes < 2*o.SegmentBytes:
		return o, fmt.Errorf("spool: Options.MaxBytes is %d: it must be at least twice SegmentBytes (%d)", o.MaxBytes, o.SegmentBytes)
	}
	return o, nil
}
