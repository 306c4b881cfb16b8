package gameplay

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/examples/nakama/host"
)

// stage is a server with the module, on an emulator without sockets, so that it works inside of a
// synctest bubble.
type stage struct {
	*host.Server
	*module
	playSmart *emulator.Emulator
	log       bytes.Buffer
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{playSmart: emulator.New()}
	client, err := playline.New(s.playSmart.Options()...)
	require.NoError(t, err)
	for _, player := range []string{"ace", "blitz"} {
		_, err = client.Accounts.Register(t.Context(), playline.AccountCreate{Email: player + "@example.com", Password: "correct-horse", DeviceID: player})
		require.NoError(t, err)
	}
	s.Server = host.New(&s.log, nil)
	require.NoError(t, s.Load(t.Context(), func(_ context.Context, log runtime.Logger, nk runtime.NakamaModule, initializer runtime.Initializer) error {
		s.module, err = newModule(client, "com.example.stackblaster", log, nk)
		require.NoError(t, err)
		return s.register(initializer)
	}))
	return s
}

func (s *stage) types(userID string) []string {
	var types []string
	for _, e := range s.playSmart.Events(userID) {
		types = append(types, e.Type+e.CustomEventName)
	}
	return types
}

func TestInitWithoutAGame(t *testing.T) {
	err := host.New(t.Output(), nil).Load(t.Context(), Init)
	require.ErrorContains(t, err, "is PLAYLINE_GAME_ID in runtime.env?")
}

func TestAnEveningOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.Connect(t.Context(), "ace")
		s.Connect(t.Context(), "blitz")
		_, err := s.RPC(t.Context(), "ace", "playsmart_login", `{"email":"ace@example.com","password":"correct-horse"}`)
		require.NoError(t, err)
		match, err := s.StartMatch(t.Context())
		require.NoError(t, err)
		require.True(t, match.Join(t.Context(), "ace"))
		require.True(t, match.Join(t.Context(), "blitz"))
		require.True(t, match.Tick(t.Context(),
			host.Message{UserID: "ace", OpCode: OpCombo, Data: `{"combo":7}`},
			host.Message{UserID: "ace", OpCode: OpLevel, Data: `{"level":5,"score":4800}`},
			host.Message{UserID: "ace", OpCode: 99, Data: `{}`},
			host.Message{UserID: "ace", OpCode: OpCombo, Data: `seven`},
			host.Message{UserID: "comet", OpCode: OpCombo, Data: `{"combo":7}`}, // is not in the match
		))
		synctest.Wait()
		assert.Len(t, s.types("ace"), 4, "a level's end does not linger")
		match.Leave(t.Context(), "ace")
		s.Disconnect(t.Context(), "ace")
		match.Leave(t.Context(), "comet")
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"AppOpen", "CustomMatchJoined", "CustomComboReached", "LevelCompleted", "GameEnd"}, s.types("ace"))
		assert.JSONEq(t, `{"score":4800,"why":"left"}`, string(s.playSmart.Events("ace")[4].CustomData))

		require.Len(t, s.batcher.Parked(), 1, "blitz has not logged in")
		assert.Empty(t, s.types("blitz"))
		_, err = s.RPC(t.Context(), "blitz", "playsmart_login", `{"email":"blitz@example.com","password":"correct-horse"}`)
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, []string{"AppOpen", "CustomMatchJoined"}, s.types("blitz"))

		s.Shutdown(t.Context(), 10*time.Second, match)
		assert.Equal(t, []string{"AppOpen", "CustomMatchJoined", "GameEnd"}, s.types("blitz"))
		assert.Contains(t, s.log.String(), "accepted 8 = delivered 8")
		assert.NotContains(t, s.log.String(), "nakama error")
	})
}

func TestLoginThatFails(t *testing.T) {
	tests := []struct {
		name, userID, payload, err string
		fault                      int
	}{
		{"no session", "", `{"email":"ace@example.com","password":"correct-horse"}`, "a session is needed", 0},
		{"no JSON", "ace", `ace`, "the payload must be {email, password}", 0},
		{"a wrong password", "ace", `{"email":"ace@example.com","password":"wrong-horse"}`, "e-mail or password is wrong", 0},
		{"the service is down", "ace", `{"email":"ace@example.com","password":"correct-horse"}`, "PlaySmart cannot be reached", 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				if tt.fault != 0 {
					s.playSmart.Inject(emulator.Fault{Operation: "login", Status: tt.fault})
				}
				_, err := s.RPC(t.Context(), tt.userID, "playsmart_login", tt.payload)
				require.ErrorContains(t, err, tt.err)
				assert.NotContains(t, s.log.String(), "horse")
				_, err = storedTokens{s.Server}.Token(t.Context(), "ace")
				assert.Error(t, err, "nothing was kept")
			})
		})
	}
}

func TestAMatchHasBounds(t *testing.T) {
	s := newStage(t)
	match, err := s.StartMatch(t.Context())
	require.NoError(t, err)
	for i := range maxPlayers {
		require.True(t, match.Join(t.Context(), fmt.Sprint("device-", i)))
	}
	assert.False(t, match.Join(t.Context(), "ace"), "it is full")
	for range 2 * emptyTicks {
		require.True(t, match.Tick(t.Context()), "there are players")
	}
	for i := range maxPlayers {
		match.Leave(t.Context(), fmt.Sprint("device-", i))
	}
	for range emptyTicks - 1 {
		require.True(t, match.Tick(t.Context()))
	}
	assert.False(t, match.Tick(t.Context()), "nobody came for five seconds")
	assert.Zero(t, s.matches.Load())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.batcher.Close(ended)
	require.Error(t, err, "these players had no tokens")
}

func TestShutdown(t *testing.T) {
	const grace = 20 * time.Second
	tests := []struct {
		name    string
		outage  time.Duration
		ending  time.Duration // how long the match goes on; below 0 it never ends
		takes   time.Duration // at most
		arrives bool
	}{
		{"all is well", 0, 0, 100 * time.Millisecond, true},
		{"a match goes on for a while", 0, 5 * time.Second, 5*time.Second + 100*time.Millisecond, true},
		{"an outage that ends in time", 5 * time.Second, 0, 8 * time.Second, true},
		{"an outage that does not", time.Hour, 0, 9 * time.Second, false},
		{"a match that never ends", 0, -1, 11 * time.Second, true},
		{"both", time.Hour, -1, 19 * time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				_, err := s.RPC(t.Context(), "ace", "playsmart_login", `{"email":"ace@example.com","password":"correct-horse"}`)
				require.NoError(t, err)
				match, err := s.StartMatch(t.Context())
				require.NoError(t, err)
				require.True(t, match.Join(t.Context(), "ace"))
				if tt.outage > 0 {
					time.AfterFunc(tt.outage, s.playSmart.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503}))
				}
				began, matches := time.Now(), []*host.Match{}
				switch {
				case tt.ending == 0:
					matches = append(matches, match)
				case tt.ending > 0:
					time.AfterFunc(tt.ending, func() { match.Terminate(t.Context(), grace) })
				}
				s.Shutdown(t.Context(), grace, matches...)
				assert.LessOrEqual(t, time.Since(began), tt.takes)
				want := []string{"CustomMatchJoined", "GameEnd"}
				if tt.ending < 0 {
					want = want[:1]
				}
				if !tt.arrives {
					assert.Contains(t, s.log.String(), fmt.Sprintf("%d events of 1 players not delivered", len(want)))
					want = nil
				}
				assert.Equal(t, want, s.types("ace"))
			})
		})
	}
}
