package relay_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/relay"
)

// The programs of a fleet: the README shows the game server and the relay, docs/scale.md the
// set-up.

// setUp connects to the NATS servers and creates the stream, or checks that it exists as it should
// be.
func setUp(ctx context.Context, servers string, cfg relay.StreamConfig) (jetstream.JetStream, error) {
	connection, err := nats.Connect(servers) // with the user of the role, and nats.CustomInboxPrefix: see below
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(connection)
	if err != nil {
		return nil, err
	}
	return js, relay.CreateStream(ctx, js, cfg)
}

// gameServer publishes. It needs no token.
func gameServer(ctx context.Context, js jetstream.JetStream) {
	events, err := relay.NewPublisher(ctx, js, "EVENTS", batcher.Config{GameID: "com.example.stackblaster"})
	check(err)
	check(events.Player("device-abc-123").TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", 5)))
	_, err = events.Close(ctx) // returns when the stream has every event
	check(err)
}

// deliver is a relay: it serves its share of the players until ctx ends.
func deliver(ctx context.Context, js jetstream.JetStream, client *playline.Client, tokens batcher.TokenSource) {
	sender, err := client.BatchSender()
	check(err)
	cfg := batcher.Config{GameID: "com.example.stackblaster", Tokens: tokens}
	r, err := relay.Start(ctx, js, relay.Config{Stream: "EVENTS", Sender: sender, Batcher: cfg})
	check(err)
	<-ctx.Done()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	check(r.Close(ending)) // the other relays take over its players
}

func Example_fleet() {
	other, stop := startNATS()
	defer stop()
	services := emulator.New()
	delivered := make(chan struct{}, 1)
	client, err := playline.New(append(services.Options(), playline.WithHooks(playline.Hooks{
		CallEnd: func(context.Context, playline.CallInfo, playline.CallResult) { delivered <- struct{}{} },
	}))...)
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// Three replicas on three nodes are the default; this server is alone.
	js, err := setUp(ctx, other.Conn().ConnectedUrl(), relay.StreamConfig{Name: "EVENTS", Replicas: 1})
	check(err)
	defer js.Conn().Close()

	gameServer(ctx, js)
	serving, end := context.WithCancel(ctx)
	var relays sync.WaitGroup
	relays.Go(func() {
		deliver(serving, js, client, batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(services.Token(userID, time.Hour))}, nil
		}))
	})
	<-delivered
	end()
	relays.Wait()
	fmt.Println(services.EventCount(), "event is at the service")
	// Output: 1 event is at the service
}
