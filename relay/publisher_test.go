package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// The publisher: its promises are the batcher's, its partition the server's.

func TestPublisherConfig(t *testing.T) {
	t.Parallel()
	f := single(t)
	for name, test := range map[string]struct {
		cfg  batcher.Config
		want string
	}{
		"MaxAge":     {batcher.Config{GameID: gameID, MaxAge: time.Hour}, "MaxAge"},
		"AtMostOnce": {batcher.Config{GameID: gameID, AtMostOnce: []batcher.EventType{batcher.AppOpen}}, "AtMostOnce"},
		"EventBytes": {batcher.Config{GameID: gameID, EventBytes: 1 << 20, BatchBytes: 1 << 20}, "EventBytes"},
		"too large":  {batcher.Config{GameID: gameID, EventBytes: defaultEventBytes + 1}, "WithStreamConfig"},
		"no game":    {batcher.Config{}, "empty id"},
		"batcher's":  {batcher.Config{GameID: gameID, BatchEvents: 201}, "BatchEvents"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewPublisher(t.Context(), f.connect(), "EVENTS", test.cfg)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// TestPublisherWhileNATSIsGone: the server is away for a while, and comes back with what it had.
// Nothing is lost, the order is kept, and what was on its way when the server went is not there
// twice.
func TestPublisherWhileNATSIsGone(t *testing.T) {
	t.Parallel()
	port, dir := freePort(t), t.TempDir()
	first := runServerAt(t, &server.Options{Port: port}, dir)
	f := start(t, []*server.Server{first}, StreamConfig{Replicas: 1})
	p := f.publisher()
	const players, n = 10, 150
	play(t, p, players, n/3)
	first.Shutdown()
	first.WaitForShutdown()
	for i := range players {
		track(t, p, player(i), n/3, 2*n/3)
	}
	eventually(t, func() bool { // a server that goes down answers for a moment that it has no stream
		s := p.Stats()
		return s.Outage && s.LastError != nil && strings.Contains(s.LastError.Error(), "NATS is")
	}, "the publisher does not notice")
	assert.GreaterOrEqual(t, p.Ledger().Pending, int64(players*n/3), "events wait in memory")
	f.servers = []*server.Server{runServerAt(t, &server.Options{Port: port}, dir)}
	for i := range players {
		track(t, p, player(i), 2*n/3, n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	report, err := p.Close(ctx)
	require.NoError(t, err, "%v", p.Stats())
	assert.Equal(t, int64(players*n), report.Delivered)
	assert.Equal(t, uint64(players*n), f.state("EVENTS").Msgs, "each event is there once")
	f.relay()
	f.idle()
	assert.Zero(t, f.requireOrder(players, n))
}

// TestStreamFull: a stream without room refuses, the publisher keeps what it has taken, and takes
// no more than its memory holds.
func TestStreamFull(t *testing.T) {
	t.Parallel()
	f := start(t, []*server.Server{runServer(t, &server.Options{})}, StreamConfig{Replicas: 1, MaxBytes: 20_000})
	p := f.publisher(func(c *batcher.Config) { c.MaxEvents, c.MaxPlayerEvents = 100, 100 })
	accepted := 0
	eventually(t, func() bool {
		err := p.TryTrack("ace", batcher.Event{Type: batcher.LevelCompleted, Data: []slog.Attr{slog.Int("n", accepted)}})
		if err != nil {
			assert.ErrorIs(t, err, batcher.ErrFull)
			return p.Stats().LastError != nil && p.Ledger().Pending == 100
		}
		accepted++
		return false
	}, "the stream is never full")
	require.ErrorIs(t, p.Stats().LastError, ErrStreamFull)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, p.Track(ctx, "ace", batcher.Event{Type: batcher.AppOpen}), context.DeadlineExceeded)
	assert.Less(t, f.state("EVENTS").Bytes, uint64(21_000))
	f.relay() // which makes room
	report, err := p.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(accepted), report.Delivered)
	f.idle()
	var want []int
	for n := range accepted {
		want = append(want, n)
	}
	assert.Equal(t, want, f.numbers("ace"))
}

// TestStreamSender: one request of the batcher, over real servers: what the stream has afterwards,
// and what the batcher is told.
func TestStreamSender(t *testing.T) {
	t.Parallel()
	f := single(t)
	sender := func(t *testing.T) *streamSender {
		t.Helper()
		s := newStreamSender(f.connect().Conn(), f.stream, "game")
		s.batches = true // as with three replicas
		return s
	}
	stored := func(t *testing.T, player string) (out []string) {
		t.Helper()
		s, err := f.connect().Stream(t.Context(), "EVENTS")
		require.NoError(t, err)
		for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
			if m, err := s.GetMsg(t.Context(), seq); err == nil && strings.HasSuffix(m.Subject, "."+player) {
				out = append(out, string(m.Data))
			}
		}
		return out
	}
	t.Run("all of a batch, once, in order", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, sendOnce(t.Context(), sender(t), batchOf("ace", "1", "2", "3")))
		assert.Equal(t, []string{"1", "2", "3"}, stored(t, "ace"))
	})
	t.Run("again after an answer that was lost: no copies", func(t *testing.T) {
		t.Parallel()
		s := sender(t)
		require.NoError(t, sendOnce(t.Context(), s, batchOf("blitz", "1", "2", "3")))
		s.ids.next = 0 // as if the answer had not come
		s.ids.begin("blitz", [][]byte{[]byte("1"), []byte("2"), []byte("3")})
		require.NoError(t, sendOnce(t.Context(), s, batchOf("blitz", "1")), "the batcher probes with one event")
		require.NoError(t, sendOnce(t.Context(), s, batchOf("blitz", "2", "3")))
		require.NoError(t, sendOnce(t.Context(), s, batchOf("blitz", "4")))
		assert.Equal(t, []string{"1", "2", "3", "4"}, stored(t, "blitz"))
	})
	t.Run("more batches open than a server allows", func(t *testing.T) {
		t.Parallel()
		s := sender(t)
		for range maxOpenBatches {
			s.open <- struct{}{}
		}
		require.NoError(t, sendOnce(t.Context(), s, batchOf("comet", "1", "2", "3")), "one after the other")
		assert.Equal(t, []string{"1", "2", "3"}, stored(t, "comet"))
	})
	t.Run("an event that no message can hold is rejected alone", func(t *testing.T) {
		t.Parallel()
		s := sender(t)
		large := strings.Repeat("x", f.stream.EventBytes+headerRoom)
		err := sendOnce(t.Context(), s, batchOf("dash", large))
		var failed *batcher.SendError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, batcher.Invalid, failed.Failure)
		assert.Empty(t, s.ids.tried)
		require.ErrorAs(t, sendOnce(t.Context(), s, batchOf("dash", "1", large, "3")), &failed)
		assert.Equal(t, batcher.InDoubt, failed.Failure, "they go one after the other, and the first is stored")
		require.ErrorAs(t, sendOnce(t.Context(), s, batchOf("dash", "1", large, "3")), &failed)
		assert.Equal(t, batcher.Invalid, failed.Failure, "the batcher cuts the batch until it has found the one")
	})
	t.Run("what the stream has acknowledged is not sent again with what it refused", func(t *testing.T) {
		t.Parallel()
		f := single(t, func(c *StreamConfig) { c.MaxBytes = 2_000 })
		s := newStreamSender(f.connect().Conn(), f.stream, "game")
		sent := make(chan *nats.Msg, 10)
		_, err := s.nc.ChanSubscribe("events.game.*", sent)
		require.NoError(t, err)
		err = sendOnce(t.Context(), s, batchOf("flash", "1", "2", strings.Repeat("x", 3_000)))
		require.ErrorIs(t, err, ErrStreamFull)
		var failed *batcher.SendError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, batcher.InDoubt, failed.Failure, "a part of it is stored")
		require.ErrorAs(t, sendOnce(t.Context(), s, batchOf("flash", "1", "2", strings.Repeat("x", 3_000))), &failed)
		assert.Equal(t, batcher.Unavailable, failed.Failure, "no more of it is")
		require.NoError(t, sendOnce(t.Context(), s, batchOf("flash", "1")), "the batcher probes with one event")
		require.NoError(t, sendOnce(t.Context(), s, batchOf("flash", "2", "3")))
		require.NoError(t, s.nc.Flush())
		var all []string
		for range len(sent) {
			all = append(all, string((<-sent).Data[:1]))
		}
		assert.Equal(t, []string{"1", "2", "x", "x", "3"}, all, "the stream remembers ids for a while only")
	})
	t.Run("a player whose id has no subject", func(t *testing.T) {
		t.Parallel()
		err := sendOnce(t.Context(), sender(t), batchOf(strings.Repeat("é", maxToken), "1"))
		var failed *batcher.SendError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, batcher.Invalid, failed.Failure)
	})
	t.Run("without a connection nothing is sent", func(t *testing.T) {
		t.Parallel()
		s := sender(t)
		s.nc.Close()
		err := sendOnce(t.Context(), s, batchOf("echo", "1", "2"))
		var failed *batcher.SendError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, batcher.NotSent, failed.Failure)
		assert.Empty(t, stored(t, "echo"))
	})
	t.Run("without a stream nothing is sent", func(t *testing.T) {
		t.Parallel()
		s := sender(t)
		s.prefix = "nowhere."
		err := sendOnce(t.Context(), s, batchOf("echo", "1"))
		var failed *batcher.SendError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, batcher.NotSent, failed.Failure)
	})
	t.Run("no answer in time is in doubt", func(t *testing.T) {
		t.Parallel()
		s := sender(t)
		silent, err := s.nc.Subscribe("silent.>", func(*nats.Msg) {})
		require.NoError(t, err)
		require.NoError(t, s.nc.Flush())
		defer func() { _ = silent.Unsubscribe() }()
		s.prefix = "silent."
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err = sendOnce(ctx, s, batchOf("echo", "1"))
		var failed *batcher.SendError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, batcher.InDoubt, failed.Failure)
		assert.Len(t, s.ids.tried["echo"], 1, "its id is kept for the next time")
	})
}

// TestPartitionIsTheServers: partitions do not depend on who publishes.
func TestPartitionIsTheServers(t *testing.T) {
	t.Parallel()
	f := single(t)
	for range 3 {
		p := f.publisher()
		play(t, p, 30, 1)
		_, err := p.Close(t.Context())
		require.NoError(t, err)
	}
	s, err := f.connect().Stream(t.Context(), "EVENTS")
	require.NoError(t, err)
	info, err := s.Info(t.Context(), jetstream.WithSubjectFilter("events.>"))
	require.NoError(t, err)
	assert.Len(t, info.State.Subjects, 30, "a player has one subject, and with it one partition")
	used := map[string]bool{}
	for subject, n := range info.State.Subjects {
		assert.Equal(t, uint64(3), n, subject)
		used[strings.Split(subject, ".")[1]] = true
	}
	assert.Greater(t, len(used), 3, "and players are dealt out")
}

// TestNoTokenInTheStream plants a token wherever a game server has one, and looks for it in every
// message of every stream.
func TestNoTokenInTheStream(t *testing.T) {
	t.Parallel()
	const canary = "canary-token-7f3a"
	f := single(t)
	var asked atomic.Bool
	source := batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
		asked.Store(true)
		return batcher.Token{Value: batcher.Secret(canary)}, nil
	})
	p := f.publisher(func(c *batcher.Config) { c.Tokens = source })
	p.SetToken("ace", batcher.Token{Value: batcher.Secret(canary)})
	require.NoError(t, p.Track(t.Context(), "ace", batcher.Event{Type: batcher.AppOpen}))
	_, err := p.Close(t.Context())
	require.NoError(t, err)
	assert.False(t, asked.Load(), "a publisher asks for no token")
	r := f.relay(func(c *Config) {
		c.Batcher.Tokens = source
		c.Sender = sendFunc(func(_ context.Context, b batcher.Batch) error {
			assert.Equal(t, canary, string(b.Token.Value))
			return &batcher.SendError{Failure: batcher.Invalid, Err: context.Canceled}
		})
	})
	f.idle()
	assert.Equal(t, map[string]int64{"rejected": 1}, r.Stats().DeadLetters)
	for _, name := range []string{"EVENTS", "EVENTS-dead", "EVENTS-leases"} {
		for _, m := range f.messages(name) {
			assert.NotContains(t, string(m.Data), canary)
			assert.NotContains(t, fmt.Sprint(m.Header), canary)
		}
	}
	assert.NotEmpty(t, f.messages("EVENTS-dead"))
}

// TestErasedPlayerHasNoIDs: events of a player that were tried and then erased leave nothing
// behind, and one that equals them has an id of its own.
func TestErasedPlayerHasNoIDs(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.MaxBytes = 2_000 })
	p := f.publisher(func(c *batcher.Config) { c.EventBytes = 4_000 })
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	small := batcher.Event{Type: batcher.AppOpen, Time: at}
	require.NoError(t, p.Track(t.Context(), "ace", small))
	large := []slog.Attr{slog.String("s", strings.Repeat("x", 3_000))}
	require.NoError(t, p.Track(t.Context(), "ace", batcher.Event{Type: batcher.AppOpen, Time: at, Data: large}))
	eventually(t, func() bool { return errors.Is(p.Stats().LastError, ErrStreamFull) }, "the stream has room")
	ended, end := context.WithCancel(t.Context())
	end()
	_, err := p.Erase(ended, "ace")
	require.Error(t, err)
	p.ids.mu.Lock()
	assert.NotEmpty(t, p.ids.tried, "what goes on to be published keeps its id")
	p.ids.mu.Unlock()
	erased, err := p.Erase(t.Context(), "ace")
	require.NoError(t, err)
	assert.Positive(t, erased.Events)
	p.ids.mu.Lock()
	assert.Empty(t, p.ids.tried)
	p.ids.mu.Unlock()
	before := f.state("EVENTS").LastSeq
	require.True(t, p.Readmit("ace"))
	require.NoError(t, p.Track(t.Context(), "ace", small))
	_, err = p.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, before+1, f.state("EVENTS").LastSeq, "the player is back with an event that equals the first one")
}

// leftStore is a Store with what an earlier process has left; it keeps nothing of this one.
type leftStore struct {
	batcher.Store

	events []batcher.StoredEvent
}

func (s leftStore) Sending(context.Context, []uint64) error { return nil }
func (s leftStore) Settled(context.Context, []uint64) error { return nil }

func (s leftStore) Recover(context.Context) iter.Seq2[batcher.StoredEvent, error] {
	return func(yield func(batcher.StoredEvent, error) bool) {
		for _, e := range s.events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// namedStore is a leftStore with a name.
type namedStore struct {
	leftStore

	name string
}

func (s namedStore) Name() string { return s.name }

// TestStoredEventsKeepTheirIDs: what a process has published and not settled in its Store is
// published again by the next one, and the stream drops it. Events of other Stores, and other
// events that have an id again, are kept.
func TestStoredEventsKeepTheirIDs(t *testing.T) {
	t.Parallel()
	f := single(t)
	left := func(name string, texts ...string) namedStore {
		s := namedStore{name: name}
		for i, text := range texts {
			s.events = append(s.events, batcher.StoredEvent{
				ID: uint64(i + 1), UserID: "ace", Accepted: time.Now(), InDoubt: i == 0, JSON: []byte(`{"type":"AppOpen","n":` + text + `}`),
			})
		}
		return s
	}
	publish := func(s batcher.Store) {
		t.Helper()
		p := f.publisher(func(c *batcher.Config) { c.Store = s })
		eventually(t, func() bool { return p.Ledger().Pending == 0 }, "not published")
		_, err := p.Close(t.Context())
		require.NoError(t, err)
	}
	for _, step := range []struct {
		what  string
		store batcher.Store
		want  int // messages in the stream then
	}{
		{"a process", left("ONE", "1", "2", "3"), 3},
		{"the next one", left("ONE", "1", "2", "3"), 3},
		{"with one more", left("ONE", "1", "2", "3", "4"), 4},
		{"another server, with the same events", left("TWO", "1", "2", "3"), 7},
		{"an id is given again after a power cut", left("ONE", "1", "2", "5"), 8},
		{"a Store without a name", left("", "1", "2", "3").leftStore, 11},
		{"and once more", left("", "1", "2", "3").leftStore, 14},
	} {
		publish(step.store)
		assert.Len(t, f.messages("EVENTS"), step.want, step.what)
	}
}

// TestOnceEventsOfAnEarlierProcess: one that is given up between others does not cost those their
// ids.
func TestOnceEventsOfAnEarlierProcess(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.MaxBytes = 2_000 })
	var left leftStore
	for i, text := range []string{"1", "2", strings.Repeat("3", 3_000)} {
		left.events = append(left.events, batcher.StoredEvent{
			ID: uint64(i + 1), UserID: "ace", Accepted: time.Now(), Once: i == 1, JSON: []byte(`{"type":"AppOpen","n":` + text + `}`),
		})
	}
	told := make(chan batcher.Outcome, 3)
	p := f.publisher(func(c *batcher.Config) { c.Store, c.OnOutcome = left, func(o batcher.Outcome) { told <- o } })
	unknown := <-told
	assert.Equal(t, batcher.Unknown, unknown.Result, "the first two are stored and the third is not: all are in doubt")
	require.Len(t, unknown.Records, 1)
	assert.JSONEq(t, `{"type":"AppOpen","n":2}`, string(unknown.Records[0].JSON))
	s, err := f.connect().Stream(t.Context(), "EVENTS")
	require.NoError(t, err)
	cfg := s.CachedInfo().Config
	cfg.MaxBytes = 20_000
	_, err = f.connect().UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	eventually(t, func() bool { return p.Ledger().Delivered == 2 }, "not delivered")
	messages := f.messages("EVENTS")
	require.Len(t, messages, 3)
	assert.Equal(t, p.ids.text(3), messages[2].Header.Get(nats.MsgIdHdr), "the id with which it was tried first")
}

// batchOf is a request with events as they are.
func batchOf(player string, events ...string) batcher.Batch {
	var raw []json.RawMessage
	for _, e := range events {
		raw = append(raw, json.RawMessage(e))
	}
	return batcher.NewBatch(player, "game", batcher.Token{}, raw...)
}

// TestTrackRefusesAnIDThatNoSubjectHolds: the id is refused when it is tracked, and not rejected
// later.
func TestTrackRefusesAnIDThatNoSubjectHolds(t *testing.T) {
	t.Parallel()
	f := single(t)
	p := f.publisher()
	for name, test := range map[string]struct {
		id string
		ok bool
	}{
		"as long as may be":             {strings.Repeat("x", maxToken), true},
		"one more":                      {strings.Repeat("x", maxToken+1), false},
		"113 katakana, as long as fits": {strings.Repeat("\u30ab", 113), true},
		"120 katakana":                  {strings.Repeat("\u30ab", 120), false},
		"dots":                          {strings.Repeat(".", maxToken/3), true},
		"one dot more":                  {strings.Repeat(".", maxToken/3+1), false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range []error{
				p.TryTrack(test.id, batcher.Event{Type: batcher.AppOpen}),
				p.Player(test.id).TrackAttrs(t.Context(), batcher.AppOpen),
			} {
				if test.ok {
					require.NoError(t, err)
					continue
				}
				invalid, ok := errors.AsType[*batcher.InvalidEventError](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, "user_id", invalid.Field)
			}
		})
	}
	report, err := p.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(6), report.Delivered)
	assert.Zero(t, report.Rejected)
}
