package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// errLeaseEnded is why a relay does not send: another may serve the partition now.
var errLeaseEnded = errors.New("relay: the lease of the partition has ended")

// lease is the right to serve a partition. It is a message in the stream of the leases that expires
// StreamConfig.LeaseTTL after it was written, by the server's clock. The relay counts from the
// moment before it asked for it, and stops at two thirds: the last third is for clocks that do not
// agree, for a request that must still be ended, and for a process that wakes up late.
//
// What no lease can do: a process that is stopped between looking at its lease and writing its
// request, and that runs on when the lease is over, sends that one request all the same. It is a
// copy at worst, of events that the next relay delivers too.
type lease struct {
	ctx    context.Context //nolint:containedctx // ends with the lease
	cancel context.CancelCauseFunc

	writing  sync.Mutex // one call that writes or deletes the message at a time; taken before mu
	mu       sync.Mutex // guards the following
	revision uint64     // of the message
	deadline time.Time
	timer    *time.Timer // ends ctx at the deadline

	first time.Time // the first deadline: a lease that was removed before this one began has ended by then
}

func newLease(ctx context.Context, revision uint64, deadline time.Time) *lease {
	l := &lease{revision: revision, deadline: deadline, first: deadline}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	l.timer = time.AfterFunc(time.Until(deadline), l.end)
	return l
}

// end ends the lease where its deadline has passed. A renewal that comes in the same moment sets
// the timer again.
func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if left := time.Until(l.deadline); left > 0 {
		l.timer.Reset(left)
		return
	}
	l.cancel(errLeaseEnded)
}

// renewed makes the lease last until deadline.
func (l *lease) renewed(revision uint64, deadline time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.revision, l.deadline = revision, deadline
	l.timer.Reset(time.Until(deadline))
}

// drop gives the lease up: nothing is sent under it any more.
func (l *lease) drop() {
	l.timer.Stop()
	l.cancel(errLeaseEnded)
}

// valid reports whether the lease holds now. It looks at both clocks: the monotonic one stands
// still while a machine sleeps, and the wall clock can be set back.
func (l *lease) valid() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	return l.ctx.Err() == nil && now.Before(l.deadline) && now.Round(0).Before(l.deadline.Round(0))
}

func (l *lease) seq() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.revision
}

// registry is the stream of the leases as one relay sees it, for one game. Subjects are
// prefix-leases.game.part.N and prefix-leases.game.relay.ID; the second kind tells who is alive, so
// that the parts are shared out evenly.
type registry struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	subject string // up to and with the dot behind the game
	holder  string // this relay
	ttl     time.Duration
}

func openRegistry(ctx context.Context, js jetstream.JetStream, cfg StreamConfig, game, holder string) (*registry, error) {
	s, err := js.Stream(ctx, cfg.Name+"-leases")
	if err != nil {
		return nil, fmt.Errorf("relay: stream %s-leases: %w", cfg.Name, err)
	}
	return &registry{js: js, stream: s, subject: cfg.leasePrefix() + game + ".", holder: holder, ttl: cfg.LeaseTTL}, nil
}

// beat is how often leases are renewed, and how long one call may take.
func (r *registry) beat() time.Duration { return r.ttl / 6 }

func (r *registry) part(n int) string { return r.subject + "part." + strconv.Itoa(n) }

// write writes a message of the leases where the last one of its subject is the one with that
// revision; 0: where there is none. It returns the new revision and until when the relay may count
// on it.
func (r *registry) write(ctx context.Context, subject string, revision uint64) (uint64, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, r.beat())
	defer cancel()
	asked := time.Now()
	ack, err := r.js.Publish(ctx, subject, []byte(r.holder), jetstream.WithExpectLastSequencePerSubject(revision), jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, time.Time{}, err
	}
	return ack.Sequence, asked.Add(r.ttl * 2 / 3), nil
}

// acquire takes a partition that nobody has.
func (r *registry) acquire(ctx context.Context, parent context.Context, n int) (*lease, error) {
	revision, deadline, err := r.write(ctx, r.part(n), 0)
	if err != nil {
		return nil, err
	}
	return newLease(parent, revision, deadline), nil
}

// renew makes a lease last longer. Where it fails the lease goes on to its deadline, except that
// another relay has it.
func (r *registry) renew(ctx context.Context, n int, l *lease) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.ctx.Err() != nil {
		return nil // it was given back meanwhile
	}
	revision, deadline, err := r.write(ctx, r.part(n), l.seq())
	if err == nil {
		l.renewed(revision, deadline)
		return nil
	}
	if !wrongRevision(err) {
		return err
	}
	// An earlier renewal may have been stored without an answer: then the last message is ours, and
	// the next renewal goes on from it. It does not move the deadline: when it was stored is not
	// known.
	ctx, cancel := context.WithTimeout(ctx, r.beat())
	defer cancel()
	last, getErr := r.stream.GetLastMsgForSubject(ctx, r.part(n))
	switch {
	case getErr == nil && string(last.Data) == r.holder:
		l.mu.Lock()
		l.revision = last.Sequence
		l.mu.Unlock()
		return nil
	case getErr == nil, errors.Is(getErr, jetstream.ErrMsgNotFound):
		l.drop()
	}
	return err
}

// release deletes a lease, so that another relay can have the partition at once. The revision makes
// sure that it is this relay's.
func (r *registry) release(ctx context.Context, l *lease) error {
	l.drop()
	l.writing.Lock() // a renewal that is under way would stand behind what is deleted
	defer l.writing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, r.beat())
	defer cancel()
	return r.stream.DeleteMsg(ctx, l.seq())
}

// alive writes that this relay is there, whatever was there before.
func (r *registry) alive(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, r.beat())
	defer cancel()
	ack, err := r.js.Publish(ctx, r.subject+"relay."+r.holder, nil, jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// census is which partitions have a relay, and how many relays there are.
func (r *registry) census(ctx context.Context) (taken map[int]bool, relays int, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.beat())
	defer cancel()
	info, err := r.stream.Info(ctx, jetstream.WithSubjectFilter(r.subject+">"))
	if err != nil {
		return nil, 0, err
	}
	taken = map[int]bool{}
	for subject := range info.State.Subjects {
		kind, name, _ := strings.Cut(strings.TrimPrefix(subject, r.subject), ".")
		switch kind {
		case "relay":
			relays++
		case "part":
			if n, err := strconv.Atoi(name); err == nil {
				taken[n] = true
			}
		}
	}
	return taken, max(relays, 1), nil
}

func wrongRevision(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
