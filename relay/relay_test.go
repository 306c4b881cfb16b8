package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// Relays that deliver, come, go and are killed.

func TestOneRelayDeliversInOrder(t *testing.T) {
	t.Parallel()
	f := single(t)
	p := f.publisher()
	r := f.relay()
	play(t, p, 20, 100)
	report, err := p.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(2000), report.Delivered)
	f.idle()
	assert.Zero(t, f.requireOrder(20, 100))
	assert.Equal(t, 2000, f.service.EventCount())
	require.NoError(t, r.Close(t.Context()))
	require.NoError(t, r.Close(t.Context()), "once more")
	s := r.Stats()
	assert.Equal(t, int64(2000), s.Delivered)
	assert.Zero(t, s.PossibleDuplicates)
	assert.Zero(t, s.Waiting)
	assert.Zero(t, s.Unconfirmed)
	assert.Zero(t, f.state("EVENTS").Consumers, "a relay that leaves takes its consumers along")
	for _, m := range f.messages("EVENTS-leases") {
		assert.Contains(t, m.Subject, ".note.", "and its leases")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	f := single(t)
	good := Config{Stream: "EVENTS", Sender: f.sender, Batcher: batcher.Config{GameID: gameID, Tokens: batcher.TokenFunc(nil)}}
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"Stream":       {func(c *Config) { c.Stream = "" }, "Config.Stream"},
		"Sender":       {func(c *Config) { c.Sender = nil }, "Config.Sender"},
		"DrainTimeout": {func(c *Config) { c.DrainTimeout = -1 }, "Config.DrainTimeout"},
		"Store":        {func(c *Config) { c.Batcher.Store = struct{ batcher.Store }{} }, "Config.Batcher.Store"},
		"EventIDKey":   {func(c *Config) { c.Batcher.EventIDKey = "event_id" }, "set it in the publishers' config"},
		"Batcher":      {func(c *Config) { c.Batcher.Tokens = nil }, "Config.Batcher: batcher: Config.Tokens"},
		"EventBytes":   {func(c *Config) { c.Batcher.EventBytes = defaultEventBytes - 1 }, "StreamConfig.EventBytes: raise the first"},
		"BatchBytes":   {func(c *Config) { c.Batcher.BatchBytes = 1000 }, "for events of 32768 bytes"},
		"no stream":    {func(c *Config) { c.Stream = "NONE" }, "CreateStream makes it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			test.change(&cfg)
			_, err := Start(t.Context(), f.connect(), cfg)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// TestRelaysComeAndGo: players play on while relays are added, leave and are killed. Nothing is
// lost, and each player's events are in order. A copy is one that a relay sent which was killed
// before it could say so, and is counted.
func TestRelaysComeAndGo(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = 2 * time.Second })
	const players, n = 30, 120
	relays := []*Relay{f.relay()}
	p := f.publisher()
	part := func(from, to int) { playOn(t, p, players, from, to) }
	part(0, n/4)
	relays = append(relays, f.relay(), f.relay())
	eventually(t, func() bool { // the first one gives up what is not its share
		for _, r := range relays {
			if len(r.Stats().Partitions) != f.stream.Partitions/3 {
				return false
			}
		}
		return true
	}, "the partitions are not shared out evenly")
	part(n/4, n/2)
	playing := make(chan struct{})
	go func() {
		defer close(playing)
		part(n/2, 3*n/4)
	}()
	kill(relays[0])
	relays = append(relays, f.relay())
	<-playing
	require.NoError(t, relays[1].Close(t.Context()))
	part(3*n/4, n)
	_, err := p.Close(t.Context())
	require.NoError(t, err)
	f.idle()
	copies := f.requireOrder(players, n)
	var possible, delivered int64
	for _, r := range relays {
		s := r.Stats()
		possible += s.PossibleDuplicates
		delivered += s.Delivered
		assert.Empty(t, s.DeadLetters)
	}
	assert.LessOrEqual(t, int64(copies), possible, "every copy was counted as possible")
	t.Logf("%d events delivered, %d copies, %d counted as possible", delivered, copies, possible)
}

// TestKillBetweenSendingAndAcknowledging: the service has the events, and the relay dies before it
// can say so.
func TestKillBetweenSendingAndAcknowledging(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = 4 * time.Second })
	p := f.publisher()
	for n, typ := range []batcher.EventType{batcher.AppOpen, batcher.LevelCompleted, batcher.GameEnd} {
		require.NoError(t, p.Track(t.Context(), "ace", batcher.Event{Type: typ, Data: []slog.Attr{slog.Int("n", n)}}))
	}
	require.NoError(t, p.Flush(t.Context()))
	sent, dead := make(chan struct{}), make(chan struct{})
	told := sync.OnceFunc(func() { close(sent) })
	once := []batcher.EventType{batcher.LevelCompleted}
	first := f.relay(func(c *Config) {
		c.Batcher.AtMostOnce = once
		c.Batcher.BatchEvents, c.Batcher.Linger = 3, time.Hour
		c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
			err := sendOnce(ctx, f.sender, b)
			told()
			<-dead
			return errors.Join(err, errors.New("the answer never came"))
		})
	})
	<-sent
	stored := len(f.numbers("ace"))
	first.js.Conn().Close()
	close(dead)
	kill(first)
	second := f.relay(func(c *Config) { c.Batcher.AtMostOnce = once })
	f.idle()
	s := second.Stats()
	assert.Equal(t, map[string]int64{"unknown": 1}, s.DeadLetters, "what must not be sent twice is not")
	assert.Equal(t, int64(2), s.PossibleDuplicates, "the others are, and are counted")
	assert.Len(t, f.service.Events("ace"), stored+2)
	letters := f.messages("EVENTS-dead")
	require.Len(t, letters, 1)
	assert.Contains(t, letters[0].Header.Get(CauseHeader), "AtMostOnce")
}

// TestDoubtOutlivesARelayInBetween: the service has the events of a relay that was killed. The next
// one reaches only some of them and leaves in good order, and the one after it must still not send
// again what may not be sent twice.
func TestDoubtOutlivesARelayInBetween(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = 4 * time.Second })
	p := f.publisher()
	for _, typ := range []batcher.EventType{batcher.AppOpen, batcher.GameEnd, batcher.LevelCompleted} {
		require.NoError(t, p.Track(t.Context(), "ace", batcher.Event{Type: typ}))
	}
	_, err := p.Close(t.Context())
	require.NoError(t, err)
	once := func(c *Config) { c.Batcher.AtMostOnce = []batcher.EventType{batcher.LevelCompleted} }
	sent, dead := make(chan struct{}), make(chan struct{})
	told := sync.OnceFunc(func() { close(sent) })
	first := f.relay(once, func(c *Config) {
		c.Batcher.BatchEvents, c.Batcher.Linger = 3, time.Hour // all three in one request
		c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
			err := sendOnce(ctx, f.sender, b)
			told()
			<-dead
			return errors.Join(err, ctx.Err())
		})
	})
	<-sent
	first.js.Conn().Close()
	close(dead)
	kill(first)
	between := f.relay(once, func(c *Config) {
		c.Batcher.MaxEvents = 1 // it waits for the first event, and never sees the third
		c.Sender = sendFunc(func(context.Context, batcher.Batch) error {
			return &batcher.SendError{Failure: batcher.NotSent, Err: errors.New("no network")}
		})
	})
	eventually(t, func() bool { return between.Stats().Requests > 0 }, "the second relay has nothing")
	require.NoError(t, between.Close(t.Context()))
	last := f.relay(once)
	f.idle()
	assert.Equal(t, map[string]int64{"unknown": 1}, last.Stats().DeadLetters)
	assert.Len(t, f.service.Events("ace"), 3+2, "the other two are sent again")
	assert.Equal(t, int64(2), last.Stats().PossibleDuplicates)
}

// TestKilledInTheMiddle: a relay is killed with many requests under way, and the next one has to
// sort out what it left.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = time.Second })
	f.service.Inject(emulator.Fault{Operation: "ingestEvents", Delay: 20 * time.Millisecond})
	const players, n = 40, 50
	p := f.publisher()
	play(t, p, players, n)
	_, err := p.Close(t.Context())
	require.NoError(t, err)
	var possible int64
	small := func(c *Config) { c.Batcher.BatchEvents, c.Batcher.MaxInFlight = 5, 4 }
	for _, until := range []int{players * n / 5, players * n / 2} {
		r := f.relay(small)
		eventually(t, func() bool { return f.service.EventCount() >= until }, "nothing is delivered")
		kill(r)
		possible += r.Stats().PossibleDuplicates
	}
	last := f.relay(small)
	f.idle()
	copies := f.requireOrder(players, n)
	possible += last.Stats().PossibleDuplicates
	assert.LessOrEqual(t, int64(copies), possible, "every copy was counted as possible")
	t.Logf("%d copies, %d counted as possible", copies, possible)
}

// TestServiceDown: while the service is down a relay takes no more than its batchers hold, and the
// stream has the rest.
func TestServiceDown(t *testing.T) {
	t.Parallel()
	f := single(t)
	heal := f.service.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503})
	const players, n, room = 12, 300, 20
	p := f.publisher()
	play(t, p, players, n)
	_, err := p.Close(t.Context())
	require.NoError(t, err)
	r := f.relay(func(c *Config) { c.Batcher.MaxEvents, c.Batcher.MaxPlayerEvents = room, room })
	eventually(t, func() bool { return r.Stats().Outage > 0 }, "the relay does not notice")
	// One message is in the hand of the partition that waits for room; what the client has pulled
	// beyond is the server's to bound.
	most := f.stream.Partitions * (room + 1)
	eventually(t, func() bool { return r.Stats().Waiting > most/2 }, "the relay takes nothing")
	assert.LessOrEqual(t, r.Stats().Waiting, most)
	assert.Equal(t, uint64(players*n), f.state("EVENTS").Msgs, "the stream holds everything")
	heal()
	f.idle()
	assert.Zero(t, f.requireOrder(players, n))
}

// TestPlayerWithoutToken: the events of a player who has no token wait, within a bound; beyond it
// they are set aside, and the other players of the partition go on.
func TestPlayerWithoutToken(t *testing.T) {
	t.Parallel()
	f := single(t)
	p := f.publisher()
	track(t, p, "ace", 0, 30)
	require.NoError(t, p.Flush(t.Context()))
	play(t, p, 20, 10)
	r := f.relay(withoutToken, func(c *Config) { c.Batcher.MaxPlayerEvents = 10 })
	f.until("EVENTS", func(s jetstream.StreamState) bool { return s.Msgs == 10 }, "the others are held up")
	f.requireOrder(20, 10)
	s := r.Stats()
	assert.Equal(t, 1, s.Parked)
	assert.Equal(t, map[string]int64{SetAside: 20}, s.DeadLetters)
	assert.Equal(t, 10, s.Waiting)
	require.NoError(t, r.Close(t.Context()))
	assert.Equal(t, int64(10), r.Stats().HandedOn)
	f.relay() // with a token for everybody
	f.idle()
	assert.Len(t, f.numbers("ace"), 10)
}

// TestExpired: with MaxAge an event that could not be delivered becomes a dead letter.
func TestExpired(t *testing.T) {
	t.Parallel()
	f := single(t)
	p := f.publisher()
	track(t, p, "ace", 0, 3)
	r := f.relay(func(c *Config) {
		c.Batcher.MaxAge = 50 * time.Millisecond
		c.Batcher.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{}, batcher.ErrNoToken })
	})
	f.idle()
	eventually(t, func() bool { return r.Stats().DeadLetters["expired"] == 3 }, "not counted")
	assert.Empty(t, f.service.Events("ace"))
}

// TestOnOutcomeOfTheCaller: it is told what becomes of events, after the stream was.
func TestOnOutcomeOfTheCaller(t *testing.T) {
	t.Parallel()
	f := single(t)
	var told sync.Map
	p := f.publisher()
	require.NoError(t, p.Track(t.Context(), "ace", batcher.Event{Type: batcher.AppOpen, Data: []slog.Attr{slog.Int("n", 0)}}))
	f.relay(func(c *Config) { c.Batcher.OnOutcome = func(o batcher.Outcome) { told.Store(o.UserID, o.Result) } })
	eventually(t, func() bool { result, ok := told.Load("ace"); return ok && result == batcher.Delivered }, "not told")
	f.idle()
}
