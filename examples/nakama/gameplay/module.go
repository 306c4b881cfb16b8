// Package gameplay is a module of Nakama that tells PlaySmart what players do. Sessions and matches
// feed the batcher, which has a lane for each player, and the server's shutdown closes it.
//
// A player's user id is the same in both: register the PlaySmart accounts with the Nakama user id
// as playline.AccountCreate.DeviceID.
package gameplay

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// MatchName is what the match is registered as, for nk.MatchCreate.
const MatchName = "rush"

// module is what the hooks share.
type module struct {
	client  *playline.Client
	batcher *batcher.Batcher
	log     runtime.Logger
	limits  *limits
	matches atomic.Int64 // under way
}

// Init registers the hooks. From runtime.env it takes PLAYLINE_GAME_ID and, for an emulator,
// PLAYLINE_PLAYSMART_URL.
func Init(ctx context.Context, log runtime.Logger, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string)
	options := []playline.Option{playline.WithPlaySmart()}
	if url := env["PLAYLINE_PLAYSMART_URL"]; url != "" {
		options = append(options, playline.WithBaseURL(playline.PlaySmart, url))
	}
	client, err := playline.New(options...)
	if err != nil {
		return err
	}
	m, err := newModule(client, env["PLAYLINE_GAME_ID"], log, nk)
	if err != nil {
		return fmt.Errorf("is PLAYLINE_GAME_ID in runtime.env? %w", err)
	}
	return m.register(initializer)
}

func newModule(client *playline.Client, gameID string, log runtime.Logger, nk runtime.NakamaModule) (*module, error) {
	m := &module{client: client, log: log, limits: newLimits()}
	b, err := client.NewBatcher(batcher.Config{
		GameID:     gameID,
		Tokens:     storedTokens{nk},
		AtMostOnce: []batcher.EventType{batcher.LevelCompleted}, // it pays; a second copy would pay twice
		OnOutcome:  m.report,
	})
	m.batcher = b
	return m, err
}

func (m *module) register(initializer runtime.Initializer) error {
	return errors.Join(
		initializer.RegisterRpc("playsmart_login", m.login),
		initializer.RegisterEventSessionStart(m.sessionStart),
		initializer.RegisterEventSessionEnd(m.sessionEnd),
		initializer.RegisterMatch(MatchName, func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
			return &match{m}, nil
		}),
		initializer.RegisterShutdown(m.shutdown),
	)
}

// report logs what was not delivered.
func (m *module) report(o batcher.Outcome) {
	if o.Result != batcher.Delivered {
		m.log.Warn("%d events of %s were %s: %v", len(o.Records), o.UserID, o.Result, o.Err)
	}
}

// track never waits: hooks run in Nakama's own loops. When there is no room, which is after a long
// outage, it is the event that is given up and not the match.
func (m *module) track(userID string, t batcher.EventType, name string, attrs ...slog.Attr) {
	err := m.batcher.TryTrack(userID, batcher.Event{Type: t, Name: name, Data: attrs})
	if err != nil {
		m.log.Error("an event %s of %s was not taken: %v", t, userID, err)
	}
}

func (m *module) sessionStart(ctx context.Context, _ runtime.Logger, _ *api.Event) {
	userID, _ := ctx.Value(runtime.RUNTIME_CTX_USER_ID).(string)
	m.track(userID, batcher.AppOpen, "")
}

// sessionEnd has the rest of a player's events sent. It does not wait for that, as Player.End
// would: Nakama has few workers for such hooks. The player is forgotten when it was idle for a
// while.
func (m *module) sessionEnd(ctx context.Context, _ runtime.Logger, _ *api.Event) {
	userID, _ := ctx.Value(runtime.RUNTIME_CTX_USER_ID).(string)
	m.batcher.Player(userID).Signal(batcher.SessionEnd)
}

// shutdown runs beside the end of the matches, in which Nakama calls MatchTerminate, and ctx ends
// with the grace period. So it waits for the matches, because a closed batcher takes no events, but
// not longer than half of what there is.
func (m *module) shutdown(ctx context.Context, log runtime.Logger, _ *sql.DB, _ runtime.NakamaModule) {
	grace := 10 * time.Second // of a server that sets no deadline
	if deadline, ok := ctx.Deadline(); ok {
		grace = time.Until(deadline)
	}
	m.batcher.Signal(batcher.ProcessEnding)
	for waited := time.Duration(0); m.matches.Load() > 0 && waited < grace/2; waited += 50 * time.Millisecond {
		time.Sleep(50 * time.Millisecond)
	}
	// A little earlier than the grace period, so that the log still tells of what was left over.
	closing, cancel := context.WithTimeout(ctx, grace*2/5)
	defer cancel()
	report, err := m.batcher.Close(closing)
	if err != nil {
		log.Error("gameplay events: %v", err) // to keep them, see report.LeftOver
	}
	log.Info("gameplay events: %s", report.Ledger)
}
