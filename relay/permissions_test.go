package relay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// Who may do what, with accounts and permissions on a real server.

const otherGame = "com.example.other"

// guarded is a server whose configuration is what ServerConfig returns, for two games with a stream
// each.
type guarded struct {
	t       *testing.T
	server  *server.Server
	streams map[string]StreamConfig // by game
}

func guard(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{t: t, streams: map[string]StreamConfig{
		gameID:    {Name: "EVENTS", Replicas: 1, Partitions: 3, Erasable: true, LeaseTTL: 2 * time.Second},
		otherGame: {Name: "OTHER", Replicas: 1, Partitions: 3, LeaseTTL: 2 * time.Second},
	}}
	var accounts string
	for game, stream := range g.streams {
		text, err := ServerConfig(stream, game)
		require.NoError(t, err)
		accounts += regexp.MustCompile(`\$[A-Z_]+PASSWORD`).ReplaceAllString(text, `"-"`)
	}
	// A user who may do everything in the accounts of the first game, to look at what others have
	// done.
	accounts = strings.ReplaceAll(accounts, "users: [", `users: [ { user: "all-`+`%d", password: "-" },`)
	for i := range 4 {
		accounts = strings.Replace(accounts, "%d", fmt.Sprint(i), 1)
	}
	g.server = guardedServer(t, accounts)
	return g
}

// guardedServer starts a server with an accounts block.
func guardedServer(t *testing.T, accounts string) *server.Server {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "server.conf")
	text := fmt.Sprintf("listen: \"127.0.0.1:-1\"\njetstream { store_dir: %q }\naccounts {\n%s}\n", dir, accounts)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	options, err := server.ProcessConfigFile(file)
	require.NoError(t, err, text)
	options.NoLog, options.NoSigs = true, true
	s, err := server.NewServer(options)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(20*time.Second))
	return s
}

// denials is what a server has told a connection.
type denials struct {
	mu  sync.Mutex
	all []string
}

func (d *denials) note(_ *nats.Conn, _ *nats.Subscription, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, err.Error())
}

func (d *denials) list() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.all)
}

// as connects as a role of a game.
func (g *guarded) as(role Role, game string) (jetstream.JetStream, *denials) {
	g.t.Helper()
	stream := g.streams[game]
	p, err := Permissions(role, stream, game)
	require.NoError(g.t, err)
	return connectAs(g.t, g.server, strings.ToLower(stream.Name)+"-"+string(role), p.Inbox)
}

func connectAs(t *testing.T, s *server.Server, user, inbox string) (jetstream.JetStream, *denials) {
	t.Helper()
	var told denials
	options := []nats.Option{nats.UserInfo(user, "-"), nats.ErrorHandler(told.note), nats.Timeout(20 * time.Second)}
	if inbox != "" {
		options = append(options, nats.CustomInboxPrefix(inbox))
	}
	nc, err := nats.Connect(s.ClientURL(), options...)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js, &told
}

// TestEachRoleWorksWithItsLeastRights plays an evening of a fleet on a server with the
// configuration of ServerConfig. No role is denied anything, and no right is left over that nobody
// uses.
func TestEachRoleWorksWithItsLeastRights(t *testing.T) {
	t.Parallel()
	g := guard(t)
	stream := g.streams[gameID]
	used := map[string]bool{}
	var mu sync.Mutex
	for _, user := range []string{"all-0", "all-1", "all-2", "all-3"} {
		js, _ := connectAs(t, g.server, user, "")
		_, err := js.Conn().Subscribe(">", func(m *nats.Msg) {
			mu.Lock()
			defer mu.Unlock()
			used[m.Subject] = true
		})
		require.NoError(t, err)
		require.NoError(t, js.Conn().Flush())
	}

	setup, setupDenied := g.as(RoleSetup, gameID)
	require.NoError(t, CreateStream(t.Context(), setup, stream))
	require.NoError(t, CreateStream(t.Context(), setup, stream), "once more, which checks what is there")

	servers, serverDenied := g.as(RoleGameServer, gameID)
	replicated := stream
	replicated.Replicas = 3 // so that it publishes atomic batches, as to a cluster
	p, err := NewPublisher(t.Context(), servers, "EVENTS", batcher.Config{GameID: gameID}, WithStreamConfig(replicated))
	require.NoError(t, err)
	track(t, p, "ace", 0, 5)
	track(t, p, "blitz", 0, 5)
	require.NoError(t, p.Flush(t.Context()))

	services := emulator.New()
	services.Inject(emulator.Fault{Operation: "ingestEvents", Status: 400, Match: bodyContains(`"n":3}`)})
	client, err := playline.New(services.Options()...)
	require.NoError(t, err)
	sender, err := client.BatchSender()
	require.NoError(t, err)
	relays, relayDenied := g.as(RoleRelay, gameID)
	r, err := Start(t.Context(), relays, Config{Stream: "EVENTS", Sender: sender, Batcher: batcher.Config{
		GameID: gameID, Linger: 10 * time.Millisecond, Tokens: batcher.TokenFunc(func(_ context.Context, id string) (batcher.Token, error) {
			if id == "comet" {
				return batcher.Token{}, batcher.ErrNoToken
			}
			return batcher.Token{Value: batcher.Secret(services.Token(id, time.Hour))}, nil
		}),
	}})
	require.NoError(t, err)
	t.Cleanup(func() { kill(r) })
	eventually(t, func() bool { s := r.Stats(); return s.Delivered == 8 && s.DeadLetters["rejected"] == 2 }, "not delivered")

	support, supportDenied := g.as(RoleSupport, gameID)
	letters := 0
	for d, err := range DeadLetters(t.Context(), support, "EVENTS", gameID) {
		require.NoError(t, err)
		if d.UserID == "ace" {
			require.NoError(t, d.Remove(t.Context()))
		}
		letters++
	}
	assert.Equal(t, 2, letters)

	track(t, p, "comet", 0, 3)
	require.NoError(t, p.Flush(t.Context()))
	eventually(t, func() bool { return r.Stats().Parked == 1 }, "not parked")
	erasers, eraserDenied := g.as(RoleEraser, gameID)
	eraser, err := NewEraser(t.Context(), erasers, "EVENTS", gameID)
	require.NoError(t, err)
	sum, err := eraser.Erase(t.Context(), "comet")
	require.NoError(t, err)
	assert.Equal(t, 3, sum.Events)
	sum, err = eraser.Erase(t.Context(), "blitz")
	require.NoError(t, err)
	assert.Equal(t, batcher.Erasure{Events: 1}, sum, "a dead letter")

	_, err = p.Close(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.Close(t.Context()))
	second, err := Start(t.Context(), relays, r.cfg) // takes over, which reads what the first has left
	require.NoError(t, err)
	eventually(t, func() bool { return len(second.Stats().Partitions) == 3 }, "not taken over")
	require.NoError(t, second.Close(t.Context()))

	for role, told := range map[Role]*denials{
		RoleSetup: setupDenied, RoleGameServer: serverDenied, RoleRelay: relayDenied, RoleSupport: supportDenied, RoleEraser: eraserDenied,
	} {
		assert.Empty(t, told.list(), role)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, role := range []Role{RoleSetup, RoleGameServer, RoleRelay, RoleSupport, RoleEraser} {
		p, err := Permissions(role, stream, gameID)
		require.NoError(t, err)
		for _, right := range p.Publish {
			found := false
			for subject := range used {
				found = found || server.SubjectsCollide(right, subject)
			}
			assert.True(t, found, "%s never uses its right to %s", role, right)
		}
	}
}

// TestNoRoleDoesMore: what a role must not do is refused by the server, in its own game and in
// another's.
func TestNoRoleDoesMore(t *testing.T) {
	t.Parallel()
	g := guard(t)
	for _, game := range []string{gameID, otherGame} {
		setup, _ := g.as(RoleSetup, game)
		require.NoError(t, CreateStream(t.Context(), setup, g.streams[game]))
	}
	own, other := "com=2Eexample=2Estackblaster", "com=2Eexample=2Eother"
	everywhere := []string{ // nobody may publish here
		"$JS.API.STREAM.DELETE.EVENTS", "$JS.API.STREAM.UPDATE.EVENTS", "$JS.API.STREAM.DELETE.EVENTS-dead", "$JS.API.STREAM.PURGE.EVENTS-leases",
		"$JS.API.STREAM.MSG.DELETE.EVENTS", "$JS.API.STREAM.MSG.GET.EVENTS", "$JS.API.STREAM.NAMES", "$JS.API.INFO", "_INBOX.somebody",
		"$JS.API.CONSUMER.CREATE.EVENTS.x", "$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.x", "$JS.API.CONSUMER.CREATE.EVENTS-dead.x.>",
		"$JS.API.STREAM.PURGE.OTHER", "$JS.API.STREAM.INFO.OTHER", "$JS.API.CONSUMER.MSG.NEXT.OTHER." + other + "-1", "$JS.API.STREAM.MSG.DELETE.OTHER-dead",
		"other." + other + ".ace", "other-erase." + other + ".ace", "other-dead." + other + ".ace", "other-leases." + other + ".part.1",
		"events." + other + ".ace", "events-erase." + other + ".ace", "events-dead." + other + ".ace", "events-leases." + other + ".part.1",
		"events-erased." + other + ".x", "$JS.API.CONSUMER.CREATE.EVENTS.x.*.1." + other + ".*",
	}
	for role, more := range map[Role][]string{
		RoleSetup: {
			"events." + own + ".ace", "events-erase." + own + ".ace", "events-leases." + own + ".part.1", "$JS.API.STREAM.PURGE.EVENTS",
		},
		RoleGameServer: {
			"$JS.API.STREAM.INFO.EVENTS", "$JS.API.STREAM.PURGE.EVENTS", "$JS.API.STREAM.CREATE.EVENTS", "events-erase." + own + ".ace",
			"events-dead." + own + ".ace", "events-leases." + own + ".part.1", "events-erased." + own + ".x", "$JS.ACK.EVENTS.x.1.1.1.1.1",
			"events." + own + ".ace.more", "events." + own,
		},
		RoleRelay: {
			"$JS.API.STREAM.PURGE.EVENTS", "$JS.API.STREAM.PURGE.EVENTS-dead", "$JS.API.STREAM.CREATE.EVENTS", "events." + own + ".ace",
			"events-erase." + own + ".ace", "$JS.API.STREAM.MSG.GET.EVENTS-dead", "$JS.API.STREAM.MSG.DELETE.EVENTS-dead",
		},
		RoleEraser: {
			"$JS.API.STREAM.CREATE.EVENTS", "events." + own + ".ace", "events-dead." + own + ".ace", "events-leases." + own + ".part.1",
			"events-erased." + own + ".x", "$JS.API.STREAM.INFO.EVENTS-leases", "$JS.ACK.EVENTS.x.1.1.1.1.1",
		},
		RoleSupport: {
			"$JS.API.STREAM.INFO.EVENTS", "$JS.API.STREAM.PURGE.EVENTS-dead", "events." + own + ".ace", "events-dead." + own + ".ace",
			"events-leases." + own + ".part.1",
		},
	} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			for _, subject := range slices.Concat(everywhere, more) {
				js, told := g.as(role, gameID)
				require.NoError(t, js.Conn().Publish(subject, nil))
				require.NoError(t, js.Conn().Flush())
				eventually(t, func() bool { return len(told.list()) == 1 }, "publishing to "+subject+" was not refused")
				assert.Contains(t, told.list()[0], "Permissions Violation for Publish", subject)
			}
			for _, subject := range []string{">", "_INBOX.>", "_INBOX.*.*", "$JS.>", "events.>", "events-dead.>", "events-erase.>"} {
				js, told := g.as(role, gameID)
				_, err := js.Conn().SubscribeSync(subject)
				require.NoError(t, err)
				require.NoError(t, js.Conn().Flush())
				eventually(t, func() bool { return len(told.list()) == 1 }, "subscribing to "+subject+" was not refused")
				assert.Contains(t, told.list()[0], "Permissions Violation for Subscription", subject)
			}
		})
	}
}

// TestAConfusedRelay: the header of an eraser's word does not make a relay publish anywhere,
// whoever writes it, and a game server's word is not believed.
func TestAConfusedRelay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		subject, nonce string
		dead           int64 // letters
	}{
		"a game server names the purge API":       {"events.GAME.ace", "$JS.API.STREAM.PURGE.EVENTS", 1},
		"a game server names a lease":             {"events.GAME.ace", "events-leases.GAME.part.1", 1},
		"a game server with a good nonce":         {"events.GAME.ace", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1},
		"an eraser names the purge API":           {"events-erase.GAME.ace", "$JS.API.STREAM.PURGE.EVENTS-dead", 1},
		"an eraser with more tokens than one":     {"events-erase.GAME.ace", "ABCDEFGHIJKLMNOPQRSTUVWXY.", 1},
		"an eraser with a wildcard":               {"events-erase.GAME.ace", "ABCDEFGHIJKLMNOPQRSTUVWXY*", 1},
		"an eraser without a nonce":               {"events-erase.GAME.ace", "", 1},
		"an eraser with a good nonce is believed": {"events-erase.GAME.ace", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t)
			game, err := token(gameID)
			require.NoError(t, err)
			var mu sync.Mutex
			var heard []string
			watch := f.connect().Conn()
			_, err = watch.Subscribe(">", func(m *nats.Msg) {
				mu.Lock()
				defer mu.Unlock()
				heard = append(heard, m.Subject)
			})
			require.NoError(t, err)
			require.NoError(t, watch.Flush())
			p := f.publisher()
			track(t, p, "ace", 0, 4)
			require.NoError(t, p.Flush(t.Context()))
			r := f.relay(withoutToken)
			eventually(t, func() bool { return r.Stats().Waiting == 4 }, "not taken")
			m := nats.NewMsg(strings.ReplaceAll(test.subject, "GAME", game))
			m.Header[eraseHeader] = []string{strings.ReplaceAll(test.nonce, "GAME", game)}
			_, err = f.connect().PublishMsg(t.Context(), m)
			require.NoError(t, err)
			if test.dead == 0 {
				eventually(t, func() bool { return r.Stats().Erased == 4 }, "not erased")
			} else {
				eventually(t, func() bool { return r.Stats().DeadLetters[Malformed] == test.dead }, "not refused")
				assert.Equal(t, 4, r.Stats().Waiting)
				assert.Zero(t, r.Stats().Erased)
			}
			require.NoError(t, r.js.Conn().Flush())
			require.NoError(t, watch.Flush())
			mu.Lock()
			defer mu.Unlock()
			assert.Equal(t, test.dead == 0, slices.Contains(heard, "events-erased."+game+".ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
			for _, subject := range heard {
				assert.NotContains(t, subject, "PURGE")
			}
		})
	}
}

// TestAStreamsAnswerGoesNowhereElse: a program that publishes to a stream names the subject of the
// answer, and the server does not check it. Inside one account the answer can be a lease; from the
// account of the game servers it cannot.
func TestAStreamsAnswerGoesNowhereElse(t *testing.T) {
	t.Parallel()
	g := guard(t)
	stream := g.streams[gameID]
	setup, _ := g.as(RoleSetup, gameID)
	require.NoError(t, CreateStream(t.Context(), setup, stream))
	game, err := token(gameID)
	require.NoError(t, err)
	servers, _ := g.as(RoleGameServer, gameID)
	for _, reply := range []string{
		"events-leases." + game + ".part.1", "events-dead." + game + ".ace", "events." + game + ".blitz", "events-erase." + game + ".ace",
		"$JS.API.STREAM.PURGE.EVENTS",
	} {
		require.NoError(t, servers.Conn().PublishRequest("events."+game+".ace", reply, []byte("{}")))
	}
	p, err := NewPublisher(t.Context(), servers, "EVENTS", batcher.Config{GameID: gameID}, WithStreamConfig(stream))
	require.NoError(t, err)
	track(t, p, "comet", 0, 3)
	_, err = p.Close(t.Context())
	require.NoError(t, err)
	for name, want := range map[string]uint64{"EVENTS": 8, "EVENTS-leases": 0, "EVENTS-dead": 0} {
		s, err := setup.Stream(t.Context(), name)
		require.NoError(t, err)
		assert.Equal(t, want, s.CachedInfo().State.Msgs, name)
	}
}

// TestStreamsDenyPurge: without an Eraser nobody can empty the streams, whatever rights it has.
func TestStreamsDenyPurge(t *testing.T) {
	t.Parallel()
	f := single(t)
	js := f.connect()
	require.NoError(t, CreateStream(t.Context(), js, StreamConfig{Name: "KEPT", Replicas: 1}))
	_, err := js.Publish(t.Context(), "kept.game.ace", []byte("{}"))
	require.NoError(t, err)
	for _, name := range []string{"KEPT", "KEPT-dead"} {
		s, err := js.Stream(t.Context(), name)
		require.NoError(t, err)
		require.Error(t, s.Purge(t.Context()), name)
	}
	s, err := js.Stream(t.Context(), "KEPT")
	require.NoError(t, err)
	require.Error(t, s.DeleteMsg(t.Context(), 1))
	_, err = NewEraser(t.Context(), js, "KEPT", gameID)
	require.ErrorContains(t, err, "StreamConfig.Erasable")
	info, err := s.Info(t.Context())
	require.NoError(t, err)
	assert.Equal(t, uint64(1), info.State.Msgs)
}

// TestPublisherWithoutARight: NewPublisher says at once which right is missing, and a publisher
// that loses its right has nothing in doubt.
func TestPublisherWithoutARight(t *testing.T) {
	t.Parallel()
	s := guardedServer(t, `
  A {
    jetstream: enabled
    users: [
      { user: "all", password: "-" },
      { user: "other", password: "-", permissions: { publish: ["events.other.*"], subscribe: ["_INBOX.>"] } },
      { user: "deaf", password: "-", permissions: { publish: ["events.>"], subscribe: ["events-erased.>"] } },
      { user: "least", password: "-", permissions: { publish: ["events.game.*"], subscribe: ["_INBOX.>"] } },
    ]
  }
  B { users: [ { user: "elsewhere", password: "-" } ] }
`)
	js, _ := connectAs(t, s, "all", "")
	require.NoError(t, CreateStream(t.Context(), js, StreamConfig{Name: "EVENTS", Replicas: 1}))
	require.NoError(t, CreateStream(t.Context(), js, StreamConfig{Name: "SECOND", Replicas: 1}))
	for name, test := range map[string]struct {
		user, stream string
		options      []PublisherOption
		want         string
	}{
		"the least rights":        {"least", "EVENTS", nil, ""},
		"no right to publish":     {"other", "EVENTS", nil, "may not publish to events.game."},
		"no right to its answers": {"deaf", "EVENTS", nil, "CustomInboxPrefix"},
		"another account":         {"elsewhere", "EVENTS", nil, "no stream takes events.game.probe"},
		"another stream's prefix": {"all", "EVENTS", []PublisherOption{WithStreamConfig(StreamConfig{Prefix: "second"})}, "belongs to stream SECOND and not to EVENTS"},
		"no right to look":        {"least", "EVENTS", []PublisherOption{WithStreamCheck()}, "stream EVENTS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js, _ := connectAs(t, s, test.user, "")
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if test.options != nil && test.want == "stream EVENTS" {
				ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond) // a client of the API learns it no sooner
				defer cancel()
			}
			p, err := NewPublisher(ctx, js, test.stream, batcher.Config{GameID: "game"}, test.options...)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			_, err = p.Close(t.Context())
			require.NoError(t, err)
		})
	}
	t.Run("it loses its right", func(t *testing.T) {
		t.Parallel()
		js, _ := connectAs(t, s, "other", "")
		sender := newStreamSender(js.Conn(), StreamConfig{Name: "EVENTS", Prefix: "events", Replicas: 3}, "game")
		for _, events := range [][]string{{"1"}, {"1", "2"}} {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			err := sendOnce(ctx, sender, batchOf("ace", events...))
			require.NoError(t, ctx.Err(), "it does not wait for its timeout")
			cancel()
			failed, ok := errors.AsType[*batcher.SendError](err)
			require.True(t, ok)
			assert.Equal(t, batcher.NotSent, failed.Failure)
			assert.ErrorContains(t, err, "may not publish to events.game.")
		}
	})
}

// TestPermissionsAreRefused: what has no rights.
func TestPermissionsAreRefused(t *testing.T) {
	t.Parallel()
	_, err := Permissions("janitor", StreamConfig{Name: "EVENTS"}, gameID)
	require.ErrorContains(t, err, `no role "janitor"`)
	_, err = Permissions(RoleRelay, StreamConfig{}, gameID)
	require.ErrorContains(t, err, "StreamConfig.Name")
	_, err = Permissions(RoleRelay, StreamConfig{Name: "EVENTS"}, "")
	require.ErrorContains(t, err, "empty id")
	_, err = ServerConfig(StreamConfig{Name: "EVENTS"}, "")
	require.ErrorContains(t, err, "empty id")
	p, err := Permissions(RoleGameServer, StreamConfig{Name: "EVENTS"}, `a"b.*`)
	require.NoError(t, err)
	assert.Equal(t, []string{"events.a=22b=2E=2A.*"}, p.Publish, "an id cannot widen a right")
}
