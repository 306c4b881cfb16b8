package batcher_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// newBatcher returns a batcher over an emulator of PlaySmart in this process.
func newBatcher(change func(*batcher.Config)) (*batcher.Batcher, *emulator.Emulator) {
	service := emulator.New()
	client, err := playline.New(service.Options()...)
	if err != nil {
		panic(err)
	}
	cfg := batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(service.Token(userID, time.Hour))}, nil
		}),
	}
	if change != nil {
		change(&cfg)
	}
	b, err := client.NewBatcher(cfg)
	if err != nil {
		panic(err)
	}
	return b, service
}

func Example() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) {
		c.OnOutcome = func(o batcher.Outcome) { fmt.Println(len(o.Records), "events of", o.UserID, o.Result) }
	})
	p := b.Player("device-abc-123")
	_ = p.Track(ctx, batcher.Event{Type: batcher.LevelCompleted, Data: map[string]any{"level": 5}})
	_ = p.TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", 6), slog.Int("score", 4800))

	report, err := b.Close(ctx)
	fmt.Println(report.Delivered, "delivered,", service.EventCount(), "stored,", err)
	// Output:
	// 2 events of device-abc-123 delivered
	// 2 delivered, 2 stored, <nil>
}

func ExamplePlayer_Track() {
	b, _ := newBatcher(nil)
	defer b.Close(context.Background())
	err := b.Player("device-abc-123").Track(context.Background(), batcher.Event{Type: batcher.Custom, Data: map[string]any{"combo": 7}})
	var invalid *batcher.InvalidEventError
	fmt.Println(errors.As(err, &invalid), err)
	// Output: true batcher: event refused: customEventName must not be empty with type Custom: set Event.Name
}

func ExamplePlayer_TrackAttrs() {
	ctx := context.Background()
	b, service := newBatcher(nil)
	_ = b.Player("device-abc-123").TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", 5), slog.Group("boss", slog.String("name", "Hydra")))
	_, _ = b.Close(ctx)
	fmt.Println(string(service.Events("device-abc-123")[0].CustomData))
	// Output: {"level":5,"boss":{"name":"Hydra"}}
}

func ExamplePlayer_TrackCustom() {
	ctx := context.Background()
	b, service := newBatcher(nil)
	_ = b.Player("device-abc-123").TrackCustom(ctx, "PowerUpUsed", slog.String("power", "bomb"))
	_, _ = b.Close(ctx)
	fmt.Println(service.Events("device-abc-123")[0].CustomEventName)
	// Output: PowerUpUsed
}

func ExamplePlayer_TryTrack() {
	b, _ := newBatcher(func(c *batcher.Config) { c.MaxEvents, c.Linger = 1, time.Hour })
	p := b.Player("device-abc-123")
	fmt.Println(p.TryTrack(batcher.Event{Type: batcher.AppOpen}))
	fmt.Println(p.TryTrack(batcher.Event{Type: batcher.AppOpen}))
	_, _ = b.Close(context.Background())
	// Output:
	// <nil>
	// batcher: full
}

func ExampleBatcher_Track() {
	ctx := context.Background()
	b, service := newBatcher(nil)
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	_, _ = b.Close(ctx)
	fmt.Println(service.EventCount())
	// Output: 1
}

func ExampleBatcher_Flush() {
	ctx := context.Background()
	b, service := newBatcher(nil)
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	err := b.Flush(ctx) // returns when the event has its result
	fmt.Println(service.EventCount(), err)
	_, _ = b.Close(ctx)
	// Output: 1 <nil>
}

func ExamplePlayer_End() {
	ctx := context.Background()
	b, _ := newBatcher(nil)
	p := b.Player("device-abc-123")
	_ = p.TrackAttrs(ctx, batcher.GameEnd, slog.Int("score", 4800))
	err := p.End(ctx) // delivers, then forgets the player and the token
	fmt.Println(err, b.Stats().Players, "players")
	_, _ = b.Close(ctx)
	// Output: <nil> 0 players
}

func ExampleBatcher_Signal() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) { c.Linger = time.Hour })
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.LevelCompleted})
	b.Signal(batcher.LevelEnd) // sends now, and does not wait for it
	_ = b.Flush(ctx)
	fmt.Println(service.EventCount())
	_, _ = b.Close(ctx)
	// Output: 1
}

func ExampleBatcher_Parked() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) {
		c.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{}, batcher.ErrNoToken })
	})
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	for b.Signal(batcher.SessionEnd); len(b.Parked()) == 0; {
		runtime.Gosched() // the token source is asked in the background
	}
	for _, p := range b.Parked() {
		fmt.Println(p.UserID, p.Events, p.Cause)
		b.SetToken(p.UserID, batcher.Token{Value: batcher.Secret(service.Token(p.UserID, time.Hour))}) // the player has signed in
	}
	fmt.Println(b.Flush(ctx), service.EventCount())
	_, _ = b.Close(ctx)
	// Output:
	// device-abc-123 1 batcher: the player has no token
	// <nil> 1
}

func ExampleBatcher_SetToken() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) {
		c.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{}, batcher.ErrNoToken })
	})
	b.SetToken("device-abc-123", batcher.Token{Value: batcher.Secret(service.Token("device-abc-123", time.Hour))})
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	fmt.Println(b.Flush(ctx), service.EventCount())
	_, _ = b.Close(ctx)
	// Output: <nil> 1
}

func ExampleBatcher_Close() {
	b, service := newBatcher(nil)
	service.Inject(emulator.Fault{Operation: "ingestEvents", Mode: emulator.Hang})
	_ = b.Track(context.Background(), "device-abc-123", batcher.Event{Type: batcher.AppOpen})

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	report, err := b.Close(ctx)
	fmt.Println(err)
	for _, left := range report.LeftOver {
		event, _ := left.Records[0].Event()
		fmt.Println(left.UserID, left.Result, event.Type)
	}
	// Output:
	// batcher: closed with 1 events of 1 players not delivered: they are in Report.LeftOver: context deadline exceeded
	// device-abc-123 returned AppOpen
}

func ExampleBatcher_Erase() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) { c.Linger = time.Hour })
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})

	erased, err := b.Erase(ctx, "device-abc-123")
	fmt.Println(erased.Events, "dropped,", err)
	fmt.Println(b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen}))
	fmt.Println(service.EventCount(), "sent;", b.Ledger())
	_, _ = b.Close(ctx)
	// Output:
	// 1 dropped, <nil>
	// batcher: player erased
	// 0 sent; accepted 1 = delivered 0 + rejected 0 + expired 0 + unknown 0 + returned 0 + spooled 0 + erased 1 + pending 0; possible duplicates 0
}

func ExampleBatcher_Readmit() {
	ctx := context.Background()
	b, _ := newBatcher(nil)
	_, _ = b.Erase(ctx, "device-abc-123")
	fmt.Println(b.Readmit("device-abc-123")) // somebody plays on that device again
	fmt.Println(b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen}))
	_, _ = b.Close(ctx)
	// Output:
	// true
	// <nil>
}

func ExampleBatcher_Stats() {
	ctx := context.Background()
	b, _ := newBatcher(nil)
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	fmt.Println(b.Stats().Ledger)
	_, _ = b.Close(ctx)
	// Output: accepted 1 = delivered 0 + rejected 0 + expired 0 + unknown 0 + returned 0 + spooled 0 + erased 0 + pending 1; possible duplicates 0
}

func ExampleNotifyContext() {
	b, _ := newBatcher(nil)
	ctx, stop := batcher.NotifyContext(context.Background(), b) // ends with SIGTERM or Ctrl-C
	defer stop()
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	// ... the game runs until ctx ends; then:
	closing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := b.Close(closing)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleBatcher_ShutdownHook() {
	b, _ := newBatcher(nil)
	server := &http.Server{ReadHeaderTimeout: time.Second}
	server.RegisterOnShutdown(b.ShutdownHook()) // what waits goes out while the last requests are served
	_ = server.Shutdown(context.Background())
	_, err := b.Close(context.Background())
	fmt.Println(err)
	// Output: <nil>
}
