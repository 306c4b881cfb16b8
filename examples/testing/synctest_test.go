package rewards

import (
	"context"
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

// Recipe 3: synctest, for everything with time. Inside of the bubble time does not move while
// anything runs, and leaps when everything waits, so an hour takes no time, and the test says
// exactly when something happens. Take emulator.New instead of emulator.Start: a bubble cannot wait
// for a socket. Make it, the client and the batcher inside of the bubble, and close the batcher
// there.

func TestAPauseThatFynoAsksFor(t *testing.T) {
	tests := []struct {
		name     string
		patience time.Duration // of the caller
		takes    time.Duration
		err      error
	}{
		{"is waited out", time.Minute, 30 * time.Second, nil},
		{"is not begun where the caller would not see its end", 29 * time.Second, 0, playline.ErrRateLimited},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				services := emulator.New()
				client, err := playline.New(services.Options()...)
				require.NoError(t, err)
				_, err = client.Profiles.Create(t.Context(), playline.ProfileCreate{
					DistinctID: "device-abc-123", Channels: playline.ProfileChannels{SMS: "+61400000000"},
				})
				require.NoError(t, err)
				rewards, err := New(client, tokensOf(services), func(batcher.Outcome) {})
				require.NoError(t, err)
				limited := emulator.TooMany("fireEvent", 30*time.Second)
				limited.Times = 1
				services.Inject(limited)

				ctx, cancel := context.WithTimeout(t.Context(), tt.patience)
				defer cancel()
				began := time.Now()
				assert.ErrorIs(t, rewards.LevelCompleted(ctx, "device-abc-123", 10), tt.err)
				assert.Equal(t, tt.takes, time.Since(began))
				_, err = rewards.Close(t.Context())
				require.NoError(t, err)
				assert.Equal(t, 1, services.EventCount(), "the level counts all the same")
			})
		})
	}
}

func TestAnOutageOfPlaySmartLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		services := emulator.New()
		client, err := playline.New(services.Options()...)
		require.NoError(t, err)
		rewards, err := New(client, tokensOf(services), func(o batcher.Outcome) { t.Errorf("%s: %v", o.Result, o.Err) })
		require.NoError(t, err)
		heal := services.Inject(emulator.Fault{Operation: "ingestEvents", Status: http.StatusServiceUnavailable})

		for level := range 9 {
			require.NoError(t, rewards.LevelCompleted(t.Context(), "device-abc-123", level+1), "the player notices nothing")
		}
		time.Sleep(10 * time.Minute)
		assert.Zero(t, services.EventCount())
		heal()
		time.Sleep(time.Minute)
		assert.Len(t, services.Events("device-abc-123"), 9)

		report, err := rewards.Close(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 9, report.Delivered)
	})
}
