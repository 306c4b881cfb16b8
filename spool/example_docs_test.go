//nolint:contextcheck // the batcher outlives the context of play
package spool_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/spool"
)

// The program of docs/production.md: it plays, is stopped, and leaves nothing behind.

// play opens the spool of this process, plays, and closes both in order.
func play(ctx context.Context, dir string, client *playline.Client, tokens batcher.TokenSource) (batcher.Report, error) {
	store, err := spool.Open(dir, spool.Options{Sync: spool.Interval})
	if err != nil {
		return batcher.Report{}, err
	}
	events, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster", Tokens: tokens, Store: store, MaxAge: 7 * 24 * time.Hour,
	})
	if err != nil {
		return batcher.Report{}, errors.Join(err, store.Close())
	}
	err = events.Player("device-abc-123").TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", 5))
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	report, closeErr := events.Close(ending) // what it cannot deliver stays in the spool: report.Spooled
	return report, errors.Join(err, closeErr, store.Close())
}

func Example_play() {
	dir, remove := directory()
	defer remove()
	service := emulator.New()
	client, err := playline.New(service.Options()...)
	if err != nil {
		panic(err)
	}
	report, err := play(context.Background(), dir, client, batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
		return batcher.Token{Value: batcher.Secret(service.Token(userID, time.Hour))}, nil
	}))
	fmt.Println(report.Delivered, "delivered,", report.Spooled, "spooled,", err)
	// Output: 1 delivered, 0 spooled, <nil>
}
