// Hello is the README's program: it registers a player and delivers a thousand events of that
// player.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

func main() {
	ctx := context.Background()
	services, err := emulator.Listen("127.0.0.1:0") // stands in for the five services
	check(err)
	client, err := playline.New(services.Options()...) // in production: playline.NewFromEnv()
	check(err)
	player, err := client.Players.Register(ctx, playline.Player{
		ExternalID: "device-abc-123",
		Channels:   playline.PlayerChannels{Email: "ace@example.com"},
	})
	check(err)
	fmt.Println(player.PlayerID, "registered")

	events, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(services.Token(userID, time.Hour))}, nil // in production: your session table
		}),
	})
	check(err)
	for level := range 1000 {
		check(events.Player("device-abc-123").TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", level)))
	}
	report, err := events.Close(ctx)
	check(err)
	fmt.Println(report.Delivered, "events delivered in", services.Calls("ingestEvents"), "requests")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
