// Fleet is five game servers that publish what their players do to NATS JetStream, and three relays
// that deliver it. The stream is on three NATS nodes. On the way one node and one relay are killed
// at the same moment, and a new relay comes. It runs against an emulator of PlaySmart, everything
// on loopback, and ends by itself: each player's events are compared with the emulator's, one by
// one, and a missing event, or one out of order, is exit status 1.
//
//	go run ./examples/fleet
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/relay"
)

const (
	gameID = "com.example.stackblaster"
	stream = "EVENTS"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == relayMode {
		exit(serveRelay(os.Args[2], os.Args[3]))
	}
	duration := flag.Duration("d", 7*time.Second, "how long the players play")
	players := flag.Int("players", 40, "players a game server")
	flag.Parse()
	exit(run(*duration, *players))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nfleet:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(duration time.Duration, players int) error {
	ctx, cancel := context.WithTimeout(context.Background(), duration+time.Minute)
	defer cancel()
	screen := newScreen()
	service, err := emulator.Listen("127.0.0.1:0", emulator.WithRecordLimit(0))
	if err != nil {
		return err
	}
	defer service.Close()

	nodes, err := startNodes(3)
	if err != nil {
		return err
	}
	defer func() { _ = nodes.stop() }() // a folder that is left behind does no harm
	js, err := nodes.connect(relay.RoleSetup)
	if err != nil {
		return err
	}
	screen.say("three NATS nodes are up; their stream has three replicas")
	if err := createStream(ctx, nodes, js); err != nil {
		return err
	}
	screen.say("every node writes to its disk before it acknowledges")

	relays := &relays{nodes: nodes, service: service.URL}
	defer relays.kill()
	for range 3 {
		if err := relays.start(ctx); err != nil {
			return err
		}
	}
	screen.say("three relays are up, each a process of its own")

	servers, err := startServers(ctx, nodes, 5, players)
	if err != nil {
		return err
	}
	go screen.follow(ctx, js, servers, service)
	wait(ctx, duration/2)
	screen.say("one NATS node and one relay are killed")
	nodes.killLeader(ctx, js)
	relays.killOne()
	wait(ctx, duration/4)
	screen.say("a new relay comes")
	if err := relays.start(ctx); err != nil {
		return err
	}
	wait(ctx, duration/4)

	screen.say("the players go home; the servers publish what they still hold")
	ledger, err := servers.close(ctx)
	if err != nil {
		return err
	}
	screen.say("waiting for the relays to deliver the rest")
	if err := drained(ctx, js); err != nil {
		return err
	}
	counted, err := relays.close()
	if err != nil {
		return err
	}
	screen.end()
	return compare(service, servers, ledger, counted)
}

// createStream creates the stream, and checks that its acknowledgements are safe.
func createStream(ctx context.Context, nodes *nodes, js jetstream.JetStream) error {
	system, err := nodes.system()
	if err != nil {
		return err
	}
	defer system.Close()
	if err := relay.VerifyServers(ctx, system, len(nodes.servers)); err != nil {
		return err
	}
	for { // the nodes may still be electing a leader
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := relay.CreateStream(attempt, js, streams)
		cancel()
		if err == nil || !wait(ctx, 100*time.Millisecond) {
			return err
		}
	}
}

// drained returns when the stream is empty.
func drained(ctx context.Context, js jetstream.JetStream) error {
	for {
		s, err := js.Stream(ctx, stream)
		if err == nil && s.CachedInfo().State.Msgs == 0 {
			return nil
		}
		if !wait(ctx, 100*time.Millisecond) {
			return fmt.Errorf("events are left in the stream: %w", ctx.Err())
		}
	}
}

// wait returns false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
