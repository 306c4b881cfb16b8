// Package rewards is a small piece of a game's backend, and beside it the ways to test such code.
// It is here for its tests, which are meant to be copied:
//
//   - emulator_test.go: the services in the process. The first choice: it checks your requests
//     against the contracts, and shows what they did.
//   - httpmock_test.go: one answer at a time, for an answer that the emulator never gives.
//   - synctest_test.go: time. A pause of a minute takes none.
//
// Run them with
//
//	go test -v ./examples/testing
package rewards

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// gameID is the game whose levels these are.
const gameID = "com.example.stackblaster"

// Rewards tells PlaySmart of completed levels, which pay coins, and writes to the player after
// every tenth. It takes the client as it is, without an interface of its own: in a test the client
// and the batcher are real too, and only what they talk to is not.
type Rewards struct {
	client  *playline.Client
	batcher *batcher.Batcher
}

// New returns the rewards of a game. report gets the events that were not delivered.
func New(client *playline.Client, tokens batcher.TokenSource, report func(batcher.Outcome)) (*Rewards, error) {
	b, err := client.NewBatcher(batcher.Config{
		GameID: gameID,
		Tokens: tokens,
		// A second copy would pay twice.
		AtMostOnce: []batcher.EventType{batcher.LevelCompleted},
		OnOutcome: func(o batcher.Outcome) {
			if o.Result != batcher.Delivered {
				report(o)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	return &Rewards{client, b}, nil
}

// LevelCompleted returns when the event is in the batcher's hands and, for a level that ten
// divides, the player was written to. That a player does not want to be written to is no error.
func (r *Rewards) LevelCompleted(ctx context.Context, player string, level int) error {
	p := r.batcher.Player(player)
	if err := p.TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", level)); err != nil {
		return fmt.Errorf("level %d of %s: %w", level, player, err)
	}
	p.Signal(batcher.LevelEnd) // it pays, so it does not wait for more
	if level%10 != 0 {
		return nil
	}
	_, err := r.client.Events.Fire(ctx, "level-reward", playline.Recipient{DistinctID: player, Data: map[string]any{"level": level}})
	partial, ok := errors.AsType[*playline.PartialError](err)
	if ok && !slices.ContainsFunc(partial.Items, func(item playline.ItemError) bool { return item.Code != "suppressed" }) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the message after level %d: %w", level, err)
	}
	return nil
}

// Close delivers what waits.
func (r *Rewards) Close(ctx context.Context) (batcher.Report, error) { return r.batcher.Close(ctx) }
