package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// playlineAdapter is the subject of the benchmark: a batcher over a client, as a game server uses
// it.
type playlineAdapter struct {
	batcher *batcher.Batcher
	players []*batcher.Player
	outcomes
	waits []time.Duration // of delivered events, from Track to their result; guarded by outcomes.mu
}

func newPlayline(s setup) (adapter, error) {
	client, err := playline.New(playline.WithPlaySmart(), playline.WithBaseURL(playline.PlaySmart, s.Base))
	if err != nil {
		return nil, err
	}
	a := &playlineAdapter{}
	b, err := client.NewBatcher(a.config(s))
	if err != nil {
		return nil, err
	}
	a.use(b, s.Players)
	return a, nil
}

// use sets the adapter's batcher and the given number of its players.
func (a *playlineAdapter) use(b *batcher.Batcher, players int) {
	a.batcher, a.players = b, make([]*batcher.Player, players)
	for i := range a.players {
		a.players[i] = b.Player(userID(i))
	}
}

func (a *playlineAdapter) config(s setup) batcher.Config {
	token := playerToken()
	cfg := batcher.Config{
		GameID: gameID, Linger: s.Linger, IdleTimeout: s.Idle,
		Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(token)}, nil
		}),
	}
	if s.Players < 10 { // the default leaves room for ten players at least
		cfg.MaxPlayerEvents, cfg.MaxPlayerBytes = 1_000_000, 256<<20
	}
	if s.MaxEvents > 0 {
		cfg.MaxEvents, cfg.MaxBytes = s.MaxEvents, 256*s.MaxEvents
	}
	if s.Outcomes {
		cfg.OnOutcome = a.outcome
	}
	if s.AtMostOnce {
		cfg.AtMostOnce = []batcher.EventType{eventType}
	}
	return cfg
}

// playerToken returns a token with the size and shape of PlaySmart's, valid for an hour.
func playerToken() string {
	part := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"sub":"device-000000","iss":"playsmart","exp":%d}`, time.Now().Add(time.Hour).Unix())
	return part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part([]byte(claims)) + "." + part(make([]byte, 32))
}

// Track implements adapter.
func (a *playlineAdapter) Track(ctx context.Context, player, eid int) error {
	return a.players[player].TrackAttrs(ctx, eventType,
		slog.String("weapon", eventWeapon), slog.Int("damage", eventDamage(eid)), slog.Int("eid", eid))
}

// Outstanding implements adapter.
func (a *playlineAdapter) Outstanding() int { return int(a.batcher.Ledger().Pending) }

func (a *playlineAdapter) outcome(o batcher.Outcome) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range o.Records {
		if o.Result == batcher.Delivered {
			a.waits = append(a.waits, now.Sub(r.Accepted))
		} else {
			a.reported = append(a.reported, eids(r.JSON)...)
		}
	}
}

// Close implements adapter.
func (a *playlineAdapter) Close(ctx context.Context) error {
	report, err := a.batcher.Close(ctx)
	for _, o := range report.LeftOver {
		for _, r := range o.Records {
			a.lost(eids(r.JSON)...)
		}
	}
	return err
}
