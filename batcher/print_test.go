package batcher

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tokenMap is a TokenSource that is a map, as a small server may have it.
type tokenMap map[string]string

func (m tokenMap) Token(_ context.Context, user string) (Token, error) {
	return Token{Value: Secret(m[user])}, nil
}

// printed is a value with every verb.
func printed(v any) string {
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	return out.String()
}

// inLogs is a value as an attribute of log lines.
func inLogs(v any) string {
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("seen", "v", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("seen", "v", v)
	return out.String()
}

// forms are the ways in which a text can stand in a printed value: as it is, as hexadecimal digits, as numbers, in base64.
func forms(t *testing.T, text string) []string {
	t.Helper()
	encoded, err := json.Marshal([]byte(text))
	require.NoError(t, err)
	return []string{
		text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), strings.Trim(fmt.Sprintf("%d", []byte(text)), "[]"),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(text)), "[]byte{"), "}"), strings.Trim(string(encoded), `"=`),
	}
}

// TestSecurityNothingPrintsTokensOrEvents: neither a batcher in any state nor what it hands out.
func TestSecurityNothingPrintsTokensOrEvents(t *testing.T) {
	t.Parallel()
	const token, event = "canaryPlayerToken", `{"type":"LevelCompleted"`
	for name, answer := range map[string]func(request) error{
		"delivered": nil, "rejected": answersWith(Invalid), "parked": answersWith(Forbidden), "down": answersWith(Unavailable),
	} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var all strings.Builder
			add := func(text string) { mu.Lock(); defer mu.Unlock(); all.WriteString(text) }
			seen := func(v any) { add(printed(v) + inLogs(v)) }
			r := newRig(t, Config{Tokens: tokenMap{"ace": token}, OnOutcome: func(o Outcome) { seen(o); seen(&o); add(printed(o.Records)) }})
			r.service.answers(answer)
			p := r.Player("ace")
			r.track("ace")
			for range 2 { // before the request and after it
				seen(r.Batcher)
				seen(p)
				seen(r.Stats())
				seen(r.Ledger())
				seen(r.Parked())
				seen(p.Stats())
				after(7 * time.Second)
			}
			r.close()
			seen(r.Batcher)
			seen(r.report)
			seen(&r.report)
			add(printed(r.report.LeftOver)) // JSON of them is for a file: it must hold the events
			for _, private := range []string{token, event} {
				for _, form := range forms(t, private) {
					assert.NotContains(t, all.String(), form, name)
				}
			}
			assert.Contains(t, all.String(), "accepted 1 = ", name)
			if answer == nil || name == "rejected" {
				assert.Contains(t, all.String(), "events=1", "an outcome in a log counts its events")
			}
			assert.Equal(t, token, r.service.got[0].token, "the canary was sent")
			assert.Contains(t, r.service.got[0].body, event)
		})
	}
}

// TestSecurityABatcherIsPrintedWhileItWorks: a log line with a batcher in it must not read the players while they change.
func TestSecurityABatcherIsPrintedWhileItWorks(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{Linger: time.Millisecond})
	var players sync.WaitGroup
	for i := range 8 {
		players.Go(func() {
			for range 50 {
				r.track(fmt.Sprintf("device-%d", i))
			}
		})
	}
	for range 50 {
		assert.Contains(t, fmt.Sprintf("%+v %#v", r.Batcher, r.Batcher), "batcher: accepted")
	}
	players.Wait()
	r.close()
}
