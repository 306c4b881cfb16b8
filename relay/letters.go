package relay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/batcher"
)

// DeadLetter is an event that was not delivered, as the stream of the dead letters has it.
type DeadLetter struct {
	UserID  string // "" where the message had no player's subject
	JSON    []byte // the event as the stream had it
	Result  string // rejected, expired, unknown, malformed, or set aside
	Cause   string
	EventID string    // in the stream of the events
	Stored  time.Time // when that stream took it
	GivenUp time.Time

	seq    uint64
	stream jetstream.Stream
}

// DeadLetters returns what a fleet has given up of a game, the oldest first, up to the one that is
// the last when it begins: a loop that tracks them again and makes new ones ends. It asks the
// stream for each one, and needs the rights that [Permissions] lists for RoleSupport. After an
// error there is nothing more.
func DeadLetters(ctx context.Context, js jetstream.JetStream, stream, gameID string) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		game, err := token(gameID)
		if err != nil {
			yield(DeadLetter{}, err)
			return
		}
		s, err := js.Stream(ctx, stream+"-dead")
		if err != nil {
			yield(DeadLetter{}, fmt.Errorf("relay: stream %s-dead: %w; CreateStream makes it", stream, err))
			return
		}
		subjects := s.CachedInfo().Config.Subjects
		if len(subjects) != 1 || !strings.HasSuffix(subjects[0], "-dead.>") {
			yield(DeadLetter{}, fmt.Errorf("relay: stream %s-dead was not made by CreateStream: its subjects are %q", stream, subjects))
			return
		}
		filter, last := strings.TrimSuffix(subjects[0], ">")+game+".*", s.CachedInfo().State.LastSeq
		for next := uint64(1); next <= last; {
			m, err := s.GetMsg(ctx, next, jetstream.WithGetMsgSubject(filter))
			if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Sequence > last {
				return
			}
			if err != nil {
				yield(DeadLetter{}, fmt.Errorf("relay: reading dead letters from %d on: %w", next, err))
				return
			}
			if !yield(readLetter(s, m), nil) {
				return
			}
			next = m.Sequence + 1
		}
	}
}

// readLetter reads what deadLetter has written. A time that cannot be read is zero.
func readLetter(s jetstream.Stream, m *jetstream.RawStreamMsg) DeadLetter {
	d := DeadLetter{
		JSON: m.Data, Result: m.Header.Get(ResultHeader), Cause: m.Header.Get(CauseHeader), EventID: m.Header.Get(EventIDHeader),
		seq: m.Sequence, stream: s,
	}
	_, last := cutLast(m.Subject)
	d.UserID, _ = parseToken(last)
	d.Stored, _ = time.Parse(time.RFC3339Nano, m.Header.Get(StoredHeader))
	d.GivenUp, _ = time.Parse(time.RFC3339Nano, m.Header.Get(TimeHeader))
	return d
}

// Event returns the event, to be tracked again once its cause is mended. It is a new one for the
// stream then. Where Result is unknown the service may have it already. The error says that a
// malformed one is no event.
func (d DeadLetter) Event() (batcher.Event, error) {
	e, err := batcher.Record{JSON: d.JSON}.Event()
	if err != nil {
		return batcher.Event{}, fmt.Errorf("relay: the dead letter of event %q is no event: %w", d.EventID, err)
	}
	return e, nil
}

// Remove deletes the dead letter from its stream. It is no error where it is gone.
func (d DeadLetter) Remove(ctx context.Context) error {
	if d.stream == nil {
		return errors.New("relay: only a dead letter that DeadLetters returned can be removed")
	}
	err := d.stream.DeleteMsg(ctx, d.seq)
	if errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) { // the server's code for one that is gone is also that of other failures
		if _, found := d.stream.GetMsg(ctx, d.seq); errors.Is(found, jetstream.ErrMsgNotFound) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("relay: removing a dead letter: %w", err)
	}
	return nil
}
