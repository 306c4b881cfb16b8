package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/relay"
)

// A game server publishes, a relay delivers. Here both are in one process, beside a NATS server and an emulator of the service.
func Example() {
	js, stop := startNATS()
	defer stop()
	services := emulator.New()
	client, err := playline.New(services.Options()...)
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	// Once, by whoever sets the fleet up. Three replicas on three nodes are the default; this server is alone.
	check(relay.CreateStream(ctx, js, relay.StreamConfig{Name: "EVENTS", Replicas: 1}))

	// In each game server.
	publisher, err := relay.NewPublisher(ctx, js, "EVENTS", batcher.Config{GameID: "com.example.stackblaster"})
	check(err)
	for level := range 3 {
		check(publisher.Player("ace").TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", level)))
	}
	published, err := publisher.Close(ctx)
	check(err)
	fmt.Println(published.Delivered, "events are in the stream")

	// In each relay.
	sender, err := client.BatchSender()
	check(err)
	delivered := make(chan int, 3)
	r, err := relay.Start(ctx, js, relay.Config{Stream: "EVENTS", Sender: sender, Batcher: batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(services.Token(userID, time.Hour))}, nil // in production: from where the players' sessions are
		}),
		Linger:    10 * time.Millisecond,
		OnOutcome: func(o batcher.Outcome) { delivered <- len(o.Records) },
	}})
	check(err)
	for n := 0; n < 3; {
		n += <-delivered
	}
	check(r.Close(ctx))
	fmt.Println(services.EventCount(), "events are at the service")
	// Output:
	// 3 events are in the stream
	// 3 events are at the service
}

// Each program connects with its role's rights, and with an inbox that no other role reads.
func ExamplePermissions() {
	stream := relay.StreamConfig{Name: "EVENTS"}
	p, err := relay.Permissions(relay.RoleGameServer, stream, "stackblaster")
	check(err)
	fmt.Println(p)
	fmt.Println(p.Inbox) // for nats.CustomInboxPrefix, an option of nats.Connect
	// Output:
	// permissions: { publish: ["events.stackblaster.*"], subscribe: ["_INBOX.events.stackblaster.game-server.>"] }
	// _INBOX.events.stackblaster.game-server
}

// The accounts of one game, for the configuration of the NATS servers.
func ExampleServerConfig() {
	accounts, err := relay.ServerConfig(relay.StreamConfig{Name: "EVENTS"}, "stackblaster")
	check(err)
	_, servers, _ := strings.Cut(accounts, `"EVENTS-servers" {`)
	fmt.Print(`"EVENTS-servers" {`, servers)
	// Output:
	// "EVENTS-servers" {
	//     users: [
	//       { user: "events-game-server", password: $EVENTS_GAME_SERVER_PASSWORD,
	//         # nats.CustomInboxPrefix("_INBOX.events.stackblaster.game-server")
	//         permissions: { publish: ["events.stackblaster.*"], subscribe: ["_INBOX.events.stackblaster.game-server.>"] } }
	//     ]
	//     imports: [ { service: { account: "EVENTS", subject: "events.stackblaster.*" } } ]
	//   }
}

// What was not delivered is listed with its cause, tracked anew where that is mended, and removed.
func ExampleDeadLetters() {
	js, stop := startNATS()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	check(relay.CreateStream(ctx, js, relay.StreamConfig{Name: "EVENTS", Replicas: 1}))
	publisher, err := relay.NewPublisher(ctx, js, "EVENTS", batcher.Config{GameID: "com.example.stackblaster"})
	check(err)
	check(publisher.Player("ace").TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", 7)))
	check(publisher.Flush(ctx))
	refuseEverything(ctx, js)

	for letter, err := range relay.DeadLetters(ctx, js, "EVENTS", "com.example.stackblaster") {
		check(err)
		fmt.Println(letter.UserID, letter.Result, letter.Cause)
		if event, err := letter.Event(); err == nil { // of the malformed ones nothing can be made
			check(publisher.Track(ctx, letter.UserID, event))
			check(publisher.Flush(ctx))
		}
		check(letter.Remove(ctx))
	}
	events, err := js.Stream(ctx, "EVENTS")
	check(err)
	fmt.Println(events.CachedInfo().State.Msgs, "event waits for a relay again")
	_, err = publisher.Close(ctx)
	check(err)
	// Output:
	// ace rejected batcher: invalid: this release sends a wrong field
	// 1 event waits for a relay again
}

// refuseEverything is a relay whose service says no.
func refuseEverything(ctx context.Context, js jetstream.JetStream) {
	given := make(chan struct{}, 1)
	r, err := relay.Start(ctx, js, relay.Config{Stream: "EVENTS", Sender: refusing{}, Batcher: batcher.Config{
		GameID:    "com.example.stackblaster",
		Tokens:    batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "token"}, nil }),
		Linger:    10 * time.Millisecond,
		OnOutcome: func(batcher.Outcome) { given <- struct{}{} },
	}})
	check(err)
	<-given
	check(r.Close(ctx))
}

type refusing struct{}

func (refusing) Send(context.Context, batcher.Batch) (batcher.Receipt, error) {
	return batcher.Receipt{}, &batcher.SendError{Failure: batcher.Invalid, Err: errors.New("this release sends a wrong field")}
}

// startNATS starts a server in this process.
func startNATS() (js jetstream.JetStream, stop func()) {
	folder, err := os.MkdirTemp("", "playline-example-")
	check(err)
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: folder, NoLog: true, NoSigs: true})
	check(err)
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		panic("the NATS server does not start")
	}
	connection, err := nats.Connect(s.ClientURL())
	check(err)
	js, err = jetstream.New(connection)
	check(err)
	return js, func() {
		connection.Close()
		s.Shutdown()
		s.WaitForShutdown()
		check(os.RemoveAll(folder))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
