package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// A fleet for the tests: real servers in the process, a service that counts, publishers and relays,
// and what kills them.

const gameID = "com.example.stackblaster"

// fleet is real NATS servers, an emulator of the service, and what a test starts between them.
type fleet struct {
	t       *testing.T
	servers []*server.Server
	service *emulator.Emulator
	sender  batcher.Sender
	stream  StreamConfig
}

// single starts one server, with a stream of one replica and few partitions.
func single(t *testing.T, change ...func(*StreamConfig)) *fleet {
	t.Helper()
	cfg := StreamConfig{Replicas: 1}
	for _, c := range change {
		c(&cfg)
	}
	return start(t, []*server.Server{runServer(t, &server.Options{})}, cfg)
}

// cluster starts three servers and a stream with three replicas.
func cluster(t *testing.T, change ...func(*StreamConfig)) *fleet {
	t.Helper()
	cfg := StreamConfig{Replicas: 3}
	for _, c := range change {
		c(&cfg)
	}
	var routes []*url.URL
	var ports []int
	for len(ports) < 3 {
		port := freePort(t)
		if slices.Contains(ports, port) {
			continue
		}
		ports = append(ports, port)
		i := len(ports) - 1
		routes = append(routes, &url.URL{Scheme: "nats", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i]))})
	}
	var servers []*server.Server
	for i, port := range ports {
		servers = append(servers, runServer(t, &server.Options{
			ServerName: fmt.Sprintf("node-%d", i), Cluster: server.ClusterOpts{Name: "fleet", Host: "127.0.0.1", Port: port}, Routes: routes,
		}))
	}
	return start(t, servers, cfg)
}

func runServer(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	return runServerAt(t, o, t.TempDir())
}

func runServerAt(t *testing.T, o *server.Options, dir string) *server.Server {
	t.Helper()
	o.Host, o.Port, o.JetStream, o.StoreDir, o.NoLog, o.NoSigs = "127.0.0.1", cmp.Or(o.Port, server.RANDOM_PORT), true, dir, true, true
	s, err := server.NewServer(o)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

// freePort returns a port that nobody listens on, below those that systems hand out by themselves:
// one of those could be the end of a connection of another test a moment later.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(12_000)
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
	t.Fatal("no free port on loopback")
	return 0
}

func start(t *testing.T, servers []*server.Server, cfg StreamConfig) *fleet {
	t.Helper()
	f := &fleet{t: t, servers: servers, service: emulator.New()}
	client, err := playline.New(f.service.Options()...)
	require.NoError(t, err)
	f.sender, err = client.BatchSender()
	require.NoError(t, err)
	for _, s := range servers {
		require.True(t, s.ReadyForConnections(20*time.Second))
	}
	cfg.Name, cfg.Partitions, cfg.Erasable = "EVENTS", 6, true
	f.stream = cfg.withDefaults()
	js := f.connect()
	eventually(t, func() bool { // a cluster needs a while to elect its leader
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err = CreateStream(ctx, js, cfg)
		return err == nil
	}, "%v", &err)
	return f
}

// connect returns a connection that ends with the test.
func (f *fleet) connect() jetstream.JetStream {
	f.t.Helper()
	var urls string
	for i, s := range f.servers {
		if i > 0 {
			urls += ","
		}
		urls += s.ClientURL()
	}
	nc, err := nats.Connect(urls, nats.ReconnectWait(50*time.Millisecond), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true))
	require.NoError(f.t, err)
	f.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(f.t, err)
	return js
}

// publisher starts a publisher that is closed with the test.
func (f *fleet) publisher(change ...func(*batcher.Config)) *Publisher {
	f.t.Helper()
	cfg := batcher.Config{GameID: gameID, MaxPlayerEvents: 1_000_000}
	for _, c := range change {
		c(&cfg)
	}
	p, err := NewPublisher(f.t.Context(), f.connect(), "EVENTS", cfg, WithStreamConfig(f.stream))
	require.NoError(f.t, err)
	f.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(f.t.Context()))
		cancel()
		_, _ = p.Close(ctx)
	})
	return p
}

// relay starts a relay that is killed with the test.
func (f *fleet) relay(change ...func(*Config)) *Relay {
	f.t.Helper()
	cfg := Config{
		Stream: "EVENTS", Sender: f.sender, DrainTimeout: time.Second,
		Batcher: batcher.Config{GameID: gameID, Linger: 10 * time.Millisecond, Tokens: batcher.TokenFunc(
			func(_ context.Context, userID string) (batcher.Token, error) {
				return batcher.Token{Value: batcher.Secret(f.service.Token(userID, time.Hour))}, nil
			})},
	}
	if os.Getenv("RELAY_LOG") != "" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	for _, c := range change {
		c(&cfg)
	}
	return f.begin(f.connect(), cfg)
}

// begin starts a relay on a connection. With the short leases of some tests a busy machine can be
// too slow for the first write, so it tries until that works.
func (f *fleet) begin(js jetstream.JetStream, cfg Config) *Relay {
	f.t.Helper()
	var r *Relay
	var err error
	eventually(f.t, func() bool {
		r, err = Start(f.t.Context(), js, cfg)
		return err == nil
	}, "%v", &err)
	f.t.Cleanup(func() { kill(r) })
	return r
}

// withoutToken is tokens for everybody but ace.
func withoutToken(c *Config) {
	good := c.Batcher.Tokens
	c.Batcher.Tokens = batcher.TokenFunc(func(ctx context.Context, userID string) (batcher.Token, error) {
		if userID == "ace" {
			return batcher.Token{}, batcher.ErrNoToken
		}
		return good.Token(ctx, userID)
	})
}

// kill ends a relay as kill -9 does: it says nothing to anybody. What is under way is cut off.
func kill(r *Relay) {
	r.js.Conn().Close()
	r.cancel()
	r.close.Do(func() { close(r.closing) })
	<-r.done
}

// deleteConsumers deletes the consumers of a game, as a person can.
func (f *fleet) deleteConsumers(game string) {
	f.t.Helper()
	js := f.connect()
	for n := range f.stream.Partitions {
		if err := js.DeleteConsumer(f.t.Context(), "EVENTS", consumerName(game, n)); !errors.Is(err, jetstream.ErrConsumerNotFound) {
			require.NoError(f.t, err)
		}
	}
}

// play tracks n events of each player, numbered, from a goroutine a player.
func play(t *testing.T, p *Publisher, players, n int) {
	t.Helper()
	playOn(t, p, players, 0, n)
}

// playOn tracks the events from one number up to another.
func playOn(t *testing.T, p *Publisher, players, from, to int) {
	t.Helper()
	var all sync.WaitGroup
	for i := range players {
		all.Go(func() { track(t, p, player(i), from, to) })
	}
	all.Wait()
}

func player(i int) string { return fmt.Sprintf("device-%03d", i) }

func track(t *testing.T, p *Publisher, id string, from, to int) {
	t.Helper()
	handle := p.Player(id)
	for n := from; n < to; n++ {
		if err := handle.TrackAttrs(t.Context(), batcher.LevelCompleted, slog.Int("n", n)); err != nil {
			t.Errorf("%s, event %d: %v", id, n, err)
			return
		}
	}
}

// numbers returns the events of a player as the service has them.
func (f *fleet) numbers(id string) []int {
	f.t.Helper()
	var out []int
	for _, e := range f.service.Events(id) {
		var in struct {
			N int `json:"n"`
		}
		require.NoError(f.t, json.Unmarshal(e.CustomData, &in))
		out = append(out, in.N)
	}
	return out
}

// requireOrder: every event is there, and the first copies of a player's events are in order. It
// returns how many copies there are beyond.
func (f *fleet) requireOrder(players, n int) (copies int) {
	f.t.Helper()
	for i := range players {
		next := 0
		for _, got := range f.numbers(player(i)) {
			require.LessOrEqual(f.t, got, next, "%s: an event came before one that was tracked earlier", player(i))
			if got < next {
				copies++
				continue
			}
			next++
		}
		require.Equal(f.t, n, next, "%s: events are missing", player(i))
	}
	return copies
}

// state returns the state of a stream.
func (f *fleet) state(name string) jetstream.StreamState {
	f.t.Helper()
	s, err := f.connect().Stream(f.t.Context(), name)
	require.NoError(f.t, err)
	return s.CachedInfo().State
}

// eventually waits for what other goroutines and servers do. The limit is there for a test that
// fails.
func eventually(t *testing.T, ok func() bool, words string, args ...any) {
	t.Helper()
	require.Eventually(t, ok, time.Minute, 20*time.Millisecond, append([]any{words}, args...)...)
}

// until waits for a state of a stream.
func (f *fleet) until(name string, ok func(jetstream.StreamState) bool, words string) {
	f.t.Helper()
	s, err := f.connect().Stream(f.t.Context(), name)
	require.NoError(f.t, err)
	eventually(f.t, func() bool {
		info, err := s.Info(f.t.Context())
		return err == nil && ok(info.State)
	}, words)
}

// idle waits until the stream is empty: everything is settled.
func (f *fleet) idle() {
	f.t.Helper()
	f.until("EVENTS", func(s jetstream.StreamState) bool { return s.Msgs == 0 }, "events are left in the stream")
}

// messages returns what a stream holds.
func (f *fleet) messages(name string) (out []*jetstream.RawStreamMsg) {
	f.t.Helper()
	s, err := f.connect().Stream(f.t.Context(), name)
	require.NoError(f.t, err)
	state := s.CachedInfo().State
	for seq := state.FirstSeq; seq <= state.LastSeq; seq++ {
		if m, err := s.GetMsg(f.t.Context(), seq); err == nil {
			out = append(out, m)
		}
	}
	return out
}

// sendFunc is a function as a Sender.
type sendFunc func(context.Context, batcher.Batch) error

// Send implements batcher.Sender.
func (f sendFunc) Send(ctx context.Context, b batcher.Batch) (batcher.Receipt, error) {
	return batcher.Receipt{}, f(ctx, b)
}

// sendOnce is Sender.Send without its receipt.
func sendOnce(ctx context.Context, s batcher.Sender, b batcher.Batch) error {
	_, err := s.Send(ctx, b)
	return err
}

// bodyContains matches requests with a text in their body.
func bodyContains(text string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		return err == nil && strings.Contains(string(body), text)
	}
}
