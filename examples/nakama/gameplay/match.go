package gameplay

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/playline/playline-go/batcher"
)

// The messages of players in a match.
const (
	OpCombo = 1 // {"combo": 7}
	OpLevel = 2 // {"level": 5, "score": 4800}
)

const (
	tickRate   = 10
	emptyTicks = 5 * tickRate // after that a match without players ends
	maxPlayers = 20
)

// match is one handler for a match's whole life; Nakama calls it from one goroutine.
type match struct{ *module }

// matchState is the state that Nakama passes from call to call.
type matchState struct {
	players map[string]*standing // by user id
	empty   int                  // ticks in a row without players
}

type standing struct{ score int }

// MatchInit begins a match.
func (m *match) MatchInit(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, map[string]any) (any, int, string) {
	m.matches.Add(1)
	return &matchState{players: map[string]*standing{}}, tickRate, MatchName
}

// MatchJoinAttempt lets players in while there is room.
func (m *match) MatchJoinAttempt(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64,
	state any, _ runtime.Presence, _ map[string]string,
) (any, bool, string) {
	s := state.(*matchState) //nolint:errcheck // Nakama hands back what MatchInit returned
	if len(s.players) >= maxPlayers {
		return s, false, "the match is full"
	}
	return s, true, ""
}

// MatchJoin adds players.
func (m *match) MatchJoin(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64,
	state any, presences []runtime.Presence,
) any {
	s := state.(*matchState) //nolint:errcheck // as above
	for _, p := range presences {
		s.players[p.GetUserId()] = &standing{}
		m.track(p.GetUserId(), batcher.Custom, "MatchJoined", slog.Int("players", len(s.players)))
	}
	return s
}

// MatchLeave sees players off.
func (m *match) MatchLeave(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64,
	state any, presences []runtime.Presence,
) any {
	s := state.(*matchState) //nolint:errcheck // as above
	for _, p := range presences {
		m.seeOff(s, p.GetUserId(), "left")
	}
	return s
}

// MatchLoop turns the players' messages into events.
func (m *match) MatchLoop(_ context.Context, log runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64,
	state any, messages []runtime.MatchData,
) any {
	s := state.(*matchState) //nolint:errcheck // as above
	for _, message := range messages {
		player := s.players[message.GetUserId()]
		var in struct{ Combo, Level, Score int }
		if err := json.Unmarshal(message.GetData(), &in); err != nil || player == nil {
			log.Warn("a message of %s is of no use: %v", message.GetUserId(), err)
			continue
		}
		switch message.GetOpCode() {
		case OpCombo:
			player.score += 10 * in.Combo
			m.track(message.GetUserId(), batcher.Custom, "ComboReached", slog.Int("combo", in.Combo), slog.Int("score", player.score))
		case OpLevel:
			player.score = in.Score
			m.track(message.GetUserId(), batcher.LevelCompleted, "", slog.Int("level", in.Level), slog.Int("score", in.Score))
			m.batcher.Player(message.GetUserId()).Signal(batcher.LevelEnd)
		}
	}
	if len(s.players) > 0 {
		s.empty = 0
		return s
	}
	if s.empty++; s.empty < emptyTicks {
		return s
	}
	m.matches.Add(-1)
	return nil // ends the match
}

// MatchTerminate is called when the server shuts down. It ends the match at once. If players may
// finish a round within graceSeconds, return the state and end the match in MatchLoop.
func (m *match) MatchTerminate(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64,
	state any, _ int,
) any {
	s := state.(*matchState) //nolint:errcheck // as above
	for userID := range s.players {
		m.seeOff(s, userID, "server shutdown")
	}
	m.matches.Add(-1)
	return nil
}

// MatchSignal does nothing.
func (m *match) MatchSignal(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64,
	state any, _ string,
) (any, string) {
	return state, ""
}

func (m *match) seeOff(s *matchState, userID, why string) {
	if player := s.players[userID]; player != nil {
		delete(s.players, userID)
		m.track(userID, batcher.GameEnd, "", slog.Int("score", player.score), slog.String("why", why))
	}
}
