package playline_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// TestBatcherDeliversThroughTheClient runs a batcher over the client against the emulator, with an outage in the middle.
func TestBatcherDeliversThroughTheClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New()
		client, err := playline.New(e.Options()...)
		require.NoError(t, err)
		b, err := client.NewBatcher(batcher.Config{
			GameID: "com.example.stackblaster",
			Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
				return batcher.Token{Value: batcher.Secret(e.Token(userID, time.Hour))}, nil
			}),
		})
		require.NoError(t, err)
		heal := func() {}
		for i := range 3000 {
			switch i {
			case 1000:
				heal = e.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503})
			case 2000:
				heal()
			}
			p := b.Player(fmt.Sprintf("device-%02d", i%10))
			require.NoError(t, p.TrackAttrs(t.Context(), batcher.LevelCompleted, slog.Int("level", i)))
			time.Sleep(10 * time.Millisecond)
		}
		report, err := b.Close(t.Context())
		require.NoError(t, err)
		require.Equal(t, batcher.Ledger{Accepted: 3000, Delivered: 3000}, report.Ledger)
		require.Equal(t, 3000, e.EventCount())
		for i := range 10 {
			for n, event := range e.Events(fmt.Sprintf("device-%02d", i)) {
				require.JSONEq(t, fmt.Sprintf(`{"level":%d}`, n*10+i), string(event.CustomData))
			}
		}
	})
}
