package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/otelplayline"
)

// fleet is players whose events one batcher takes.
type fleet struct {
	services *emulator.Server
	batcher  *batcher.Batcher
	players  []*batcher.Player
	tracked  int64
}

func newFleet(client *playline.Client, services *emulator.Server, players int, providers []otelplayline.Option) (*fleet, error) {
	metrics, err := otelplayline.NewBatcherMetrics(providers...)
	if err != nil {
		return nil, err
	}
	b, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(services.Token(userID, time.Hour))}, nil
		}),
		Linger:    500 * time.Millisecond,
		OnOutcome: metrics.OnOutcome(nil), // in the place of nil: what the game itself wants to know
	})
	if err != nil {
		return nil, err
	}
	// The registration is not ended: the last look is to see what Close did.
	if _, err := metrics.Observe(b); err != nil {
		return nil, err
	}
	f := &fleet{services: services, batcher: b}
	for i := range players {
		f.players = append(f.players, b.Player(fmt.Sprintf("device-%05d", i)))
	}
	return f, nil
}

// play tracks events for d, or until ctx ends, with an outage in the middle third, and closes the
// batcher.
func (f *fleet) play(ctx context.Context, d time.Duration) (batcher.Report, error) {
	playing, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	heal := func() {}
	begins, ends := time.After(d/3), time.After(2*d/3)
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for playing.Err() == nil {
		select {
		case <-begins:
			heal = f.services.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503})
		case <-ends:
			heal()
		case <-tick.C:
			if err := f.tick(playing); err != nil {
				return batcher.Report{}, err
			}
		case <-playing.Done():
		}
	}
	heal()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return f.batcher.Close(closing)
}

// tick is one turn of the game's loop: a tenth of the players do something.
func (f *fleet) tick(ctx context.Context) error {
	for range max(len(f.players)/10, 1) {
		p := f.players[rand.IntN(len(f.players))]
		err := p.TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", rand.IntN(50)), slog.Int("score", rand.IntN(5000)))
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			return nil
		case err != nil:
			return err
		}
		f.tracked++
	}
	return nil
}
