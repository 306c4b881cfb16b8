package batcher_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// holds selects the requests whose body holds a text.
func holds(text string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		return bytes.Contains(body, []byte(text))
	}
}

func ExamplePlayer_TryTrackAttrs() {
	b, service := newBatcher(func(c *batcher.Config) { c.MaxEvents, c.Linger = 1, time.Hour })
	p := b.Player("device-abc-123")
	for score := range 2 { // in a game's loop: it must not wait
		if err := p.TryTrackAttrs(batcher.GameEnd, slog.Int("score", score)); errors.Is(err, batcher.ErrFull) {
			fmt.Println("no room for the score", score)
		}
	}
	_, _ = b.Close(context.Background())
	fmt.Println(service.EventCount(), "stored")
	// Output:
	// no room for the score 1
	// 1 stored
}

func ExampleBatcher_TryTrack() {
	b, _ := newBatcher(nil)
	_, _ = b.Close(context.Background())
	err := b.TryTrack("device-abc-123", batcher.Event{Type: batcher.AppOpen})
	fmt.Println(errors.Is(err, batcher.ErrClosed))
	// Output: true
}

func ExampleBatcher_Player() {
	ctx := context.Background()
	b, service := newBatcher(nil)
	session := b.Player("device-abc-123") // keep it for the length of a session: it saves a look-up an event
	for level := range 3 {
		_ = session.TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", level))
	}
	_, err := b.Close(ctx)
	fmt.Println(len(service.Events("device-abc-123")), err)
	// Output: 3 <nil>
}

func ExamplePlayer_Signal() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) { c.Linger = time.Hour })
	p := b.Player("device-abc-123")
	_ = p.TrackAttrs(ctx, batcher.GameEnd, slog.Int("score", 4800))
	p.Signal(batcher.SessionEnd) // this player's events go now; it does not wait
	_ = p.Flush(ctx)
	fmt.Println(service.EventCount())
	_, _ = b.Close(ctx)
	// Output: 1
}

func ExamplePlayer_Flush() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) { c.Linger = time.Hour })
	_ = b.Track(ctx, "ace", batcher.Event{Type: batcher.IAPPurchase})
	_ = b.Track(ctx, "blitz", batcher.Event{Type: batcher.AppOpen})
	err := b.Player("ace").Flush(ctx) // before the shop says thank you
	fmt.Println(len(service.Events("ace")), len(service.Events("blitz")), err)
	_, _ = b.Close(ctx)
	// Output: 1 0 <nil>
}

func ExamplePlayer_Stats() {
	ctx := context.Background()
	b, _ := newBatcher(func(c *batcher.Config) { c.Linger = time.Hour })
	p := b.Player("device-abc-123")
	_ = p.TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", 5))
	stats := p.Stats()
	fmt.Println(stats.Pending, "pending, parked:", stats.Parked, stats.LastError)
	_, _ = b.Close(ctx)
	// Output: 1 pending, parked: false <nil>
}

func ExampleBatcher_Ledger() {
	ctx := context.Background()
	b, _ := newBatcher(nil)
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	fmt.Println(b.Ledger().Pending, "pending")
	_, _ = b.Close(ctx)
	ledger := b.Ledger() // it balances at every instant: every event accepted is in exactly one of the other columns
	fmt.Println(ledger.Accepted, "accepted,", ledger.Delivered, "delivered,", ledger.Pending, "pending")
	// Output:
	// 1 pending
	// 1 accepted, 1 delivered, 0 pending
}

func ExampleBatcher_Resume() {
	ctx := context.Background()
	var banned atomic.Bool
	banned.Store(true)
	var service *emulator.Emulator
	b, service := newBatcher(func(c *batcher.Config) {
		c.Tokens = batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			if banned.Load() {
				return batcher.Token{}, batcher.ErrNoToken // parked: nobody asks again before Resume or SetToken
			}
			return batcher.Token{Value: batcher.Secret(service.Token(userID, time.Hour))}, nil
		})
	})
	p := b.Player("device-abc-123")
	_ = p.TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", 5))
	for p.Signal(batcher.SessionEnd); !p.Stats().Parked; {
		runtime.Gosched() // the token source is asked in the background
	}

	banned.Store(false) // the ban is lifted
	b.Resume("device-abc-123")
	fmt.Println(b.Flush(ctx), service.EventCount())
	_, _ = b.Close(ctx)
	// Output: <nil> 1
}

func ExampleRecord_Event() {
	ctx := context.Background()
	first, service := newBatcher(nil)
	service.Inject(emulator.Fault{Operation: "ingestEvents", Mode: emulator.Hang})
	_ = first.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.LevelCompleted, Data: map[string]any{"level": 5}})
	ended, cancel := context.WithCancel(ctx)
	cancel()
	report, _ := first.Close(ended) // no time left: everything is handed back

	second, _ := newBatcher(nil) // later, or elsewhere: LeftOver holds copies that can be kept
	for _, left := range report.LeftOver {
		for _, record := range left.Records {
			if event, err := record.Event(); err == nil {
				_ = second.Track(ctx, left.UserID, event)
			}
		}
	}
	again, err := second.Close(ctx)
	fmt.Println(len(report.LeftOver), "player handed back,", again.Delivered, "delivered later,", err)
	// Output: 1 player handed back, 1 delivered later, <nil>
}

// standardOutput is a Sender that prints the requests.
type standardOutput struct{}

func (standardOutput) Send(_ context.Context, b batcher.Batch) (batcher.Receipt, error) {
	_, err := fmt.Fprintln(os.Stdout, b.UserID, b.Events, string(b.AppendBody(nil)))
	return batcher.Receipt{}, err // of a request that failed a *SendError: it says what to do next
}

func ExampleNew() {
	b, err := batcher.New(standardOutput{}, batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "t"}, nil }),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 1, 2, 20, 0, 0, 0, time.UTC)
	_ = b.Track(context.Background(), "ace", batcher.Event{Type: batcher.LevelCompleted, Time: at, Data: map[string]any{"level": 5}})
	_, _ = b.Close(context.Background())
	// Output: ace 1 {"user_id":"ace","game_id":"com.example.stackblaster","events":[{"type":"LevelCompleted","timestamp":"2026-01-02T20:00:00.000+00:00","customdata":{"level":5}}]}
}

func ExampleNewBatch() {
	batch := batcher.NewBatch("ace", "com.example.stackblaster", batcher.Token{Value: "t"}, []byte(`{"type":"AppOpen"}`))
	_, err := standardOutput{}.Send(context.Background(), batch) // the test of a Sender
	fmt.Println(err, batch.Token)
	// Output:
	// ace 1 {"user_id":"ace","game_id":"com.example.stackblaster","events":[{"type":"AppOpen"}]}
	// <nil> [REDACTED]
}

func ExampleBatch_AppendBody() {
	batch := batcher.NewBatch("ace", "com.example.stackblaster", batcher.Token{Value: "t"}, []byte(`{"type":"AppOpen"}`))
	buffer := make([]byte, 0, 4096) // of the Sender's own, used again when the request has ended
	buffer = batch.AppendBody(buffer[:0])
	fmt.Println(len(buffer) > 0)
	// Output: true
}

func ExampleTokenFunc() {
	ctx := context.Background()
	sessions := map[string]string{"ace": "secret-token"} // who has signed in
	tokens := batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
		value, ok := sessions[userID]
		if !ok {
			return batcher.Token{}, batcher.ErrNoToken // park the player until it signs in
		}
		return batcher.Token{Value: batcher.Secret(value)}, nil // of a JWT the expiry is read
	})
	token, err := tokens.Token(ctx, "ace")
	fmt.Println(token, err)
	_, err = tokens.Token(ctx, "blitz")
	fmt.Println(err)
	// Output:
	// [REDACTED] <nil>
	// batcher: the player has no token
}

// refusingAll is a Sender to a service that knows no such GameID.
type refusingAll struct{}

func (refusingAll) Send(context.Context, batcher.Batch) (batcher.Receipt, error) {
	return batcher.Receipt{}, &batcher.SendError{Failure: batcher.Invalid, Err: errors.New("invalid_payload")}
}

func ExampleBatcher_RejectRefused() {
	told := make(chan batcher.AllRefused, 1)
	b, err := batcher.New(refusingAll{}, batcher.Config{
		GameID:       "com.example.wrong",
		Tokens:       batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "t"}, nil }),
		OnAllRefused: func(a batcher.AllRefused) { told <- a },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 20 {
		_ = b.Track(context.Background(), "ace", batcher.Event{Type: batcher.LevelCompleted, Data: map[string]any{"level": i}})
	}
	b.Signal(batcher.LevelEnd)
	refused := <-told // a person looks at it, and finds that the events are bad indeed
	fmt.Println(refused.Rejected, "rejected before it was told")
	b.RejectRefused()
	report, _ := b.Close(context.Background())
	fmt.Println(report.Rejected, "rejected")
	// Output:
	// 9 rejected before it was told
	// 20 rejected
}

func ExampleBatcher_Failing() {
	b, err := batcher.New(standardOutput{}, batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "t"}, nil }),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range b.Failing(10) { // for an alert: whose events do not pass, for how long, and why
		fmt.Println(p.UserID, p.Events, p.Oldest, p.Cause)
	}
	fmt.Println(len(b.Failing(10)), "players fail")
	_, _ = b.Close(context.Background())
	// Output: 0 players fail
}
