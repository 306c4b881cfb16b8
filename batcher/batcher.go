package batcher

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Batcher buffers the gameplay events of many players and delivers them in batches. It is safe for concurrent use.
type Batcher struct {
	cfg         Config
	heads       map[EventType]string // how events of Config.EventTypes begin
	sender      Sender
	checkPlayer func(userID string) error // nil: every user id can be sent
	clock       clock
	seed        maphash.Seed
	ctx         context.Context //nolint:containedctx // ends the requests under way when Close runs out of time
	cancel      context.CancelFunc
	// What a Store is asked to forget is known after the request that it was in, so this ends later than ctx does.
	storeCtx    context.Context //nolint:containedctx // ends the calls of the Store that Close leaves behind
	cancelStore context.CancelFunc

	players    [shards]shard
	budget     budget
	ledger     ledger
	sched      scheduler
	ages       ageLine
	sizes      sizes
	remembered atomic.Int64 // players
	parked     parkedLine
	copies     sync.Pool     // of *[]byte: buffers for what the Store is given
	storing    *barrier      // reached when no Track is handing an event to the Store, and Close has begun
	stirred    chan struct{} // a lane was parked or ran empty; Close looks whether only parked ones are left

	idBase string // of event ids
	ids    atomic.Uint64

	off     bool // made by Discard
	closed  atomic.Bool
	closing chan struct{} // closed when Close begins
	done    chan struct{} // closed when Close has ended
	report  Report        // before done is closed only Close has it
}

// New returns a batcher that delivers through sender. It starts nothing; goroutines run only while there is something to send.
//
// With a Store that is what an earlier process left: New reads all of it first, and its sending has begun when New returns. Where it
// cannot be read New fails, and it stays in the Store.
func New(sender Sender, cfg Config) (*Batcher, error) {
	if sender == nil {
		return nil, errors.New("batcher: New needs a Sender, and got nil")
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	b := &Batcher{
		cfg:     cfg,
		sender:  sender,
		clock:   clock{start: time.Now()},
		heads:   headsOf(cfg.EventTypes),
		seed:    maphash.MakeSeed(),
		budget:  budget{maxEvents: int64(cfg.MaxEvents), maxBytes: int64(cfg.MaxBytes)},
		parked:  parkedLine{limit: cfg.MaxParkedBytes},
		storing: newBarrier(),
		stirred: make(chan struct{}, 1),
		idBase:  rand.Text()[:12] + "-",
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	if c, ok := sender.(PlayerChecker); ok {
		b.checkPlayer = c.CheckPlayer
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.storeCtx, b.cancelStore = context.WithCancel(context.Background())
	b.sched.batcher = b
	b.ages.batcher, b.ages.queue.others.ages = b, true
	b.sched.gate.ramp = gateFailures // a service that is down at the start is not asked by everybody at once
	for i := range b.players {
		b.players[i].lanes = map[string]*lane{}
	}
	if cfg.Store != nil {
		if err := b.recoverStored(); err != nil {
			b.cancel()
			b.cancelStore()
			return nil, err
		}
	}
	return b, nil
}

// Format prints the ledger for every verb. The default would walk the players while they change, which can end the process, and
// print a TokenSource that is a map.
func (b *Batcher) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "batcher: %s", b.Ledger().String())
}

// now is the time on the batcher's clock.
func (b *Batcher) now() int64 { return b.clock.now() }
