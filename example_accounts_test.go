package playline_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// Examples of AccountsService and IngestService.

func ExampleAccountsService_Register() {
	client, _ := newClient()
	account := playline.AccountCreate{Email: "ace@example.com", Password: "correct-horse-9", DeviceID: "device-abc-123"}
	session, err := client.Accounts.Register(context.Background(), account)
	fmt.Println(session.User.Email, session.AccessToken, err) // a token does not print
	_, err = client.Accounts.Register(context.Background(), account)
	fmt.Println(errors.Is(err, playline.ErrConflict))
	// Output:
	// ace@example.com [REDACTED] <nil>
	// true
}

func ExampleAccountsService_Login() {
	ctx := context.Background()
	client, _ := newClient()
	_, err := client.Accounts.Register(ctx, playline.AccountCreate{
		Email: "ace@example.com", Password: "correct-horse-9", DeviceID: "device-abc-123",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, password := range []playline.Secret{"wrong-horse-9", "correct-horse-9"} {
		session, err := client.Accounts.Login(ctx, playline.Credentials{Email: "ace@example.com", Password: password})
		if errors.Is(err, playline.ErrUnauthorized) {
			fmt.Println("wrong")
			continue
		}
		fmt.Println(!session.AccessToken.IsZero(), err)
	}
	// Output:
	// wrong
	// true <nil>
}

func ExampleIngestService_Send() {
	ctx := context.Background()
	client, services := newClient()
	session, err := client.Accounts.Register(ctx, playline.AccountCreate{
		Email: "ace@example.com", Password: "correct-horse-9", DeviceID: "device-abc-123",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// One request, and it is yours to batch and to repeat: for more than a few events see Client.NewBatcher.
	result, err := client.Ingest.Send(ctx, session.AccessToken.Secret(), playline.IngestBatch{
		UserID: "device-abc-123",
		GameID: "com.example.stackblaster",
		Events: []playline.GameplayEvent{
			{Type: playline.AppOpen, Timestamp: time.Date(2026, 1, 2, 20, 0, 0, 0, time.UTC)},
			{Type: playline.LevelCompleted, Timestamp: time.Date(2026, 1, 2, 20, 1, 0, 0, time.UTC), CustomData: map[string]any{"level": 5}},
			{Type: playline.Custom, CustomEventName: "PowerUpUsed", Timestamp: time.Date(2026, 1, 2, 20, 2, 0, 0, time.UTC)},
		},
	})
	fmt.Println(result.Accepted, services.EventCount(), err)
	// Output: 3 3 <nil>
}

// A game server passes the token of a session on to its batcher.
func ExampleSession_Token() {
	ctx := context.Background()
	client, services := newClient()
	session, err := client.Accounts.Register(ctx, playline.AccountCreate{
		Email: "ace@example.com", Password: "correct-horse-9", DeviceID: "device-abc-123",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return session.Token(), nil }),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen}) // the device id is the token's sub
	_, closed := b.Close(ctx)
	fmt.Println(err, closed, services.EventCount())
	// Output: <nil> <nil> 1
}
