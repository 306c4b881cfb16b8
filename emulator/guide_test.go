package emulator_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// The code of docs/testing.md and of the README's section on tests.

// signUp is the code under test: it registers a player and sends one welcome, however often it
// is called.
func signUp(ctx context.Context, client *playline.Client, deviceID, email string) error {
	_, err := client.Players.Register(ctx, playline.Player{
		ExternalID: deviceID,
		Channels:   playline.PlayerChannels{Email: email},
	})
	if err != nil {
		return err
	}
	_, err = client.Events.Fire(ctx, "welcome",
		playline.Recipient{To: playline.Destinations{Email: email}},
		playline.IdempotencyKey("welcome-"+deviceID))
	return err
}

// The README shows this test.
func TestSignUpIsRepeated(t *testing.T) {
	server := emulator.Start(t) // on loopback, closed with the test
	client, err := playline.New(server.Options()...)
	require.NoError(t, err)
	lost := emulator.Fault{Operation: "registerPlayer", Mode: emulator.ResetAfter, Times: 1}
	server.Inject(lost) // the service stores the player, but its answer gets lost

	require.NoError(t, signUp(t.Context(), client, "device-abc-123", "ace@example.com")) // your code

	require.Equal(t, 2, server.Calls("registerPlayer"))
	require.Len(t, server.Players(), 1)
}

func TestSignUp(t *testing.T) {
	server := emulator.Start(t) // loopback, a free port, closed with the test
	client, err := playline.New(server.Options()...)
	require.NoError(t, err)

	require.NoError(t, signUp(t.Context(), client, "device-abc-123", "ace@example.com"))

	player, ok := server.Player("device-abc-123")
	require.True(t, ok)
	assert.Equal(t, "ace@example.com", player.Channels.Email)
	require.Len(t, server.Messages(), 1)
	assert.Equal(t, "welcome", server.Messages()[0].Event)
}

func TestSignUpWhenAnAnswerIsLost(t *testing.T) {
	for _, operation := range []string{"registerPlayer", "fireEvent"} {
		t.Run(operation, func(t *testing.T) {
			server := emulator.Start(t)
			client, err := playline.New(server.Options()...)
			require.NoError(t, err)
			server.Inject(emulator.Fault{Operation: operation, Mode: emulator.ResetAfter, Times: 1})

			require.NoError(t, signUp(t.Context(), client, "device-abc-123", "ace@example.com"))

			assert.Equal(t, 2, server.Calls(operation)) // it was sent again,
			assert.Len(t, server.Players(), 1)          // and there is one player
			assert.Len(t, server.Messages(), 1)         // and one message
		})
	}
}

func TestSignUpWhenTheServiceIsDown(t *testing.T) {
	services := emulator.New()
	client, err := playline.New(append(services.Options(), playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}))...)
	require.NoError(t, err)
	repair := services.Inject(emulator.Fault{Service: emulator.Smooven, Status: http.StatusServiceUnavailable})

	err = signUp(t.Context(), client, "device-abc-123", "ace@example.com")
	require.ErrorIs(t, err, playline.ErrUnavailable)
	assert.Empty(t, services.Messages()) // no welcome for who is not registered

	repair()
	require.NoError(t, signUp(t.Context(), client, "device-abc-123", "ace@example.com"))
}

func TestSignUpWaitsAsLongAsTheServiceAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		services := emulator.New() // in the bubble: its clock is the bubble's
		client, err := playline.New(services.Options()...)
		require.NoError(t, err)
		fault := emulator.TooMany("registerPlayer", 40*time.Second)
		fault.Times = 1
		services.Inject(fault)

		start := time.Now()
		require.NoError(t, signUp(t.Context(), client, "device-abc-123", "ace@example.com"))
		assert.GreaterOrEqual(t, time.Since(start), 40*time.Second) // and the test took a millisecond
	})
}

func TestSignInByOneTimePassword(t *testing.T) {
	services := emulator.New()
	client, err := playline.New(services.Options()...)
	require.NoError(t, err)

	sent, err := client.Events.Fire(t.Context(), "login_otp", playline.Recipient{To: playline.Destinations{SMS: "+61400000000"}})
	require.NoError(t, err)
	code := services.Messages()[0].OTP // what the phone would show
	_, err = client.Verify.Validate(t.Context(), playline.OTPCheck{RequestID: sent.RequestID, OTP: playline.Secret(code)})
	require.NoError(t, err)
	_, err = client.Verify.Validate(t.Context(), playline.OTPCheck{RequestID: sent.RequestID, OTP: playline.Secret(code)})
	require.ErrorIs(t, err, playline.ErrInvalid) // used
}

func TestAnOutageOfTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		services := emulator.New()
		client, err := playline.New(services.Options()...)
		require.NoError(t, err)
		b, err := client.NewBatcher(batcher.Config{
			GameID: "com.example.stackblaster",
			Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
				return batcher.Token{Value: batcher.Secret(services.Token(userID, time.Hour))}, nil
			}),
		})
		require.NoError(t, err)
		repair := services.Inject(emulator.Fault{Operation: "ingestEvents", Status: http.StatusServiceUnavailable})
		for range 60 { // a player, an event every ten seconds
			require.NoError(t, b.Track(t.Context(), "device-abc-123", batcher.Event{Type: batcher.AppOpen}))
			time.Sleep(10 * time.Second)
		}
		assert.Zero(t, services.EventCount())

		repair()
		report, err := b.Close(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 60, report.Delivered)
		assert.Len(t, services.Events("device-abc-123"), 60)
	})
}

func TestAnAnswerThatNoServiceGives(t *testing.T) {
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodPost, "https://smooven.example.com/players/register",
		httpmock.NewStringResponder(http.StatusTeapot, `{"error":"short and stout"}`))
	client, err := playline.New(
		playline.WithSmooven("sk_live_example"),
		playline.WithBaseURL(playline.Smooven, "https://smooven.example.com"),
		playline.WithHTTPClient(&http.Client{Transport: mock}),
	)
	require.NoError(t, err)

	_, err = client.Players.Register(t.Context(), playline.Player{
		ExternalID: "device-abc-123",
		Channels:   playline.PlayerChannels{Email: "ace@example.com"},
	})
	var refused *playline.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusTeapot, refused.StatusCode)
}

// transcript is what a client sent, one request a line, without headers and so without credentials.
func transcript(requests []emulator.Request) string {
	var b strings.Builder
	for _, r := range requests {
		fmt.Fprintf(&b, "%s %s %s -> %d\n", r.Method, r.Path, r.Body, r.Status)
	}
	return b.String()
}

const golden = `POST /smooven/v1/players/register {"external_id":"device-abc-123","channels":{"email":"ace@example.com"}} -> 200
POST /fyno/v1/FYEMULATOR/live/event {"event":"welcome","to":{"email":"ace@example.com"}} -> 202
`

func TestWhatSignUpSends(t *testing.T) {
	services := emulator.New()
	client, err := playline.New(services.Options()...)
	require.NoError(t, err)
	require.NoError(t, signUp(t.Context(), client, "device-abc-123", "ace@example.com"))
	assert.Equal(t, golden, transcript(services.Requests()))
}

// violations are the requests that a contract does not allow, whoever sent them.
func violations(requests []emulator.Request) []string {
	var broken []string
	for _, r := range requests {
		if r.Violation != "" {
			broken = append(broken, r.Operation+": "+r.Violation)
		}
	}
	return broken
}

func TestAHandWrittenCallBreaksTheContract(t *testing.T) {
	server := emulator.Start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+emulator.SmoovenPath+"/players/register",
		strings.NewReader(`{"external_id":"device-abc-123","channels":{"email":7}}`))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+emulator.SmoovenKey)
	request.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer reply.Body.Close()

	assert.Equal(t, http.StatusBadRequest, reply.StatusCode)
	assert.Equal(t, []string{"registerPlayer: body.channels.email must be a string"}, violations(server.Requests()))
}
