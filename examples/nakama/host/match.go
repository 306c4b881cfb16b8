package host

import (
	"context"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
)

// Match is a match under way. It is called from one goroutine.
type Match struct {
	server  *Server
	handler runtime.Match
	state   any
	tick    int64
}

// StartMatch creates a match.
func (s *Server) StartMatch(ctx context.Context) (*Match, error) {
	handler, err := s.match(s.context(ctx, ""), s.log, nil, s)
	if err != nil {
		return nil, err
	}
	m := &Match{server: s, handler: handler}
	m.state, _, _ = handler.MatchInit(s.context(ctx, ""), s.log, nil, s, nil)
	return m, nil
}

// Join lets a player in, and reports whether the match took the player.
func (m *Match) Join(ctx context.Context, userID string) bool {
	ctx = m.server.context(ctx, "")
	var ok bool
	m.state, ok, _ = m.handler.MatchJoinAttempt(ctx, m.server.log, nil, m.server, nil, m.tick, m.state, presence{userID: userID}, nil)
	if ok {
		m.state = m.handler.MatchJoin(ctx, m.server.log, nil, m.server, nil, m.tick, m.state, []runtime.Presence{presence{userID: userID}})
	}
	return ok
}

// Leave lets a player go.
func (m *Match) Leave(ctx context.Context, userID string) {
	ctx = m.server.context(ctx, "")
	m.state = m.handler.MatchLeave(ctx, m.server.log, nil, m.server, nil, m.tick, m.state, []runtime.Presence{presence{userID: userID}})
}

// Message is what a player sends in a match.
type Message struct {
	UserID string
	OpCode int64
	Data   string
}

// Tick runs the loop once, and reports whether the match goes on.
func (m *Match) Tick(ctx context.Context, messages ...Message) bool {
	m.tick++
	var data []runtime.MatchData
	for _, message := range messages {
		data = append(data, matchData{presence{userID: message.UserID}, message})
	}
	m.state = m.handler.MatchLoop(m.server.context(ctx, ""), m.server.log, nil, m.server, nil, m.tick, m.state, data)
	return m.state != nil
}

// Terminate tells the match that the server ends after grace.
func (m *Match) Terminate(ctx context.Context, grace time.Duration) {
	m.state = m.handler.MatchTerminate(m.server.context(ctx, ""), m.server.log, nil, m.server, nil, m.tick, m.state, int(grace.Seconds()))
}

// presence is a player in a match.
type presence struct {
	runtime.Presence
	userID string
}

func (p presence) GetUserId() string { return p.userID } //nolint:revive // the interface's name

// matchData is a message of one.
type matchData struct {
	presence
	message Message
}

func (d matchData) GetOpCode() int64      { return d.message.OpCode }
func (d matchData) GetData() []byte       { return []byte(d.message.Data) }
func (d matchData) GetReliable() bool     { return true }
func (d matchData) GetReceiveTime() int64 { return 0 }
