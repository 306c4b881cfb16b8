package relay

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/playline/playline-go/batcher"
)

// What becomes of messages once the batcher has told of their events: delivered ones and erased
// ones are acknowledged, all others become dead letters first. An acknowledgement is repeated until
// the server confirms it, and its message is remembered so long.

// outcome is the batcher's OnOutcome.
func (p *partition) outcome(o batcher.Outcome) {
	r := p.relay
	entries := p.hand.take(o.UserID, len(o.Records), o.Result)
	if len(entries) != len(o.Records) {
		r.cfg.Log.Error("relay: a result of events that are not in hand; they stay in the stream", "events", len(o.Records), "in hand", len(entries))
	}
	p.countCopies(entries, o)
	end := endingOf(o.Result)
	if end == staysInStream {
		r.cfg.Log.Error("relay: the batcher reported a result that a relay does not expect; its events stay in the stream",
			"partition", p.n, "result", o.Result.String(), "events", len(entries))
	}
	for i, e := range entries {
		switch end {
		case staysInStream:
			p.hand.forget(e)
			continue
		case acknowledged:
			r.counts.delivered.Add(1)
			p.ack(e)
			continue
		case dropped: // nothing of it is kept
			r.counts.erased.Add(1)
			p.ack(e)
			continue
		case buried:
		}
		letter := deadLetter(r.stream.deadPrefix(), e, o.Records[i].JSON, o.Result.String(), o.Err)
		if err := bury(p.lease.ctx, r.js, letter, r.registry.beat(), r.cfg.Log); err != nil {
			r.cfg.Log.Warn("relay: a dead letter was not stored; its event stays in the stream", "partition", p.n, "error", err)
			p.hand.forget(e)
			continue
		}
		r.counts.dead(o.Result.String())
		p.ack(e)
	}
	if r.cfg.Batcher.OnOutcome != nil {
		r.cfg.Batcher.OnOutcome(o)
	}
}

// ending is what the relay does with the message of an event once the event has its result.
type ending int

const (
	staysInStream ending = iota // another relay takes it again
	acknowledged
	dropped
	buried // as a dead letter
)

// endingOf decides per result. A result that is not listed stays in the stream: a dead letter is
// never sent again, so that needs a decision of its own.
func endingOf(result batcher.Result) ending {
	switch result {
	case batcher.Delivered:
		return acknowledged
	case batcher.Erased:
		return dropped
	case batcher.Rejected, batcher.Expired, batcher.Unknown:
		return buried
	case batcher.Returned, batcher.Spooled: // Close reports these, and a relay's batcher has no Store
		return staysInStream
	}
	return staysInStream
}

// countCopies counts the copies that the service may have of events: the attempts in doubt, less
// one if no other attempt has arrived.
func (p *partition) countCopies(entries []*entry, o batcher.Outcome) {
	copies := o.InDoubt
	if o.Result != batcher.Delivered {
		copies = max(copies-1, 0)
	}
	for _, e := range entries {
		p.relay.counts.copy(e.typ, copies)
	}
}

// ack acknowledges a message and asks the server to confirm. Where the connection is gone, or the
// answer, it is done again.
func (p *partition) ack(e *entry) {
	p.acks.RLock()
	defer p.acks.RUnlock()
	if e.once {
		p.sending.forget([]mark{e.mark()})
	}
	reply := p.hand.settle(e, time.Now())
	if reply == "" {
		return
	}
	confirm := p.relay.inbox + strconv.Itoa(p.n) + "." + strconv.FormatUint(e.seq, 10)
	if err := p.relay.js.Conn().PublishRequest(reply, confirm, []byte("+ACK")); err != nil {
		p.relay.cfg.Log.Debug("relay: an acknowledgement was not sent and will be", "partition", p.n, "error", err)
	}
}

// ackAgain repeats the acknowledgements that were not confirmed in a beat, but not sooner than
// after a second: a server that is slow must not get more to do.
func (p *partition) ackAgain() {
	for _, e := range p.hand.unconfirmed(time.Now().Add(-max(p.relay.registry.beat(), time.Second))) {
		p.ack(e)
	}
}

// confirmed is told by the server which acknowledgement it has.
func (r *Relay) confirmed(m *nats.Msg) {
	if len(m.Header) > 0 {
		return // nobody was there to take the acknowledgement
	}
	part, seq, ok := strings.Cut(strings.TrimPrefix(m.Subject, r.inbox), ".")
	if !ok {
		return
	}
	n, err := strconv.Atoi(part)
	if err != nil {
		return
	}
	if p := r.partition(n); p != nil {
		if seq, err := strconv.ParseUint(seq, 10, 64); err == nil {
			p.hand.confirm(seq)
		}
	}
}

// windUp ends a partition. While the lease lasts there is time to send what waits; what is left
// stays in the stream for the next relay, with a note of what of it may have been sent. The
// consumer is deleted: the note says more. Where it could not be written, the consumer stays.
//
// After the end of the lease nothing may be touched: the consumer of that name may be the next
// relay's.
func (p *partition) windUp() {
	p.stop()
	r := p.relay
	drain, cancel := context.WithTimeout(p.lease.ctx, r.cfg.DrainTimeout)
	report, _ := p.batcher.Close(drain) // its error is the count of what the loop below counts
	cancel()
	var doubtful uint64
	for _, o := range slices.Backward(report.LeftOver) { // a player's last events come last
		entries := p.hand.takeLast(o.UserID, len(o.Records))
		p.countCopies(entries, o)
		for _, e := range entries {
			p.hand.forget(e)
			if o.PossibleDuplicates {
				doubtful = max(doubtful, e.seq)
			} else if e.once {
				p.sending.forget([]mark{e.mark()})
			}
		}
		r.counts.left.Add(int64(len(entries)))
	}
	if rest := p.hand.takeAll(); len(rest) > 0 { // a callback that Close waited for in vain is still to be called: it will find nothing
		for _, e := range rest {
			p.hand.forget(e)
		}
		doubtful = p.hand.mayHaveSent()
		r.counts.left.Add(int64(len(rest)))
	}
	p.awaitConfirmation()
	if p.lease.valid() {
		p.leave(doubtful)
	}
	p.lease.drop()
}

// leave hands the partition over to whoever comes. Messages up to doubtful may have been sent by
// this relay.
func (p *partition) leave(doubtful uint64) {
	r := p.relay
	ctx, cancel := context.WithTimeout(p.lease.ctx, r.registry.beat())
	defer cancel()
	if waiting, _ := p.hand.size(); waiting > 0 {
		doubtful = p.hand.mayHaveSent() // a result was not told to its end
	}
	if p.taken {
		if err := p.sending.tidy(ctx); err != nil {
			r.cfg.Log.Debug("relay: events that were not sent stay in doubt", "partition", p.n, "error", err)
		}
		if err := p.remember(ctx, max(doubtful, p.hand.sentBefore())); err != nil {
			r.cfg.Log.Warn("relay: the next relay will not know what was settled", "partition", p.n, "error", err)
		} else if err := r.js.DeleteConsumer(ctx, r.stream.Name, consumerName(r.game, p.n)); err != nil {
			r.cfg.Log.Debug("relay: a consumer was not deleted", "partition", p.n, "error", err)
		}
	}
	if err := r.registry.release(context.WithoutCancel(p.lease.ctx), p.lease); err != nil {
		r.cfg.Log.Debug("relay: a lease was not given back and will run out", "partition", p.n, "error", err)
	}
}

// awaitConfirmation waits until every acknowledgement is confirmed, for as long as the lease lasts
// but not longer than a few beats.
func (p *partition) awaitConfirmation() {
	ctx, cancel := context.WithTimeout(p.lease.ctx, 2*p.relay.registry.beat())
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		if _, unconfirmed := p.hand.size(); unconfirmed == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		p.ackAgain()
	}
}
