package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A partition's consumer, and the note about what it brought: the note is read when the partition
// is taken over, and written before a consumer is deleted and when the partition is left.

func consumerName(game string, n int) string { return fmt.Sprintf("%s-%d", game, n) }

// consumer deletes the partition's consumer and creates it again. What it knows is in the note
// before it is deleted, so that nothing is forgotten wherever the relay dies.
func (p *partition) consumer() (jetstream.Consumer, error) {
	r := p.relay
	if !p.taken {
		if err := p.takeOver(p.pull); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(p.pull, 10*time.Second)
	defer cancel()
	if err := p.remember(ctx, p.hand.mayHaveSent()); err != nil {
		return nil, err
	}
	if err := p.sending.tidy(ctx); err != nil {
		return nil, err
	}
	p.taken = true
	p.acks.Lock() // none is on its way from here to the wire
	p.hand.detach()
	p.acks.Unlock()
	name := consumerName(r.game, p.n)
	if err := r.js.DeleteConsumer(ctx, r.stream.Name, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fmt.Errorf("relay: consumer %s: %w", name, err)
	}
	c, err := r.js.CreateConsumer(ctx, r.stream.Name, jetstream.ConsumerConfig{
		Durable:       name,
		FilterSubject: fmt.Sprintf("*.%d.%s.*", p.n, r.game), // events and the words of erasers
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: r.cfg.Batcher.MaxEvents + 2*pullMessages,
		MemoryStorage: true, // it is made anew with each relay
	})
	if err != nil {
		return nil, fmt.Errorf("relay: consumer %s: %w", name, err)
	}
	return c, nil
}

// takeOver learns what the relays before have done: from their record of what they were about to
// send, from the note of the last one, and from its consumer if it was killed.
//
// The record comes first: once this relay has written it, the one before sends no event any more
// that must not be sent twice, so the consumer's position, which is read later, covers all that it
// can have sent.
func (p *partition) takeOver(ctx context.Context) error {
	r := p.relay
	blind, err := p.sending.takeOver(ctx)
	if err != nil {
		return err
	}
	left, state, err := p.predecessor(ctx, false)
	if err != nil {
		return err
	}
	if left.revision == 0 && left.Live {
		// Somebody was here, and there is no note: the leases were removed under a relay that may
		// still take messages and send them. By its own clock its lease has ended when the first
		// one of this relay would.
		r.cfg.Log.Warn("relay: the notes about a partition are gone; waiting until the lease of an earlier relay has ended",
			"partition", p.n)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(p.lease.first)):
		}
		if left, state, err = p.predecessor(ctx, true); err != nil { // its consumer may be gone by now
			return err
		}
	}
	if blind {
		if err := p.sending.reached(ctx, left.Doubtful); err != nil {
			return err
		}
	}
	left = left.without(state.FirstSeq)
	p.note = left
	p.hand.restore(left)
	return nil
}

// predecessor reads the note of the last relay, with what its consumer knows beyond it. known says that
// there was a relay, whatever is left of it.
func (p *partition) predecessor(ctx context.Context, known bool) (note, jetstream.StreamState, error) {
	r := p.relay
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	left, err := r.registry.readNote(ctx, p.n)
	if err != nil {
		return note{}, jetstream.StreamState{}, err
	}
	var consumer *jetstream.ConsumerInfo
	if left.Live || left.revision == 0 { // also if somebody has removed the note
		c, err := r.js.Consumer(ctx, r.stream.Name, consumerName(r.game, p.n))
		switch {
		case err == nil:
			consumer = c.CachedInfo()
		case !errors.Is(err, jetstream.ErrConsumerNotFound):
			return note{}, jetstream.StreamState{}, fmt.Errorf("relay: consumer %s: %w", consumerName(r.game, p.n), err)
		}
		left.Live = left.Live || consumer != nil || known // none of them: nobody was here
	}
	stream, err := r.js.Stream(ctx, r.stream.Name) // after the consumer: it has not delivered more than the stream has
	if err != nil {
		return note{}, jetstream.StreamState{}, fmt.Errorf("relay: stream %s: %w", r.stream.Name, err)
	}
	state := stream.CachedInfo().State
	if left.revision == 0 && !left.Live && state.Msgs > 0 {
		// Neither a note nor a consumer, but a leases' stream that is younger than the oldest event:
		// somebody created it again, and deleted the consumers.
		leases, err := r.registry.stream.Info(ctx)
		if err != nil {
			return note{}, jetstream.StreamState{}, fmt.Errorf("relay: the stream of the leases: %w", err)
		}
		left.Live = leases.Created.After(state.FirstTime)
	}
	return left.with(consumer, state.LastSeq), state, nil
}

// secure writes the note when something is wrong with the consumer, before there is another. Where
// all servers were down the consumer has forgotten what it delivered, and the next relay must not
// believe it.
func (p *partition) secure() {
	if !p.taken {
		return
	}
	ctx, cancel := context.WithTimeout(p.pull, p.relay.registry.beat())
	defer cancel()
	if err := p.remember(ctx, p.hand.mayHaveSent()); err != nil {
		p.relay.cfg.Log.Debug("relay: the note is not written yet", "partition", p.n, "error", err)
	}
}

// remember writes the note for the next relay.
func (p *partition) remember(ctx context.Context, doubtful uint64) error {
	n := p.hand.note()
	n.Doubtful, n.revision = doubtful, p.note.revision
	return p.write(ctx, n)
}

// live marks the note before the first message of a consumer is taken.
func (p *partition) live() error {
	if p.note.Live {
		return nil
	}
	n := p.note
	n.Live = true
	return p.write(p.pull, n)
}

func (p *partition) write(ctx context.Context, n note) error {
	err := p.relay.registry.writeNote(ctx, p.n, &n)
	if err != nil {
		p.note.revision = n.revision
		return err
	}
	p.note = n
	return nil
}
