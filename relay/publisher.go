package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/batcher"
)

// Publisher is a batcher whose service is the stream: it has the batcher's methods, promises and
// bounds. Delivered means that the stream has acknowledged the event; what the relays then make of
// it is not known here.
//
// While NATS is gone, or the stream full, events wait in memory within Config.MaxEvents and
// MaxBytes, and then Track waits and TryTrack returns batcher.ErrFull; Stats tells the cause in
// LastError, such as ErrStreamFull.
//
// Each event has an id, under which the stream drops a second copy within StreamConfig.Duplicates.
// That window is also how long after its first try an event may be tried again, by this process or
// the next one with the same Store, without a copy in the stream: set it longer than your longest
// outage of NATS, at the cost of the servers' memory. The ledger's PossibleDuplicates counts what
// was sent again, so it is an upper bound. With Config.EventIDKey an event carries an id of its own
// to the service, which all copies have.
type Publisher struct {
	*batcher.Batcher
	ids *eventIDs
}

// publishLinger is how long an event waits for others of its player by default. What is in memory
// is not in the stream yet.
const publishLinger = 10 * time.Millisecond

// PublisherOption changes how NewPublisher sees the stream.
type PublisherOption func(*publisherOptions)

type publisherOptions struct {
	stream StreamConfig
	check  bool
}

// WithStreamConfig gives the publisher the StreamConfig that CreateStream was given. A publisher
// needs it if Prefix, Replicas or EventBytes are not the defaults: it has no right to ask the
// server for them. An empty Name is the stream's.
func WithStreamConfig(cfg StreamConfig) PublisherOption {
	return func(o *publisherOptions) { o.stream = cfg }
}

// WithStreamCheck makes NewPublisher read the settings of the stream from the server, and fail if
// the stream does not keep what this package promises. The connection needs the right to
// STREAM.INFO of the stream, which also lists the player ids of every game with waiting events: do
// not give it to game servers of games that must not trust each other. Relays check the stream
// without being asked.
func WithStreamCheck() PublisherOption {
	return func(o *publisherOptions) { o.check = true }
}

// NewPublisher returns a publisher to a stream that CreateStream made. It takes the config that a
// batcher takes, so that a game server changes one line:
//
//	b, err := client.NewBatcher(cfg)
//	b, err := relay.NewPublisher(ctx, js, "EVENTS", cfg)
//
// Its connection needs the rights that [Permissions] lists for RoleGameServer, and no others. It
// sends one message that no stream stores, to learn at once whether it may publish and whether the
// stream is there; if not, the error says which right is missing.
//
// It does not use Tokens: no token goes into the stream, and the relays have a source of their own.
// It refuses MaxAge and AtMostOnce, which belong to the relays, and an EventBytes above the
// stream's. With a Store, events that wait here outlive the process. If the Store is a
// batcher.NamedStore, as package spool has, an event keeps its id over restarts, so that the stream
// drops what an earlier process had published within StreamConfig.Duplicates; otherwise it may get
// such an event twice. Three defaults differ, because the stream is nearer than the service: Linger
// is 10 ms, SendTimeout 5 s, MaxInFlight 256.
func NewPublisher(
	ctx context.Context, js jetstream.JetStream, stream string, cfg batcher.Config, options ...PublisherOption,
) (*Publisher, error) {
	if cfg.MaxAge != 0 || len(cfg.AtMostOnce) > 0 {
		return nil, errors.New("relay: Config.MaxAge and Config.AtMostOnce belong into the relays' config: remove them from the publisher's")
	}
	game, err := token(cfg.GameID)
	if err != nil {
		return nil, err
	}
	var o publisherOptions
	for _, option := range options {
		option(&o)
	}
	settings, err := o.settings(ctx, js, stream)
	if err != nil {
		return nil, err
	}
	if cfg.EventBytes > settings.EventBytes {
		return nil, fmt.Errorf("relay: Config.EventBytes is %d, and the stream's StreamConfig.EventBytes %d: lower the one, "+
			"or raise the other and give it to NewPublisher in WithStreamConfig", cfg.EventBytes, settings.EventBytes)
	}
	if cfg.EventBytes == 0 {
		cfg.EventBytes = settings.EventBytes
		if cfg.BatchBytes != 0 {
			cfg.EventBytes = min(cfg.EventBytes, cfg.BatchBytes)
		}
	}
	cfg.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "none"}, nil })
	cfg.Linger = cmp.Or(cfg.Linger, publishLinger)
	cfg.SendTimeout = cmp.Or(cfg.SendTimeout, 5*time.Second)
	cfg.MaxInFlight = cmp.Or(cfg.MaxInFlight, 256)
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
	if named, ok := cfg.Store.(batcher.NamedStore); ok {
		sender.store = named.Name()
	}
	if err := sender.probe(ctx); err != nil {
		return nil, err
	}
	b, err := batcher.New(sender, cfg)
	if err != nil {
		return nil, err
	}
	return &Publisher{b, sender.ids}, nil
}

// settings returns what the publisher knows of the stream.
func (o publisherOptions) settings(ctx context.Context, js jetstream.JetStream, stream string) (StreamConfig, error) {
	if o.check {
		return openEvents(ctx, js, stream)
	}
	cfg := o.stream
	cfg.Name = cmp.Or(cfg.Name, stream)
	if cfg.Name != stream {
		return StreamConfig{}, fmt.Errorf("relay: WithStreamConfig is about stream %q, and NewPublisher about %q", cfg.Name, stream)
	}
	cfg = cfg.withDefaults()
	return cfg, cfg.validate()
}

// Erase is batcher.Batcher.Erase: it drops what waits in this publisher. What the stream and the
// relays have is an Eraser's.
func (p *Publisher) Erase(ctx context.Context, userID string) (batcher.Erasure, error) {
	erased, err := p.Batcher.Erase(ctx, userID)
	if err == nil { // otherwise events may go on to be published, and must keep their ids
		p.ids.forget(userID)
	}
	return erased, err
}
