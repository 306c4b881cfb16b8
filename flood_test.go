package playline_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// A service that stores everything and from one day on answers with an empty body: its answers are not
// its word any more, and the batches that are sent again must not become a flood of copies.

// emptied is an emulator whose every success has an empty body.
type emptied struct{ emulator *emulator.Emulator }

// RoundTrip implements http.RoundTripper.
func (e emptied) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := e.emulator.RoundTrip(r)
	if err == nil && resp.StatusCode < 300 {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		resp.Body, resp.ContentLength = http.NoBody, 0
	}
	return resp, err
}

func TestEmptySuccessesMakeNoFlood(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		options []playline.Option
		copies  int // at most, in a minute
		outage  bool
	}{
		{"as it is", nil, 70, true},
		{"with WithAnySuccess", []playline.Option{playline.WithAnySuccess(playline.PlaySmart)}, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				services := emulator.New()
				options := append(services.Options(), playline.WithHTTPClient(&http.Client{Transport: emptied{services}}))
				client, err := playline.New(append(options, row.options...)...)
				require.NoError(t, err)
				b, err := client.NewBatcher(batcher.Config{
					GameID: "com.example.stackblaster",
					Tokens: batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
						return batcher.Token{Value: batcher.Secret(services.Token(user, time.Hour))}, nil
					}),
				})
				require.NoError(t, err)
				for player := range 20 {
					for n := range 200 {
						require.NoError(t, b.Player(fmt.Sprint("device-", player)).TrackAttrs(t.Context(), batcher.LevelCompleted, slog.Int("n", n)))
					}
				}
				time.Sleep(time.Minute)
				copies := 0
				for player := range 20 {
					seen := map[string]bool{}
					for _, e := range services.Events(fmt.Sprint("device-", player)) {
						if seen[string(e.CustomData)] {
							copies++
						}
						seen[string(e.CustomData)] = true
					}
				}
				stats := b.Stats()
				assert.LessOrEqual(t, copies, row.copies)
				assert.Equal(t, row.outage, stats.Outage)
				if row.outage {
					assert.Contains(t, stats.OutageCause, "Ingest.Send: status 202")
					assert.Contains(t, stats.OutageCause, "it is empty")
				} else {
					assert.Equal(t, int64(4000), stats.Delivered)
				}
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				report, _ := b.Close(ended)
				doubts := int(report.PossibleDuplicates)
				for _, o := range report.LeftOver {
					doubts += o.InDoubt * len(o.Records)
				}
				assert.GreaterOrEqual(t, doubts, copies, "each copy is counted")
				assert.Zero(t, report.Rejected)
			})
		})
	}
}
