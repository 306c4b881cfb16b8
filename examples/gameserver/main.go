// Gameserver is a small real-time match server that tells PlaySmart what its players do, through
// the batcher: 2,000 players who come and go, tokens that expire, 30 ticks a second, and an outage
// of the service in the middle. It runs against an emulator inside the process, until Ctrl-C or for
// -d, and ends with nothing lost: totals are compared with the emulator's, and a missing event is
// exit status 1.
//
//	go run ./examples/gameserver -d 20s
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

func main() {
	duration := flag.Duration("d", 0, "end by itself after this time; 0: with Ctrl-C")
	players := flag.Int("players", 2000, "players who come and go")
	outage := flag.Duration("outage", 5*time.Second, "how long the service is down, a third into the run")
	flag.Parse()
	if err := run(*duration, *players, *outage); err != nil {
		fmt.Fprintln(os.Stderr, "\ngameserver:", err)
		os.Exit(1)
	}
}

func run(duration time.Duration, players int, outage time.Duration) error {
	service, err := emulator.Listen("127.0.0.1:0", emulator.WithRecordLimit(0))
	if err != nil {
		return err
	}
	defer service.Close()
	client, err := playline.New(service.Options()...)
	if err != nil {
		return err
	}
	screen := &screen{}
	b, err := client.NewBatcher(batcher.Config{
		GameID: gameID,
		// A real server reads the token from the player's session. These live for eight seconds
		// only, so many are renewed.
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(service.Token(userID, 8*time.Second))}, nil
		}),
		TokenRenewal: 2 * time.Second,
		Linger:       2 * time.Second,
		OnOutcome: func(o batcher.Outcome) {
			if o.Result != batcher.Delivered {
				screen.say("%d events of %s were %s: %v", len(o.Records), o.UserID, o.Result, o.Err)
			}
		},
	})
	if err != nil {
		return err
	}

	// SIGTERM and Ctrl-C end ctx and make everything go that waits.
	ctx, stop := batcher.NotifyContext(context.Background(), b)
	defer stop()
	if duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, duration)
		defer cancel()
	}
	fmt.Printf("gameserver: %d players, an emulator of PlaySmart at %s\n", players, service.URL)
	breaking := breakdown{service: service, screen: screen, after: max(duration/3, 5*time.Second), lasts: outage}
	if duration > 0 {
		breaking.after = duration / 3
		breaking.lasts = min(outage, duration/3)
	}
	go breaking.run(ctx)

	game := newGame(b, players)
	game.play(ctx, screen)

	screen.say("closing: what waits is sent")
	closing, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	report, err := b.Close(closing)
	if err != nil {
		return err
	}
	fmt.Println()
	return compare(service, game, report)
}
