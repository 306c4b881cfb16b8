package playline

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// bang is what the code of a program panics with in these tests.
const bang = "the program's own words"

type panickingSender struct{}

func (panickingSender) Send(context.Context, batcher.Batch) (batcher.Receipt, error) { panic(bang) }

// panickingMarshaler is a value that panics while it is encoded.
type panickingMarshaler struct{}

func (panickingMarshaler) MarshalJSON() ([]byte, error) { panic(bang) }

// panics end the process within code of the program that the library called, with credentials and events in memory and on the stack.
var panics = map[string]func(c *Client){
	"TokenSource": func(c *Client) {
		cfg := panicConfig()
		cfg.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { panic(bang) })
		trackToPanic(c.NewBatcher(cfg))
	},
	"Sender": func(*Client) { trackToPanic(batcher.New(panickingSender{}, panicConfig())) },
	"OnOutcome": func(c *Client) {
		cfg := panicConfig()
		cfg.OnOutcome = func(batcher.Outcome) { panic(bang) }
		trackToPanic(c.NewBatcher(cfg))
	},
	"log handler": func(c *Client) {
		cfg := panicConfig()
		cfg.Log = slog.New(panickingHandler{slog.DiscardHandler})
		cfg.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
			return batcher.Token{}, batcher.ErrNoToken
		})
		trackToPanic(c.NewBatcher(cfg))
	},
	"Marshaler": func(c *Client) {
		_, _ = c.Ingest.Send(context.Background(), tokenPlayer, IngestBatch{
			UserID: "ace", GameID: "com.example.stackblaster",
			Events: []GameplayEvent{{Type: AppOpen, Timestamp: time.Now(), CustomData: map[string]json.Marshaler{"v": panickingMarshaler{}}}},
		})
	},
	"RoundTripper": func(*Client) {
		c, err := New(WithFyno("W", FynoLive, keyFyno), WithHTTPClient(newHTTPClient(roundTripper(func(*http.Request) (*http.Response, error) { panic(bang) }))))
		if err == nil {
			_, _ = c.Verify.Validate(context.Background(), OTPCheck{RequestID: "r", OTP: "493021"})
		}
	},
}

type panickingHandler struct{ slog.Handler }

func (panickingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingHandler) Handle(context.Context, slog.Record) error { panic(bang) }

func panicConfig() batcher.Config {
	return batcher.Config{
		GameID: "com.example.stackblaster", Linger: time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(tokenPlayer)}, nil
		}),
	}
}

// trackToPanic tracks an event and waits for the end of the process.
func trackToPanic(b *batcher.Batcher, err error) {
	if err != nil {
		return
	}
	b.SetToken("blitz", batcher.Token{Value: batcher.Secret(tokenPlayer)})
	private := []slog.Attr{slog.String("mail", "ace@example.com"), slog.String("phone", "+61400000000")}
	if b.Player("ace").TrackAttrs(context.Background(), batcher.AppOpen, private...) == nil {
		_ = b.Flush(context.Background())
	}
}

// panicVariable names the panic that a copy of the test's process is to end with.
const panicVariable = "PLAYLINE_TEST_PANIC"

// TestSecurityAPanicShowsNothingPrivate: a panic of the program's code ends the process, as it should; what the runtime writes then, with
// the stacks of all goroutines, holds the panic's own words and nothing that the library keeps.
func TestSecurityAPanicShowsNothingPrivate(t *testing.T) {
	if name := os.Getenv(panicVariable); name != "" {
		panics[name](newClient(t, script(jsonBody(202, `{"success":true,"message":"accepted:1 buffered:1"}`))))
		return
	}
	t.Parallel()
	for name := range panics {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecurityAPanicShowsNothingPrivate$", "-test.v")
			cmd.Env = append(os.Environ(), panicVariable+"="+name, "GOTRACEBACK=all")
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			var exit *exec.ExitError
			require.ErrorAs(t, cmd.Run(), &exit, "the process went on")
			assert.Contains(t, out.String(), "panic: "+bang)
			assert.Contains(t, out.String(), "goroutine ")
			assertNoCanary(t, out.String())
		})
	}
}
