package relay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Relay delivers the events of one game from the stream to the service, beside any number of other
// relays. It is safe for concurrent use.
type Relay struct {
	cfg      Config
	js       jetstream.JetStream
	stream   StreamConfig
	game     string // as a token
	registry *registry
	inbox    string // where the server confirms acknowledgements: inbox.partition.sequence
	counts   counts

	ctx     context.Context //nolint:containedctx // ends when the relay may do nothing more
	cancel  context.CancelFunc
	closing chan struct{} // closed when Close begins
	close   sync.Once
	done    chan struct{} // closed when the relay has ended

	sharing atomic.Bool // one look at the other relays at a time

	mu          sync.Mutex // guards the following
	parts       map[int]*partition
	requests    int64 // of partitions that have ended
	relays      int   // that were alive at the last look
	streamError error // what was wrong with the streams at the last look
}

// Start begins to deliver. It returns when the relay is known to the others, and takes its share of
// the partitions from then on. The context is for the start alone; Close ends the relay.
func Start(ctx context.Context, js jetstream.JetStream, cfg Config) (*Relay, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	stream, err := openStream(ctx, js, cfg.Stream)
	if err != nil {
		return nil, err
	}
	if err := cfg.fit(stream); err != nil {
		return nil, err
	}
	game, err := token(cfg.Batcher.GameID)
	if err != nil {
		return nil, err
	}
	holder, err := cfg.holder()
	if err != nil {
		return nil, err
	}
	r := &Relay{
		cfg: cfg, js: js, stream: stream, game: game, inbox: js.Conn().NewInbox() + ".",
		closing: make(chan struct{}), done: make(chan struct{}), parts: map[int]*partition{},
	}
	if r.registry, err = openRegistry(ctx, js, stream, game, holder); err != nil {
		return nil, err
	}
	if _, err := r.registry.alive(ctx); err != nil {
		return nil, fmt.Errorf("relay: writing to the stream of the leases: %w", err)
	}
	confirmations, err := js.Conn().Subscribe(r.inbox+"*.*", r.confirmed)
	if err != nil {
		return nil, fmt.Errorf("relay: subscribing: %w", err)
	}
	// What is confirmed is no data: its only bound is that of the messages in hand.
	if err := confirmations.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("relay: subscribing: %w", err)
	}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go r.run(confirmations)
	return r, nil
}

// run renews the leases and shares out the partitions until Close.
func (r *Relay) run(confirmations *nats.Subscription) {
	defer close(r.done)
	defer func() { _ = confirmations.Unsubscribe() }() // it fails where the connection is closed, and is gone with it
	reconnected := r.js.Conn().StatusChanged(nats.CONNECTED)
	defer r.js.Conn().RemoveStatusListener(reconnected)
	beat := time.NewTicker(r.registry.beat())
	defer beat.Stop()
	look := time.NewTicker(r.stream.LeaseTTL)
	defer look.Stop()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(r.share)
	for {
		select {
		case <-beat.C:
			if r.beat() {
				all.Go(r.share) // beside the next beats: the first leases must not run out while the last ones are taken
			}
		case <-look.C:
			all.Go(r.look)
		case <-reconnected:
			for _, p := range r.list() {
				select {
				case p.again <- struct{}{}:
				default: // it will begin anew anyway
				}
			}
		case <-r.closing:
			r.leave(beat)
			return
		}
	}
}

// beat renews what the relay has, and reports whether the others know that it is alive.
func (r *Relay) beat() bool {
	r.renew()
	if _, err := r.registry.alive(r.ctx); err != nil {
		r.cfg.Log.Warn("relay: cannot tell the others that it is alive", "error", err)
		return false
	}
	return true
}

// look compares the streams with what the relay was started on. Somebody can edit a stream while it
// is in use, and one that discards its oldest messages, for example, loses events that were
// acknowledged.
func (r *Relay) look() {
	ctx, cancel := context.WithTimeout(r.ctx, r.registry.beat())
	defer cancel()
	err := r.stream.inspect(ctx, r.js)
	if err != nil && (ctx.Err() != nil || !errors.Is(err, errChanged)) {
		return // NATS is not reachable at the moment: nothing is known
	}
	r.mu.Lock()
	r.streamError = err
	r.mu.Unlock()
	if err != nil {
		r.cfg.Log.Error("relay: a stream does not keep what this package promises: events can be lost", "error", err)
	}
}

// renew renews all leases at once, so that one that hangs does not cost the others theirs, and
// repeats acknowledgements.
func (r *Relay) renew() {
	var all sync.WaitGroup
	for _, p := range r.list() {
		all.Go(func() {
			if err := r.registry.renew(r.ctx, p.n, p.lease); err != nil {
				r.cfg.Log.Warn("relay: a lease was not renewed", "partition", p.n, "error", err)
			}
			p.ackAgain()
			ctx, cancel := context.WithTimeout(p.lease.ctx, r.registry.beat())
			defer cancel()
			if err := p.sending.tidy(ctx); err != nil {
				r.cfg.Log.Debug("relay: events that were not sent stay in doubt", "partition", p.n, "error", err)
			}
		})
	}
	all.Wait()
}

// share takes free partitions while the relay has fewer than its share, and gives back what is
// more. The share is the number of partitions by the number of relays, rounded up: what is given
// back is taken by others, and nothing goes to and fro.
func (r *Relay) share() {
	if !r.sharing.CompareAndSwap(false, true) {
		return
	}
	defer r.sharing.Store(false)
	taken, relays, err := r.registry.census(r.ctx)
	if err != nil {
		r.cfg.Log.Warn("relay: cannot see the other relays", "error", err)
		return
	}
	share := (r.stream.Partitions + relays - 1) / relays
	r.mu.Lock()
	r.relays = relays
	r.mu.Unlock()
	mine := r.list()
	held := 0
	for _, p := range mine {
		if p.pull.Err() == nil {
			held++
		}
	}
	for _, p := range mine {
		if held > share && p.pull.Err() == nil {
			r.cfg.Log.Info("relay: hands a partition over", "partition", p.n)
			p.stop()
			held--
		}
	}
	free := make([]int, 0, r.stream.Partitions)
	for n := range r.stream.Partitions {
		if !taken[n] && r.partition(n) == nil {
			free = append(free, n)
		}
	}
	rand.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] }) // not all relays reach for the same one
	var all sync.WaitGroup
	defer all.Wait()
	place := make(chan struct{}, takeAtOnce)
	for _, n := range free[:min(len(free), max(share-held, 0))] {
		select {
		case <-r.closing:
			return
		case place <- struct{}{}:
		}
		all.Go(func() {
			defer func() { <-place }()
			r.take(n)
		})
	}
}

// takeAtOnce is how many partitions a relay takes side by side.
const takeAtOnce = 64

// take acquires one partition and serves it. Another relay may be faster.
func (r *Relay) take(n int) {
	select {
	case <-r.closing:
		return
	default:
	}
	l, err := r.registry.acquire(r.ctx, r.ctx, n)
	if err != nil {
		if !wrongRevision(err) {
			r.cfg.Log.Warn("relay: a partition was not taken", "partition", n, "error", err)
		}
		return
	}
	p, err := newPartition(r, n, l)
	if err != nil {
		l.drop()
		r.cfg.Log.Error("relay: a partition was not taken", "partition", n, "error", err)
		return
	}
	r.mu.Lock()
	select {
	case <-r.closing: // leave has listed what it winds up, or is about to
		p.stop()
	default:
	}
	r.parts[n] = p
	r.mu.Unlock()
	r.cfg.Log.Info("relay: takes a partition", "partition", n)
	go func() {
		p.run()
		r.retire(p)
	}()
}

// retire takes a partition that has ended off the list and keeps what it counted.
func (r *Relay) retire(p *partition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.parts, p.n)
	r.requests += p.batcher.Stats().Requests
}

// leave winds all partitions up, while their leases are renewed, and tells the others that the
// relay is gone.
func (r *Relay) leave(beat *time.Ticker) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for { // a partition that was being taken when Close began comes later
			sharing := r.sharing.Load() // before the list, which then has all
			parts := r.list()
			for _, p := range parts {
				p.stop()
			}
			for _, p := range parts {
				<-p.done
			}
			if !sharing && len(parts) == 0 {
				return
			}
			<-time.After(time.Millisecond) // until the last one is off the list
		}
	}()
	for {
		select {
		case <-beat.C:
			r.renew()
		case <-ended:
			if seq, err := r.registry.alive(r.ctx); err == nil {
				ctx, cancel := context.WithTimeout(r.ctx, r.registry.beat())
				if err := r.registry.stream.DeleteMsg(ctx, seq); err != nil {
					r.cfg.Log.Debug("relay: its sign of life will run out", "error", err)
				}
				cancel()
			}
			return
		}
	}
}

// Close takes no more messages, sends what it holds for Config.DrainTimeout at most, and leaves the
// rest to the other relays. The error is nil where the relay has left in good order; ctx ends it
// sooner. It may be called any number of times.
func (r *Relay) Close(ctx context.Context) error {
	r.close.Do(func() { close(r.closing) })
	select {
	case <-r.done:
		r.cancel()
		return nil
	case <-ctx.Done():
	}
	r.cancel()
	<-r.done
	return errors.Join(errors.New("relay: closed before everything was handed over; the leases run out"), ctx.Err())
}

func (r *Relay) partition(n int) *partition {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.parts[n]
}

// list returns the partitions in their order.
func (r *Relay) list() []*partition {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sorted()
}

// sorted is list with the mutex held.
func (r *Relay) sorted() []*partition {
	out := make([]*partition, 0, len(r.parts))
	for _, p := range r.parts {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *partition) int { return a.n - b.n })
	return out
}
