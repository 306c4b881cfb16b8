package playline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// newClient returns a client of an emulator in this process. A program has instead
//
//	client, err := playline.NewFromEnv()
func newClient() (*playline.Client, *emulator.Emulator) {
	services := emulator.New()
	client, err := playline.New(services.Options()...)
	if err != nil {
		panic(err)
	}
	return client, services
}

func Example() {
	client, err := playline.New(emulator.New().Options()...) // or playline.WithSmooven("sk_live_..."), or playline.NewFromEnv()
	if err != nil {
		fmt.Println(err)
		return
	}
	player, err := client.Players.Register(context.Background(), playline.Player{
		ExternalID: "device-abc-123",
		Channels:   playline.PlayerChannels{Email: "ace@example.com"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(player.PlayerID, player.ChannelsRegistered)
	// Output: ply_000001 [email]
}

func ExampleNew() {
	client, err := playline.New(
		playline.WithSmooven("sk_live_example"),
		playline.WithFyno("FYEXAMPLE", playline.FynoLive, "key"),
		playline.WithPlaySmart(),
	)
	fmt.Println(err)
	_, err = client.Contacts.Get(context.Background(), 1) // nothing was said of SmartSender
	fmt.Println(errors.Is(err, playline.ErrNotConfigured))
	// Output:
	// <nil>
	// true
}

func ExampleError() {
	client, _ := newClient()
	_, err := client.Players.Get(context.Background(), "ply_404404")
	if failed, ok := errors.AsType[*playline.Error](err); ok {
		fmt.Println(failed.Operation, failed.StatusCode, failed.Attempts)
	}
	fmt.Println(errors.Is(err, playline.ErrNotFound), errors.Is(err, playline.ErrUnavailable))
	// Output:
	// Players.Get 404 1
	// true false
}

func ExampleValidationError() {
	client, services := newClient()
	_, err := client.Players.Register(context.Background(), playline.Player{
		ExternalID: "device-abc-123",
		Channels:   playline.PlayerChannels{SMS: "0400 000 000"},
	})
	fmt.Println(err)
	fmt.Println(services.TotalCalls(), "requests")
	// Output:
	// playline: channels.sms must be a phone number in E.164 form: + and 7 to 15 digits, as in +61400000000
	// 0 requests
}

func ExampleTimeout() {
	client, services := newClient()
	services.Inject(emulator.Fault{Operation: "getPlayer", Mode: emulator.Hang})
	_, err := client.Players.Get(context.Background(), "ply_000001", playline.Timeout(20*time.Millisecond))
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

func ExampleRetry() {
	client, services := newClient()
	services.Inject(emulator.Fault{Operation: "getPlayer", Status: 503})
	_, err := client.Players.Get(context.Background(), "ply_000001", playline.Retry(playline.RetryPolicy{
		MaxAttempts: 2, BaseDelay: time.Millisecond,
	}))
	fmt.Println(errors.Is(err, playline.ErrUnavailable), services.Calls("getPlayer"), "requests")
	// Output: true 2 requests
}

func ExampleRetryInDoubt() {
	ctx := context.Background()
	client, services := newClient()
	services.Inject(emulator.Fault{Operation: "createProfile", Mode: emulator.ResetAfter, Times: 2}) // stored, the answers are lost
	profile := playline.ProfileCreate{DistinctID: "ace"}

	_, err := client.Profiles.Create(ctx, profile)
	fmt.Println(errors.Is(err, playline.ErrOutcomeUnknown), services.Calls("createProfile"))

	// A profile that is there already is what we want, so asking again is harmless.
	_, err = client.Profiles.Create(ctx, profile, playline.RetryInDoubt(), playline.Retry(playline.RetryPolicy{BaseDelay: time.Millisecond}))
	fmt.Println(errors.Is(err, playline.ErrConflict), services.Calls("createProfile"))
	// Output:
	// true 1
	// true 3
}

func ExampleIdempotencyKey() {
	ctx := context.Background()
	client, services := newClient()
	to := playline.Recipient{To: playline.Destinations{SMS: "+61400000000"}}
	for range 2 { // a job that runs again after a crash
		_, err := client.Events.Fire(ctx, "order-shipped", to, playline.IdempotencyKey("order-4711"))
		fmt.Println(err)
	}
	fmt.Println(len(services.Messages()), "message")
	// Output:
	// <nil>
	// <nil>
	// 1 message
}

func ExampleHeader() {
	client, services := newClient()
	_, _ = client.Players.Get(context.Background(), "ply_000001", playline.Header("X-Request-Source", "matchmaker"))
	fmt.Println(services.Requests()[0].Header.Get("X-Request-Source"))
	// Output: matchmaker
}

func ExampleCaptureResponse() {
	client, _ := newClient()
	var response playline.Response
	_, err := client.Accounts.Login(context.Background(), playline.Credentials{Email: "ace@example.com", Password: "correct-horse-9"},
		playline.CaptureResponse(&response))
	fmt.Println(errors.Is(err, playline.ErrUnauthorized), response.StatusCode, response.Attempts, len(response.Body()) > 0)
	// Output: true 401 1 true
}

func ExampleSecret() {
	key := playline.Secret("sk_live_example")
	fmt.Printf("%v %x %q\n", key, key, key)
	fmt.Println(len(string(key)))
	// Output:
	// [REDACTED] [REDACTED] [REDACTED]
	// 15
}

// A field that is not exported is printed without a question to its type. A HeldSecret shows nothing
// there either.
func ExampleHeldSecret() {
	type backend struct{ key playline.HeldSecret }
	b := backend{playline.Secret("sk_live_example").Hold()}
	fmt.Println(strings.Contains(fmt.Sprintf("%+v %#v", b, b), "sk_live"))
	fmt.Println(len(string(b.key.Secret())), b.key)
	// Output:
	// false
	// 15 [REDACTED]
}
