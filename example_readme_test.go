package playline_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// The pieces of code that the README shows beside examples/hello.

// sessions are the tokens of the players who are connected, by user id: a batcher.TokenSource.
type sessions struct{ tokens sync.Map }

func (s *sessions) Token(_ context.Context, userID string) (batcher.Token, error) {
	if token, ok := s.tokens.Load(userID); ok {
		return batcher.Token{Value: batcher.Secret(token.(string))}, nil
	}
	return batcher.Token{}, batcher.ErrNoToken // this player's events wait until events.SetToken(userID, token)
}

// A game server learns a player's token when the device connects. Events that came before wait for it.
func ExampleClient_NewBatcher_sessions() {
	ctx := context.Background()
	client, services := newClient()
	players := &sessions{}
	events, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster", Tokens: players, Linger: time.Millisecond,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = events.Player("device-abc-123").TrackAttrs(ctx, batcher.AppOpen)
	token := services.Token("device-abc-123", time.Hour) // the player's device connects and sends it
	players.tokens.Store("device-abc-123", token)
	events.SetToken("device-abc-123", batcher.Token{Value: batcher.Secret(token)})
	fmt.Println(events.Flush(ctx), services.EventCount(), "event delivered")
	_, err = events.Close(ctx)
	fmt.Println(err)
	// Output:
	// <nil> 1 event delivered
	// <nil>
}

// One switch tells the causes of a failure apart, for all five services.
func ExampleError_causes() {
	ctx := context.Background()
	client, _ := newClient()
	id := "ply_404404"

	switch _, err := client.Players.Get(ctx, id); {
	case errors.Is(err, playline.ErrNotFound):
		fmt.Println("no such player")
	case errors.Is(err, playline.ErrRateLimited), errors.Is(err, playline.ErrUnavailable):
		fmt.Println("try again later:", err)
	case errors.Is(err, playline.ErrOutcomeUnknown):
		fmt.Println("the service may have done it:", err)
	}
	// Output: no such player
}
