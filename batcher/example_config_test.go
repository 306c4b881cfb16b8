package batcher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// Every setting, for a server of ten thousand players in a container of 1 GiB. GameID and Tokens alone would do.
func ExampleConfig() {
	b, service := newBatcher(func(c *batcher.Config) { // it has set GameID and Tokens
		c.Linger = 10 * time.Second // fuller requests, and events that arrive later
		c.BatchEvents = 200
		c.BatchBytes = 512 << 10
		c.EventBytes = 8 << 10

		c.MaxEvents = 500_000 // what an outage may pile up: 20,000 events/s for 25 s
		c.MaxBytes = 128 << 20
		c.MaxPlayerEvents = 2_000
		c.MaxPlayerBytes = 1 << 20

		c.MaxInFlight = 32
		c.SendTimeout = 15 * time.Second
		c.MaxRetryAfter = time.Minute

		c.IdleTimeout = 5 * time.Minute
		c.TokenRenewal = 30 * time.Second
		c.Log = slog.New(slog.DiscardHandler)
	})
	_ = b.Track(context.Background(), "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	_, err := b.Close(context.Background())
	fmt.Println(service.EventCount(), err)
	// Output: 1 <nil>
}

func ExampleConfigError() {
	_, err := batcher.New(standardOutput{}, batcher.Config{
		GameID:      "com.example.stackblaster",
		Tokens:      batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "t"}, nil }),
		BatchEvents: 500,
	})
	wrong, ok := errors.AsType[*batcher.ConfigError](err)
	fmt.Println(ok, wrong.Fields)
	fmt.Println(err)
	// Output:
	// true BatchEvents
	// batcher: Config.BatchEvents must be from 1 to 200
}

func ExampleConfig_onOutcome() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) {
		c.OnOutcome = func(o batcher.Outcome) {
			if o.Result == batcher.Delivered {
				fmt.Println(len(o.Records), "delivered")
				return
			}
			for _, record := range o.Records { // the events are in hand: write them to a file, count them, raise an alarm
				event, _ := record.Event()
				fmt.Println(event.Type, event.Name, o.Result)
			}
		}
	})
	// The service finds fault with one event of three.
	service.Inject(emulator.Fault{Operation: "ingestEvents", Match: holds("Teleport"), Status: 400})
	p := b.Player("device-abc-123")
	_ = p.TrackCustom(ctx, "Jump")
	_ = p.TrackCustom(ctx, "Teleport")
	_ = p.TrackCustom(ctx, "Duck")
	report, err := b.Close(ctx)
	fmt.Println(report.Delivered, "delivered,", report.Rejected, "rejected,", err)
	// Output:
	// 1 delivered
	// Custom Teleport rejected
	// 1 delivered
	// 2 delivered, 1 rejected, <nil>
}

func ExampleConfig_batchEvents() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) { c.BatchEvents = 50 })
	for level := range 120 {
		_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.LevelCompleted, Data: map[string]any{"level": level}})
	}
	_, err := b.Close(ctx)
	fmt.Println(service.EventCount(), "events in", service.Calls("ingestEvents"), "requests", err)
	// Output: 120 events in 3 requests <nil>
}

func ExampleConfig_maxPlayerEvents() {
	b, _ := newBatcher(func(c *batcher.Config) { c.MaxPlayerEvents, c.Linger = 2, time.Hour })
	for _, player := range []string{"ace", "ace", "ace", "blitz"} { // ace cannot take the room of all
		fmt.Println(player, b.TryTrack(player, batcher.Event{Type: batcher.AppOpen}))
	}
	_, _ = b.Close(context.Background())
	// Output:
	// ace <nil>
	// ace <nil>
	// ace batcher: full
	// blitz <nil>
}

func ExampleConfig_sendTimeout() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) { c.SendTimeout = 50 * time.Millisecond })
	service.Inject(emulator.Fault{Operation: "ingestEvents", Mode: emulator.Hang, Times: 1})
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	report, err := b.Close(ctx)
	// The first request may have been stored before it hung: the service does not say.
	fmt.Println(report.Delivered, "delivered; in doubt before that:", report.PossibleDuplicates > 0, err)
	// Output: 1 delivered; in doubt before that: true <nil>
}

func ExampleConfig_maxAge() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) {
		c.Linger, c.MaxAge = time.Millisecond, 20*time.Millisecond // without MaxAge they wait as long as it takes
		c.OnOutcome = func(o batcher.Outcome) { fmt.Println(len(o.Records), o.Result) }
	})
	service.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503})
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AdImpression})
	fmt.Println(b.Flush(ctx))
	_, _ = b.Close(ctx)
	// Output:
	// 1 expired
	// <nil>
}

func ExampleConfig_maxParkedBytes() {
	ctx := context.Background()
	told := make(chan string, 1)
	b, _ := newBatcher(func(c *batcher.Config) {
		c.Linger, c.MaxParkedBytes = time.Millisecond, 50 // one event is longer
		c.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{}, batcher.ErrNoToken })
		c.OnOutcome = func(o batcher.Outcome) { told <- fmt.Sprint(len(o.Records), " ", o.Result) }
	})
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AdImpression})
	fmt.Println(<-told) // as soon as the token source has said that the player is not there
	_, _ = b.Close(ctx)
	// Output: 1 expired
}

func ExampleConfig_atMostOnce() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) {
		c.AtMostOnce = []batcher.EventType{batcher.IAPPurchase} // a second copy costs money: rather none than two
		c.OnOutcome = func(o batcher.Outcome) {
			event, _ := o.Records[0].Event()
			fmt.Println(event.Type, o.Result)
		}
	})
	service.Inject(emulator.Fault{Operation: "ingestEvents", Mode: emulator.ResetAfter, Times: 1}) // stored, the answer is lost
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.IAPPurchase, Data: map[string]any{"sku": "coins-500"}})
	_, err := b.Close(ctx)
	fmt.Println(service.EventCount(), "stored,", service.Calls("ingestEvents"), "request,", err)
	// Output:
	// IAPPurchase unknown
	// 1 stored, 1 request, <nil>
}

func ExampleConfig_eventTypes() {
	ctx := context.Background()
	service := emulator.New(emulator.WithEventTypes("GuildJoined")) // the vendor has added a type
	client, err := playline.New(service.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := client.NewBatcher(batcher.Config{
		GameID:     "com.example.stackblaster",
		EventTypes: []batcher.EventType{"GuildJoined"}, // or playline.WithEventTypes, for all of a client's batchers
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(service.Token(userID, time.Hour))}, nil
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = b.Player("device-abc-123").TrackAttrs(ctx, "GuildJoined", slog.String("guild", "red"))
	fmt.Println(b.Player("device-abc-123").TrackAttrs(ctx, "GuildLeft"))
	report, err := b.Close(ctx)
	fmt.Println(report.Delivered, "delivered,", err)
	// Output:
	// batcher: event refused: type must be AppOpen, LevelCompleted, GameEnd, AdImpression, IAPPurchase or Custom, or one of Config.EventTypes
	// 1 delivered, <nil>
}

func ExampleConfig_eventIDKey() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) { c.EventIDKey = "event_id" })
	service.Inject(emulator.Fault{Operation: "ingestEvents", Mode: emulator.ResetAfter, Times: 1}) // stored, the answer is lost
	_ = b.Player("device-abc-123").TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", 5))
	report, err := b.Close(ctx)

	ids := map[string]bool{}
	for _, stored := range service.Events("device-abc-123") {
		var data struct {
			ID string `json:"event_id"`
		}
		_ = json.Unmarshal(stored.CustomData, &data)
		ids[data.ID] = true
	}
	fmt.Println(service.EventCount(), "copies,", report.PossibleDuplicates, "counted,", len(ids), "id,", err)
	// Output: 2 copies, 1 counted, 1 id, <nil>
}

func ExampleConfig_log() {
	ctx := context.Background()
	b, service := newBatcher(func(c *batcher.Config) {
		c.Log = slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
			Level: slog.LevelDebug,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{} // not the same twice
				}
				return a
			},
		}))
	})
	service.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503, Times: 1})
	_ = b.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	_, err := b.Close(ctx)
	fmt.Println(err)
	// Output:
	// level=DEBUG msg="batcher: request failed" failure="unavailable: Ingest.Send: status 503" events=1 attempt=1
	// <nil>
}

// A user id that is not the sub claim of its token is the most likely mistake of a new program: the
// service refuses the token with 403, and the events wait.
func ExampleConfig_onParked() {
	parked := make(chan string, 1)
	b, _ := newBatcher(func(c *batcher.Config) {
		c.Linger = time.Millisecond
		c.OnParked = func(userID string, cause error) {
			select {
			case parked <- fmt.Sprint(userID, ": ", cause):
			default: // Close tries once more, and parks the player again
			}
		}
		c.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
			return batcher.Token{}, batcher.ErrNoToken
		})
	})
	_ = b.Track(context.Background(), "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	fmt.Println(<-parked)
	report, _ := b.Close(context.Background())
	fmt.Println(report.Parked[0].UserID, report.Parked[0].Events, "event")
	// Output:
	// device-abc-123: batcher: the player has no token
	// device-abc-123 1 event
}

// The off switch: the program tracks as always, and nothing is kept or sent.
func ExampleDiscard() {
	b := batcher.Discard()
	err := b.Player("device-abc-123").TrackAttrs(context.Background(), batcher.AppOpen, slog.String("build", "dev"))
	report, closed := b.Close(context.Background())
	fmt.Println(err, closed, report.Accepted)
	// Output: <nil> <nil> 0
}

// printed is a batcher.DeadLetters that prints. A spool keeps them on the disk, and spoolctl dead shows them.
type printed struct{}

func (printed) KeepDead(_ context.Context, letters []batcher.DeadLetter) error {
	for _, l := range letters {
		fmt.Fprintln(os.Stdout, l.UserID, l.Result, l.Attempts, len(l.Cause) > 0)
	}
	return nil
}

func (printed) EraseDead(context.Context, string) error { return nil }

// What the service refuses is kept with the cause.
func ExampleConfig_deadLetters() {
	b, service := newBatcher(func(c *batcher.Config) { c.DeadLetters = printed{} })
	service.Inject(emulator.Fault{Operation: "ingestEvents", Status: 400})
	_ = b.Track(context.Background(), "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	_, err := b.Close(context.Background())
	fmt.Println(err)
	// Output:
	// device-abc-123 rejected 1 true
	// <nil>
}
