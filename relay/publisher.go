package relay

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/batcher"
)

// Publisher is a batcher whose service is the stream: it has the batcher's methods, promises and bounds. Delivered means that the stream
// has acknowledged the event; what the relays then make of it is not known here.
//
// While NATS is gone, or the stream full, events wait in memory within Config.MaxEvents and MaxBytes, and then Track waits and TryTrack
// returns batcher.ErrFull; Stats tells the cause in LastError, such as ErrStreamFull.
//
// Each event has an id, under which the stream drops a second copy within StreamConfig.Duplicates. A server that starts again knows the
// ids of the messages that it still has: one that a relay has settled by then can be stored a second time. The ledger's PossibleDuplicates
// counts what was sent again, so it is an upper bound of all that.
type Publisher struct {
	*batcher.Batcher
	ids *eventIDs
}

// publishLinger is how long an event waits for others of its player by default. What is in memory is not in the stream yet.
const publishLinger = 10 * time.Millisecond

// NewPublisher returns a publisher to a stream that CreateStream made. It takes the config that a batcher takes, so that a game server
// changes one line:
//
//	b, err := client.NewBatcher(cfg)
//	b, err := relay.NewPublisher(ctx, js, "EVENTS", cfg)
//
// Tokens is not asked: no token goes into the stream, the relays have a source of their own. MaxAge and AtMostOnce belong to the relays
// and are refused here. With a Store what waits here outlives the process; an event that an earlier process had published without an
// answer has a new id, so the stream may get it twice. The defaults differ where the stream is nearer than the service: Linger is 10 ms, SendTimeout 5 s, MaxInFlight
// 256.
func NewPublisher(ctx context.Context, js jetstream.JetStream, stream string, cfg batcher.Config) (*Publisher, error) {
	if cfg.MaxAge != 0 || len(cfg.AtMostOnce) > 0 {
		return nil, errors.New("relay: Config.MaxAge and Config.AtMostOnce belong into the relays' config: remove them from the publisher's")
	}
	if cfg.EventBytes > maxEvent {
		return nil, errors.New("relay: Config.EventBytes must be at most 480 KiB: a message of the stream holds no more")
	}
	settings, err := openStream(ctx, js, stream)
	if err != nil {
		return nil, err
	}
	cfg.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "none"}, nil })
	if cfg.Linger == 0 {
		cfg.Linger = publishLinger
	}
	if cfg.SendTimeout == 0 {
		cfg.SendTimeout = 5 * time.Second
	}
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = 256
	}
	game, err := token(cfg.GameID)
	if err != nil {
		return nil, err
	}
	sender := newStreamSender(js.Conn(), settings, game)
	if cfg.Store != nil { // an earlier process may have had AtMostOnce: such an event is given up in the middle of others
		told := cfg.OnOutcome
		cfg.OnOutcome = func(o batcher.Outcome) {
			if o.Result == batcher.Unknown {
				sender.ids.drop(o.UserID, o.Records)
			}
			if told != nil {
				told(o)
			}
		}
	}
	b, err := batcher.New(sender, cfg)
	if err != nil {
		return nil, err
	}
	return &Publisher{b, sender.ids}, nil
}

// Erase is batcher.Batcher.Erase: it drops what waits in this publisher. What the stream and the relays have is an Eraser's.
func (p *Publisher) Erase(ctx context.Context, userID string) (batcher.Erasure, error) {
	erased, err := p.Batcher.Erase(ctx, userID)
	if err == nil { // otherwise events may go on to be published, and must keep their ids
		p.ids.forget(userID)
	}
	return erased, err
}
