package emulator_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// register registers the player ace and returns what became of it.
func register(client *playline.Client, opts ...playline.RequestOption) error {
	_, err := client.Players.Register(context.Background(), playline.Player{
		ExternalID: "ace", Channels: playline.PlayerChannels{Email: "ace@example.com"},
	}, opts...)
	return err
}

// connect returns a client of the emulator in this process.
func connect(services *emulator.Emulator) *playline.Client {
	client, err := playline.New(services.Options()...)
	if err != nil {
		panic(err)
	}
	return client
}

func ExampleNew() {
	services := emulator.New()
	client, err := playline.New(services.Options()...) // in the process, without a socket
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(register(client), services.Players()[0].ID)
	// Output: <nil> ply_000001
}

func ExampleListen() {
	server, err := emulator.Listen("127.0.0.1:0") // for a program; a test has Start
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client, err := playline.New(server.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(register(client), strings.HasPrefix(server.URL, "http://127.0.0.1:"))
	// Output: <nil> true
}

func ExampleServer_Env() {
	server, err := emulator.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	fmt.Println(server.Env()[0]) // for the environment of another process, which calls playline.NewFromEnv
	// Output: PLAYLINE_SMOOVEN_KEY=sk_live_emulator
}

func ExampleEmulator_ServeHTTP() {
	own := httptest.NewServer(emulator.New()) // within a server of your own
	defer own.Close()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, own.URL+emulator.SmoovenPath+"/players/ply_000001", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := own.Client().Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode) // no key
	// Output: 401
}

func ExampleEmulator_Inject() {
	services := emulator.New()
	client := connect(services)
	repair := services.Inject(emulator.Fault{Service: emulator.Smooven, Status: http.StatusServiceUnavailable})
	once := playline.Retry(playline.RetryPolicy{MaxAttempts: 1})
	fmt.Println(errors.Is(register(client, once), playline.ErrUnavailable))
	repair()
	fmt.Println(register(client, once))
	// Output:
	// true
	// <nil>
}

func ExampleFault() {
	services := emulator.New()
	client := connect(services)
	services.Inject(emulator.Fault{Operation: "registerPlayer", Mode: emulator.ResetAfter, Times: 1}) // stored, the answer is lost
	err := register(client, playline.Retry(playline.RetryPolicy{BaseDelay: time.Millisecond}))
	fmt.Println(err, services.Calls("registerPlayer"), "calls,", len(services.Players()), "player")
	// Output: <nil> 2 calls, 1 player
}

func ExampleTooMany() {
	services := emulator.New()
	client := connect(services)
	services.Inject(emulator.TooMany("registerPlayer", 30*time.Second))
	err := register(client, playline.Timeout(time.Second)) // shorter than the pause: sent at once
	failed, ok := errors.AsType[*playline.Error](err)
	fmt.Println(ok, errors.Is(err, playline.ErrRateLimited), failed.RetryAfter)
	// Output: true true 30s
}

func ExampleEmulator_Requests() {
	services := emulator.New()
	_ = register(connect(services))
	for _, r := range services.Requests() {
		fmt.Println(r.Number, r.Service, r.Operation, r.Method, r.Path, r.Status)
	}
	// Output: 1 smooven registerPlayer POST /smooven/v1/players/register 200
}

func ExampleEmulator_Messages() {
	ctx := context.Background()
	services := emulator.New()
	client := connect(services)
	_, err := client.Events.Fire(ctx, "login_otp", playline.Recipient{To: playline.Destinations{SMS: "+61400000000"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	sent := services.Messages()[0]
	_, err = client.Verify.Validate(ctx, playline.OTPCheck{RequestID: sent.RequestID, OTP: playline.Secret(sent.OTP)})
	fmt.Println(sent.Channel, len(sent.OTP), "digits,", err)
	// Output: sms 6 digits, <nil>
}

func ExampleEmulator_Token() {
	ctx := context.Background()
	services := emulator.New()
	client := connect(services)
	batch := playline.IngestBatch{
		UserID: "ace", GameID: "com.example.stackblaster",
		Events: []playline.GameplayEvent{{Type: playline.AppOpen, Timestamp: time.Now()}},
	}
	for _, life := range []time.Duration{time.Hour, 0} {
		_, err := client.Ingest.Send(ctx, playline.Secret(services.Token("ace", life)), batch)
		fmt.Println(errors.Is(err, playline.ErrUnauthorized))
	}
	fmt.Println(len(services.Events("ace")), "event stored")
	// Output:
	// false
	// true
	// 1 event stored
}

func ExampleEmulator_ConfirmClient() {
	ctx := context.Background()
	services := emulator.New()
	client := connect(services)
	linked, err := client.Messaging.CreateClient(ctx, "ace", playline.ClientCreate{
		MatchCriteria: playline.MatchCriteria{Type: playline.MatchTwilio, IntegrationID: "5d8cff3cd55b040010928b5c", PhoneNumber: "+61400000000"},
		Confirmation:  playline.Confirmation{Type: playline.ConfirmUserActivity},
		Target:        playline.ClientTarget{ConversationID: "5d8cff3cd55b040010928b5d"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(services.Clients("ace")[0].Status)
	fmt.Println(services.ConfirmClient("ace", linked.ID), services.Clients("ace")[0].Status) // the player has written
	// Output:
	// pending
	// <nil> active
}

func ExampleWithObserver() {
	services := emulator.New(emulator.WithObserver(func(r emulator.Request) {
		fmt.Println("seen:", r.Operation, r.Status)
	}))
	_ = register(connect(services))
	// Output: seen: registerPlayer 200
}

func ExampleWithSmartSenderQuota() {
	services := emulator.New(emulator.WithSmartSenderQuota(2))
	id := services.AddContact(emulator.Contact{FirstName: "ace"})
	client := connect(services)
	for range 3 {
		_, err := client.Contacts.Get(context.Background(), id, playline.Retry(playline.RetryPolicy{MaxAttempts: 1}))
		fmt.Println(errors.Is(err, playline.ErrRateLimited)) // the third one locks the project
	}
	// Output:
	// false
	// false
	// true
}

// A web page beside the services, for a person who plays a game against them.
func ExampleWithInspector() {
	server, err := emulator.Listen("127.0.0.1:0", emulator.WithInspector())
	if err != nil {
		panic(err)
	}
	defer server.Close()

	// A browser goes there.
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL+emulator.InspectorPath, nil)
	if err != nil {
		panic(err)
	}
	page, err := http.DefaultClient.Do(r)
	if err != nil {
		panic(err)
	}
	defer page.Body.Close()
	fmt.Println(page.StatusCode, page.Header.Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
