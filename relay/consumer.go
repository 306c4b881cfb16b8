package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A partition's consumer, and the note about what it brought: the note is read when the partition is taken over, and written before a consumer is
// deleted and when the partition is left.

func consumerName(game string, n int) string { return fmt.Sprintf("%s-%d", game, n) }

// consumer deletes the partition's consumer and makes it anew. What it knows is in the note before it is deleted, so that nothing is
// forgotten wherever the relay dies.
func (p *partition) consumer() (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(p.pull, 10*time.Second)
	defer cancel()
	r := p.relay
	if !p.taken {
		if err := p.takeOver(ctx); err != nil {
			return nil, err
		}
	}
	if err := p.remember(ctx, p.hand.mayHaveSent()); err != nil {
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

// takeOver learns what the relays before have done: from the note of the last one, and from its consumer where it was killed.
func (p *partition) takeOver(ctx context.Context) error {
	r := p.relay
	left, err := r.registry.readNote(ctx, p.n)
	if err != nil {
		return err
	}
	stream, err := r.js.Stream(ctx, r.stream.Name)
	if err != nil {
		return fmt.Errorf("relay: stream %s: %w", r.stream.Name, err)
	}
	state := stream.CachedInfo().State
	if left.Live || left.revision == 0 { // also where somebody has removed the note
		var consumer *jetstream.ConsumerInfo
		c, err := r.js.Consumer(ctx, r.stream.Name, consumerName(r.game, p.n))
		switch {
		case err == nil:
			consumer = c.CachedInfo()
		case !errors.Is(err, jetstream.ErrConsumerNotFound):
			return fmt.Errorf("relay: consumer %s: %w", consumerName(r.game, p.n), err)
		}
		left.Live = left.Live || consumer != nil // neither: nobody was here
		left = left.with(consumer, state.LastSeq)
	}
	left = left.without(state.FirstSeq)
	p.note = left
	p.hand.restore(left)
	return nil
}

// secure writes the note when something is wrong with the consumer, before there is another. Where all servers were down the consumer has forgotten what
// it delivered, and the next relay must not believe it.
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
