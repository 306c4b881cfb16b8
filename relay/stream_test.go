package relay

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// The streams' settings, made and checked.

func TestCreateStream(t *testing.T) {
	t.Parallel()
	f := single(t)
	js := f.connect()
	require.NoError(t, CreateStream(t.Context(), js, f.stream), "the same once more")
	for name, test := range map[string]struct {
		change func(*StreamConfig)
		want   string
	}{
		"partitions": {func(c *StreamConfig) { c.Partitions = 7 }, "SubjectTransform is *.*.* to {{wildcard(1)}}.{{partition(6,3)}}"},
		"prefix":     {func(c *StreamConfig) { c.Prefix = "other" }, "Subjects is events.*.* events-erase.*.*, must be other.*.* other-erase.*.*"},
		"window":     {func(c *StreamConfig) { c.Duplicates = time.Hour }, "Duplicates is 2m0s, must be 1h0m0s"},
		"leases":     {func(c *StreamConfig) { c.LeaseTTL = time.Minute }, "MaxAge is 30s, must be 1m0s"},
		"max bytes":  {func(c *StreamConfig) { c.MaxBytes = 5 }, "MaxBytes is -1, must be 5"},
	} {
		t.Run("told: "+name, func(t *testing.T) {
			t.Parallel()
			cfg := f.stream
			test.change(&cfg)
			require.ErrorContains(t, CreateStream(t.Context(), js, cfg), test.want)
		})
	}
	for name, cfg := range map[string]StreamConfig{
		"Name":       {},
		"a dot":      {Name: "A.B"},
		"Prefix":     {Name: "A", Prefix: "a.>"},
		"Partitions": {Name: "A", Partitions: 1025},
		"Replicas":   {Name: "A", Replicas: 6},
		"MaxBytes":   {Name: "A", MaxBytes: -1},
		"MaxAge":     {Name: "A", MaxAge: -1},
		"Duplicates": {Name: "A", MaxAge: time.Minute},
		"LeaseTTL":   {Name: "A", LeaseTTL: time.Millisecond},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, CreateStream(t.Context(), js, cfg), "StreamConfig.")
		})
	}
}

// TestForeignStream: who publishes to a stream, or consumes from one, that does not keep the
// promises is told so.
func TestForeignStream(t *testing.T) {
	t.Parallel()
	f := single(t)
	js := f.connect()
	_, err := NewPublisher(t.Context(), js, "NONE", batcher.Config{GameID: gameID})
	require.ErrorContains(t, err, "CreateStream makes it")
	s, err := js.Stream(t.Context(), "EVENTS")
	require.NoError(t, err)
	good := s.CachedInfo().Config
	for name, test := range map[string]struct {
		change func(*jetstream.StreamConfig)
		want   string
	}{
		"discards the oldest":  {func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, "Discard is DiscardOld, must be DiscardNew"},
		"does not acknowledge": {func(c *jetstream.StreamConfig) { c.NoAck = true }, "NoAck is true"},
		"no partitions":        {func(c *jetstream.StreamConfig) { c.SubjectTransform = nil }, "was not made by CreateStream"},
	} {
		bad := good
		test.change(&bad)
		_, err := js.UpdateStream(t.Context(), bad)
		require.NoError(t, err, name)
		_, err = NewPublisher(t.Context(), js, "EVENTS", batcher.Config{GameID: gameID}, WithStreamCheck())
		require.ErrorContains(t, err, test.want, name)
		_, err = Start(t.Context(), js, Config{
			Stream: "EVENTS", Sender: f.sender, Batcher: batcher.Config{GameID: gameID, Tokens: batcher.TokenFunc(nil)},
		})
		require.ErrorContains(t, err, test.want, name)
	}
	_, err = js.UpdateStream(t.Context(), good)
	require.NoError(t, err)
	f.publisher()
}

// TestVerifyServers: what a client of the stream's account cannot see, the system account can.
func TestVerifyServers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		always bool
		user   string
		nodes  int
		wait   time.Duration // for all answers; one that is short is for rows where none can come
		want   string
	}{
		"always":         {true, "system", 1, 20 * time.Second, ""},
		"the default":    {false, "system", 1, 20 * time.Second, "node-a acknowledges before it writes"},
		"one is silent":  {true, "system", 2, 3 * time.Second, "1 of 2 servers answered"},
		"another's view": {true, "game", 1, 300 * time.Millisecond, "0 of 1 servers answered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			system, game := server.NewAccount("SYS"), server.NewAccount("GAME")
			s := runServer(t, &server.Options{
				ServerName: "node-a", SyncAlways: test.always, SystemAccount: "SYS", Accounts: []*server.Account{system, game},
				Users: []*server.User{{Username: "system", Password: "-", Account: system}, {Username: "game", Password: "-", Account: game}},
			})
			require.True(t, s.ReadyForConnections(20*time.Second))
			nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(test.user, "-"), nats.Timeout(20*time.Second))
			require.NoError(t, err)
			t.Cleanup(nc.Close)
			err = verifyServers(t.Context(), nc, test.nodes, test.wait)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.want)
		})
	}
}
