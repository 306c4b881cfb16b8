package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/batcher"
)

// pullMessages is how many messages a partition has under way from the server, beside what its
// batcher holds.
const pullMessages = 256

// ackWait is after what time the server sends a message again that is not acknowledged. A message
// that waits for its player's token, or for the service in an outage, waits long, and to send all
// of them again each minute is work for every node. So it is long, and a message that was lost on
// its way is found otherwise: by the gap in front of the next one, or by looking at the consumer if
// no next one comes.
const ackWait = time.Hour

// lookEvery is how often a partition that gets nothing looks whether its consumer has sent
// something.
const lookEvery = 10 * time.Second

// partition serves one part of the players while its lease lasts. It has a consumer of the stream
// and a batcher of its own, so that the end of the lease ends the one and the other.
type partition struct {
	relay   *Relay
	n       int
	lease   *lease
	batcher *batcher.Batcher
	hand    *hand
	sending *sending

	pull  context.Context //nolint:containedctx // ends when no more messages are to be taken
	stop  context.CancelFunc
	again chan struct{} // the connection was lost: what was on the way may be gone
	done  chan struct{} // closed when it has ended

	acks sync.RWMutex // held for reading from taking a reply to publishing to it; taken before the hand's

	note  note // the last that was written
	taken bool // the note is this relay's
}

func newPartition(r *Relay, n int, l *lease) (*partition, error) {
	p := &partition{relay: r, n: n, lease: l, hand: newHand(), again: make(chan struct{}, 1), done: make(chan struct{})}
	p.sending = newSending(r.registry, n, r.cfg.Batcher.AtMostOnce)
	p.pull, p.stop = context.WithCancel(l.ctx)
	cfg := r.cfg.Batcher
	cfg.OnOutcome = p.outcome
	fenced := fence{sender: r.cfg.Sender, lease: l}
	if len(cfg.AtMostOnce) > 0 {
		fenced.partition = p
	}
	b, err := batcher.New(fenced, cfg)
	if err != nil {
		return nil, err
	}
	p.batcher = b
	return p, nil
}

// fence lets requests through while the lease lasts, and ends with it those that are under way.
// Before it sends events that must not be sent twice, it notes them for the next relay.
type fence struct {
	sender    batcher.Sender
	lease     *lease
	partition *partition // nil: no event must be noted
}

// Admit implements batcher.Admitter for a sender that does.
func (f fence) Admit(ctx context.Context) (context.Context, error) {
	if a, ok := f.sender.(batcher.Admitter); ok {
		return a.Admit(ctx)
	}
	return ctx, nil
}

// Send implements batcher.Sender.
func (f fence) Send(ctx context.Context, b batcher.Batch) (batcher.Receipt, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.lease.ctx, cancel)()
	p := f.partition
	var once []mark
	if p != nil {
		once = p.hand.front(b.UserID, b.Events)
	}
	if len(once) > 0 {
		if err := p.sending.note(ctx, once); err != nil {
			return batcher.Receipt{}, &batcher.SendError{Failure: batcher.NotSent, Err: err}
		}
	}
	if !f.lease.valid() { // after the note, which may have taken long
		if p != nil {
			p.sending.forget(once)
		}
		return batcher.Receipt{}, &batcher.SendError{Failure: batcher.NotSent, Err: errLeaseEnded}
	}
	receipt, err := f.sender.Send(ctx, b)
	if failed, ok := errors.AsType[*batcher.SendError](err); ok && failed.Failure != batcher.InDoubt && p != nil {
		p.sending.forget(once)
	}
	return receipt, err
}

// run takes messages until the partition is stopped or its lease ends, and winds it up.
func (p *partition) run() {
	defer close(p.done)
	for p.pull.Err() == nil {
		err := p.session()
		if p.pull.Err() != nil {
			break
		}
		p.relay.counts.resets.Add(1)
		p.relay.cfg.Log.Info("relay: a partition begins anew", "partition", p.n, "cause", err)
		p.secure()
		select {
		case <-p.pull.Done():
		case <-time.After(min(p.relay.registry.beat(), time.Second)):
		}
	}
	p.windUp()
}

// session makes the partition's consumer and takes what it brings, until something is wrong with
// it. A consumer that is made anew brings all that the stream has, in its order; what is in hand or
// settled is known and let pass.
func (p *partition) session() error {
	consumer, err := p.consumer()
	if err != nil {
		return err
	}
	select {
	case <-p.again:
	default:
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(pullMessages), jetstream.PullHeartbeat(5*time.Second))
	if err != nil {
		return fmt.Errorf("relay: taking messages: %w", err)
	}
	defer messages.Stop()
	ctx, cancel := context.WithCancelCause(p.pull)
	defer cancel(nil)
	var got received
	go func() {
		look := time.NewTicker(min(lookEvery, p.relay.stream.LeaseTTL))
		defer look.Stop()
		for {
			select {
			case <-p.again:
				cancel(errors.New("relay: the connection to NATS was lost"))
				return
			case <-look.C:
				if n, idle := got.sinceLast(); idle && p.sent(ctx, consumer) > n && got.still(n) {
					cancel(fmt.Errorf("relay: the consumer has sent more than the %d messages that came", n))
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	for next := uint64(1); ; next++ {
		got.wait(next - 1)
		m, err := messages.Next(jetstream.NextContext(ctx))
		got.come()
		if errors.Is(err, jetstream.ErrNoHeartbeat) && p.there(ctx, consumer) {
			next-- // the servers are slow, and the next request for messages asks again
			continue
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return fmt.Errorf("relay: taking messages: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("relay: a message without its sequence: %w", err)
		}
		if meta.Sequence.Consumer != next {
			// Taking what comes behind the gap would bring a player's events out of order.
			return fmt.Errorf("relay: message %d of the consumer came in the place of %d", meta.Sequence.Consumer, next)
		}
		if err := p.live(); err != nil {
			return err
		}
		if err := p.accept(ctx, m, meta); err != nil {
			return err
		}
	}
}

// sent is how many messages the consumer has sent, 0 if nobody says so.
func (p *partition) sent(ctx context.Context, c jetstream.Consumer) uint64 {
	ctx, cancel := context.WithTimeout(ctx, p.relay.registry.beat())
	defer cancel()
	info, err := c.Info(ctx)
	if err != nil {
		p.relay.cfg.Log.Debug("relay: a consumer was not looked at", "partition", p.n, "error", err)
		return 0
	}
	return info.Delivered.Consumer
}

// there reports whether the consumer may still exist. The answer is no only if the server says so.
func (p *partition) there(ctx context.Context, c jetstream.Consumer) bool {
	ctx, cancel := context.WithTimeout(ctx, p.relay.registry.beat())
	defer cancel()
	_, err := c.Info(ctx)
	return !errors.Is(err, jetstream.ErrConsumerNotFound) && !errors.Is(err, jetstream.ErrStreamNotFound)
}

// received is how many messages of a consumer have come, and whether the session waits for the next
// one. A session that does not wait may have more of them in its connection's memory.
type received struct {
	mu      sync.Mutex // guards the following
	n       uint64
	waiting bool
	seen    uint64 // n at the last look
	looked  bool   // and the session was waiting then
}

// wait notes that n messages have come and the session waits for the next.
func (r *received) wait(n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n, r.waiting = n, true
}

// come notes that the session does not wait any more.
func (r *received) come() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = false
}

// sinceLast returns how many messages have come, and whether none has come and the session has
// waited since the last look.
func (r *received) sinceLast() (n uint64, idle bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	idle = r.waiting && r.looked && r.seen == r.n
	r.seen, r.looked = r.n, r.waiting
	return r.n, idle
}

// still reports whether n is still all that has come, and the session waits.
func (r *received) still(n uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiting && r.n == n
}

// accept takes one message over. An error ends the session; the message is still in the stream
// then.
func (p *partition) accept(ctx context.Context, m jetstream.Msg, meta *jetstream.MsgMetadata) error {
	r := p.relay
	e, known := p.hand.hold(m, meta)
	if known {
		r.counts.redelivered.Add(1)
		if p.hand.isSettled(e) {
			p.ack(e)
		}
		return nil
	}
	if p.hand.renumbered() {
		// The note and the consumer's marks are about other messages. Were this relay killed with
		// the events of these, the next one could take them for settled. With the consumer both are
		// made anew before any of them is sent.
		p.hand.forget(e)
		p.sending.renumber(e.seq)
		return fmt.Errorf("relay: message %d has a number that another one had: the stream has lost its end, or was made anew", e.seq)
	}
	if strings.HasPrefix(e.subject, r.stream.erasePrefix()) {
		return p.erase(ctx, e, m.Headers().Get(eraseHeader))
	}
	in, err := parse(m)
	if err != nil {
		return p.giveUp(ctx, e, m.Data(), Malformed, err)
	}
	e.typ = in.event.Type
	if e.once = slices.Contains(r.cfg.Batcher.AtMostOnce, e.typ); e.once {
		e.doubt = p.sending.mayHaveSent(e)
	}
	if e.doubt {
		if e.once {
			return p.giveUp(ctx, e, m.Data(), batcher.Unknown.String(),
				errors.New("relay: another relay had the event and may have sent it, and Config.AtMostOnce forbids to send it again"))
		}
		r.counts.copy(e.typ, 1)
	}
	in.event.Accepted = e.stored // not when this relay took it: relays come and go
	p.hand.line(in.player, e)    // before Track: its result can come before Track returns
	err = p.track(ctx, in)
	if err == nil {
		return nil
	}
	p.hand.unline(in.player, e)
	if invalid, ok := errors.AsType[*batcher.InvalidEventError](err); ok {
		return p.giveUp(ctx, e, m.Data(), Malformed, invalid)
	}
	if errors.Is(err, errSetAside) {
		return p.giveUp(ctx, e, m.Data(), SetAside, err)
	}
	p.hand.forget(e)
	return err
}

// errSetAside is the cause of a dead letter of a player who has no token.
var errSetAside = errors.New("relay: the player has no token, and as many events as Config.Batcher.MaxPlayerEvents allows wait for it")

// track hands an event to the batcher. Where there is no room it waits, and with it the partition:
// that is how a service that is down makes the stream hold what comes. A player who is parked must
// not do that to the others; what does not fit is set aside.
func (p *partition) track(ctx context.Context, in incoming) error {
	for {
		err := p.batcher.TryTrack(in.player, in.event)
		if errors.Is(err, batcher.ErrErased) { // the session in which it was to be dropped ended before
			if _, err := p.drop(ctx, in.player); err != nil {
				return err
			}
			continue
		}
		if !errors.Is(err, batcher.ErrFull) {
			return err
		}
		if s := p.batcher.Player(in.player).Stats(); s.Parked && s.Pending >= p.relay.cfg.Batcher.MaxPlayerEvents {
			return errSetAside
		}
		wait, cancel := context.WithTimeout(ctx, time.Second)
		err = p.batcher.Track(wait, in.player, in.event)
		cancel()
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

// giveUp makes a dead letter of a message that the batcher does not have, and acknowledges it.
func (p *partition) giveUp(ctx context.Context, e *entry, body []byte, result string, cause error) error {
	if err := bury(ctx, p.relay.js, deadLetter(p.relay.stream.deadPrefix(), e, body, result, cause), p.relay.registry.beat(), p.relay.cfg.Log); err != nil {
		p.hand.forget(e)
		return err
	}
	p.relay.counts.dead(result)
	p.ack(e)
	return nil
}
