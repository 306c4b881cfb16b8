package batcher

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"sync/atomic"
	"unicode/utf8"
)

// Player is one player of a batcher. It costs nothing while it has no events and can be made as often as it is needed; keeping it
// saves the look-up.
type Player struct {
	batcher *Batcher
	id      string
	lane    atomic.Pointer[lane]
}

// PlayerChecker is a Sender that cannot send under every user id. Track refuses an event of a player whom
// it does not accept, with its error as the rule of an *InvalidEventError. Many goroutines call it at once.
type PlayerChecker interface {
	CheckPlayer(userID string) error
}

// Format prints the player's id for every verb, and not the batcher behind it.
func (p *Player) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "player %q", p.id) }

// Player returns a player by the user id that events are sent under, which is the sub claim of the player's token.
func (b *Batcher) Player(userID string) *Player { return &Player{batcher: b, id: userID} }

// Track takes an event. When it returns nil the event is kept: it ends in exactly one Result. An
// event that cannot be sent is an *InvalidEventError.
//
// If there is room Track takes the event even if ctx has ended, so that an HTTP handler does not
// lose the event of a client that hung up. If there is none it waits until ctx ends. With a
// Config.Store it returns when the Store has the event, with the Store's error if the Store cannot
// keep it. A Store may stop when ctx ends: a handler with one calls
// Track(context.WithoutCancel(ctx), e).
func (p *Player) Track(ctx context.Context, e Event) error {
	return p.track(ctx, &e, nil, true)
}

// TryTrack is Track without waiting: where there is no room it returns ErrFull. With a Config.Store it takes as long as one Append there.
func (p *Player) TryTrack(e Event) error {
	return p.track(context.Background(), &e, nil, false)
}

// TrackAttrs is Track for an event of now whose data are attributes. It makes no garbage where they are texts, numbers, bools or
// groups of those.
func (p *Player) TrackAttrs(ctx context.Context, t EventType, attrs ...slog.Attr) error {
	return p.track(ctx, &Event{Type: t}, attrs, true)
}

// TryTrackAttrs is TrackAttrs without waiting: where there is no room it returns ErrFull.
func (p *Player) TryTrackAttrs(t EventType, attrs ...slog.Attr) error {
	return p.track(context.Background(), &Event{Type: t}, attrs, false)
}

// TrackCustom is TrackAttrs for an event of type Custom with that name.
func (p *Player) TrackCustom(ctx context.Context, name string, attrs ...slog.Attr) error {
	return p.track(ctx, &Event{Type: Custom, Name: name}, attrs, true)
}

// Track is Player.Track for a player by user id.
func (b *Batcher) Track(ctx context.Context, userID string, e Event) error {
	p := Player{batcher: b, id: userID}
	return p.track(ctx, &e, nil, true)
}

// TryTrack is Player.TryTrack for a player by user id.
func (b *Batcher) TryTrack(userID string, e Event) error {
	p := Player{batcher: b, id: userID}
	return p.track(context.Background(), &e, nil, false)
}

func (p *Player) track(ctx context.Context, e *Event, attrs []slog.Attr, wait bool) error {
	b := p.batcher
	at := b.now()
	// The event is encoded here, in the caller's goroutine and outside of every lock: its values may run the caller's code.
	var scratch [512]byte
	json, err := appendHead(scratch[:0], e, &b.clock, at, b.heads)
	if err != nil {
		return err
	}
	flat := b.cfg.EventIDKey == ""
	if flat {
		before := json
		if json, flat = appendFlat(json, e.Data, attrs); !flat {
			json = before
		}
	}
	if !flat {
		if json, err = b.appendDeep(json, e.Data, attrs); err != nil {
			return err
		}
	}
	if len(json) > b.cfg.EventBytes {
		return &InvalidEventError{"event", fmt.Sprintf("has %d bytes as JSON, Config.EventBytes allows %d", len(json), b.cfg.EventBytes)}
	}
	if b.off {
		return p.discard()
	}
	since := int64(math.MaxInt64)
	if !e.Accepted.IsZero() {
		since = b.clock.at(e.Accepted)
	}
	return p.keep(ctx, json, at, since, b.sendsOnce(e.Type), wait)
}

// appendDeep appends what the short way could not, with the event's id where there is one. It works on a copy: appendData lets its
// buffer escape to the heap, and Track's must not.
func (b *Batcher) appendDeep(head []byte, data any, attrs []slog.Attr) ([]byte, error) {
	id := ""
	if b.cfg.EventIDKey != "" {
		id = b.idBase + strconv.FormatUint(b.ids.Add(1), 36)
	}
	return appendData(append(make([]byte, 0, 512), head...), data, attrs, b.cfg.EventIDKey, id)
}

// keep puts an encoded event into the player's lane if there is room for it, or waits. The event was accepted
// now, or earlier if since is earlier.
func (p *Player) keep(ctx context.Context, json []byte, accepted, since int64, once, wait bool) error {
	b, size := p.batcher, int64(len(json))
	granted := false // the budget's room is taken
	for {
		l, err := p.current()
		if err != nil {
			b.giveBack(granted, size)
			return err
		}
		if l.frame+len(json) > b.cfg.BatchBytes {
			b.missedLocked(l)
			l.mu.Unlock()
			b.giveBack(granted, size)
			return &InvalidEventError{"event", fmt.Sprintf("has %d bytes as JSON, and a request of it %d: Config.BatchBytes allows %d",
				len(json), l.frame+len(json), b.cfg.BatchBytes)}
		}
		room := l.fullLocked(&b.cfg, len(json))
		if room != nil {
			b.hurryLocked(l) // room matters more now than a full batch
		}
		if room == nil && (granted || b.budget.take(size)) {
			if b.cfg.Store != nil {
				return b.storeLocked(ctx, l, json, accepted, once, granted)
			}
			b.putLocked(l, json, accepted, min(accepted, since), once)
			l.mu.Unlock()
			if granted {
				b.budget.inHand.Done()
			}
			return nil
		}
		b.missedLocked(l)
		l.mu.Unlock()
		if !wait {
			return ErrFull
		}
		if room == nil {
			if err := b.waitForRoom(ctx, size); err != nil {
				return err
			}
			granted, accepted = true, b.now()
			continue
		}
		// The player has too much waiting. It does not wait with room in hand that others could use.
		b.giveBack(granted, size)
		granted = false
		select {
		case <-room:
			accepted = b.now()
		case <-b.closing:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// current returns the player's lane, locked.
func (p *Player) current() (*lane, error) {
	for {
		l := p.lane.Load()
		if l == nil {
			if err := checkUserID(p.id); err != nil {
				return nil, err
			}
			if check := p.batcher.checkPlayer; check != nil {
				if err := check(p.id); err != nil {
					return nil, &InvalidEventError{"user_id", err.Error()}
				}
			}
			l = p.batcher.lane(p.id)
			p.lane.Store(l)
		}
		l.mu.Lock()
		// Close sets closed before it looks at the lanes under their mutex: an event that comes in before is seen by it, and one
		// that comes after sees closed here.
		switch {
		case p.batcher.closed.Load():
			l.mu.Unlock()
			return nil, ErrClosed
		case l.erased:
			l.mu.Unlock()
			return nil, ErrErased
		case l.status != gone:
			return l, nil
		}
		l.mu.Unlock()
		p.lane.CompareAndSwap(l, nil) // the lane was forgotten: the player comes back
	}
}

func checkUserID(id string) error {
	if id == "" || !utf8.ValidString(id) {
		return &InvalidEventError{"user_id", "must be valid UTF-8 and not empty"}
	}
	return nil
}

// fullLocked returns nil where the lane has room, else a channel that is closed when some comes.
func (l *lane) fullLocked(cfg *Config, size int) <-chan struct{} {
	if l.events < cfg.MaxPlayerEvents && l.bytes+size <= cfg.MaxPlayerBytes {
		return nil
	}
	if l.room == nil {
		l.room = make(chan struct{})
	}
	return l.room
}

func (b *Batcher) giveBack(granted bool, size int64) {
	if granted {
		b.budget.release(1, size)
		b.budget.inHand.Done()
		b.budget.wake()
	}
}

// waitForRoom waits in the budget's line. The first in line makes everything go that lingers: room matters more now than full batches. A
// block that waits for its turn takes more events all the same; were each sealed whenever somebody waits, a backlog would go out in crumbs.
//
// It stands in line when it does so: what lingers then is found, and what is put after sees that somebody waits.
func (b *Batcher) waitForRoom(ctx context.Context, size int64) error {
	return b.budget.wait(ctx, size, b.endLingering)
}

// endLingering makes every lane send that lingers. It looks at no other, so its cost is that of their having begun to linger.
func (b *Batcher) endLingering() {
	for _, l := range b.sched.takeLingering() {
		l.mu.Lock()
		b.stepLocked(l, hurried, b.now())
		l.mu.Unlock()
	}
}
