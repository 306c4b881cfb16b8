// Hello is the README's program: a player is registered, and a thousand events of theirs are delivered.
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
	services, err := emulator.Listen("127.0.0.1:0") // in production none of this: playline.NewFromEnv()
	check(err)
	client, err := playline.New(services.Options()...)
	check(err)
	player, err := client.Players.Register(ctx, playline.Player{ExternalID: "ace", Channels: playline.PlayerChannels{SMS: "+61400000000"}})
	check(err)
	events, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: services.Token(userID, time.Hour)}, nil // in production: from your session table, or client.Accounts.Login
		}),
	})
	check(err)
	for level := range 1000 {
		check(events.Player("ace").TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", level)))
	}
	report, err := events.Close(ctx)
	check(err)
	fmt.Println(player.PlayerID, "registered;", report.Delivered, "events delivered in", services.Calls("ingestEvents"), "requests")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
