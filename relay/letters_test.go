package relay

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// refuseAll is a relay's sender that finds every event bad.
func refuseAll(c *Config) {
	c.Sender = sendFunc(func(context.Context, batcher.Batch) error {
		return &batcher.SendError{Failure: batcher.Invalid, Err: errors.New("the service's words")}
	})
}

// letters reads the dead letters of a game.
func (f *fleet) letters(game string) (out []DeadLetter) {
	f.t.Helper()
	for d, err := range DeadLetters(f.t.Context(), f.connect(), "EVENTS", game) {
		require.NoError(f.t, err)
		out = append(out, d)
	}
	return out
}

// TestDeadLettersGoAround: what was given up is listed with its cause, tracked anew, removed, and
// delivered. A loop that makes new ones ends.
func TestDeadLettersGoAround(t *testing.T) {
	t.Parallel()
	f := single(t)
	p := f.publisher()
	track(t, p, "ace", 0, 3)
	require.NoError(t, p.Flush(t.Context()))
	track(t, p, "Zoë.x", 0, 2)
	require.NoError(t, p.Flush(t.Context()))
	bad := f.relay(refuseAll)
	f.idle()

	first := f.letters(gameID)
	require.Len(t, first, 5)
	of := map[string]int{}
	for _, d := range first {
		of[d.UserID]++
		assert.Equal(t, "rejected", d.Result)
		assert.Contains(t, d.Cause, "the service's words")
		assert.NotEmpty(t, d.EventID)
		assert.WithinDuration(t, time.Now(), d.Stored, time.Hour)
		assert.False(t, d.GivenUp.Before(d.Stored))
	}
	assert.Equal(t, map[string]int{"ace": 3, "Zoë.x": 2}, of)

	// They are still refused: each is tracked anew while the list is read, and becomes a dead
	// letter again that this list has not.
	anew := 0
	for d, err := range DeadLetters(t.Context(), f.connect(), "EVENTS", gameID) {
		require.NoError(t, err)
		e, err := d.Event()
		require.NoError(t, err)
		require.NoError(t, p.Track(t.Context(), d.UserID, e))
		require.NoError(t, p.Flush(t.Context()))
		f.idle()
		require.NoError(t, d.Remove(t.Context()))
		require.NoError(t, d.Remove(t.Context()), "it is gone")
		anew++
	}
	assert.Equal(t, 5, anew)
	require.NoError(t, bad.Close(t.Context()))
	second := f.letters(gameID)
	require.Len(t, second, 5)
	assert.NotEqual(t, first[0].EventID, second[0].EventID)
	assert.JSONEq(t, string(first[0].JSON), string(second[0].JSON), "the time of the event is kept")

	f.relay()
	for _, d := range second {
		e, err := d.Event()
		require.NoError(t, err)
		require.NoError(t, p.Track(t.Context(), d.UserID, e))
		require.NoError(t, d.Remove(t.Context()))
	}
	require.NoError(t, p.Flush(t.Context()))
	f.idle()
	assert.Equal(t, []int{0, 1, 2}, f.numbers("ace"))
	assert.Equal(t, []int{0, 1}, f.numbers("Zoë.x"))
	assert.Empty(t, f.letters(gameID))
}

// TestDeadLettersThatAreNoEvents: what nobody could read is listed all the same, and of other games
// nothing is.
func TestDeadLettersThatAreNoEvents(t *testing.T) {
	t.Parallel()
	f := single(t)
	js := f.connect()
	for i, subject := range []string{"com=2Eexample=2Estackblaster.a=zz", "com=2Eexample=2Estackblaster.ace"} {
		m := nats.NewMsg("events." + subject)
		m.Data = []byte("poison")
		m.Header.Set(formatHeader, format)
		m.Header.Set(nats.MsgIdHdr, fmt.Sprint("poison-", i))
		_, err := js.PublishMsg(t.Context(), m)
		require.NoError(t, err)
	}
	f.relay()
	f.idle()
	letters := f.letters(gameID)
	require.Len(t, letters, 2)
	names := map[string]bool{}
	for _, d := range letters {
		names[d.UserID] = true
		assert.Equal(t, Malformed, d.Result)
		assert.Equal(t, "poison", string(d.JSON))
		_, err := d.Event()
		require.ErrorContains(t, err, "is no event")
	}
	assert.Equal(t, map[string]bool{"": true, "ace": true}, names)
	assert.Empty(t, f.letters("com.example.other"))
}

func TestDeadLettersAreRefused(t *testing.T) {
	t.Parallel()
	f := single(t)
	for name, test := range map[string]struct{ stream, game, want string }{
		"no stream": {"NONE", gameID, "CreateStream makes it"},
		"no game":   {"EVENTS", "", "empty id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := 0
			for _, err := range DeadLetters(t.Context(), f.connect(), test.stream, test.game) {
				told++
				require.ErrorContains(t, err, test.want)
			}
			assert.Equal(t, 1, told)
		})
	}
	require.ErrorContains(t, DeadLetter{}.Remove(t.Context()), "DeadLetters")

	t.Run("the connection is gone on the way", func(t *testing.T) {
		t.Parallel()
		f := single(t)
		p := f.publisher()
		track(t, p, "ace", 0, 3)
		require.NoError(t, p.Flush(t.Context()))
		f.relay(refuseAll)
		f.idle()
		js := f.connect()
		var got []DeadLetter
		var failed error
		for d, err := range DeadLetters(t.Context(), js, "EVENTS", gameID) {
			if err != nil {
				failed = err
				continue
			}
			got = append(got, d)
			js.Conn().Close()
		}
		require.Error(t, failed)
		require.Len(t, got, 1)
		require.Error(t, got[0].Remove(t.Context()))
	})
}
