package batcher

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A batcher that is switched off keeps, sends and counts nothing.

func TestDiscard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a goroutine that stays would fail the bubble
		b := Discard()
		p := b.Player("device-abc-123")
		b.SetToken("device-abc-123", Token{Value: "token"})
		require.NoError(t, p.Track(t.Context(), Event{Type: AppOpen}))
		require.NoError(t, p.TryTrackAttrs(AppOpen))
		require.NoError(t, b.TryTrack("device-abc-123", Event{Type: AppOpen}))

		var invalid *InvalidEventError
		require.ErrorAs(t, p.Track(t.Context(), Event{Type: "Jump"}), &invalid, "a bad event is refused as elsewhere")
		require.ErrorAs(t, b.Track(t.Context(), "", Event{Type: AppOpen}), &invalid)

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		b.Signal(ProcessEnding)
		require.NoError(t, p.Flush(ended))
		require.NoError(t, p.End(ended))
		require.NoError(t, b.Flush(ended))
		after(time.Hour)
		assert.Equal(t, Ledger{}, b.Ledger(), "nothing is counted as accepted or delivered")
		assert.Zero(t, b.Stats().Players)
		assert.Zero(t, b.Stats().Requests)

		report, err := b.Close(ended)
		require.NoError(t, err)
		assert.Equal(t, Report{}, report)
		require.ErrorIs(t, p.Track(t.Context(), Event{Type: AppOpen}), ErrClosed)
	})
}
