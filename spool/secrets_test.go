package spool_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/spool"
)

// A token that a batcher uses, accepted or refused, is in no file of its spool, at no time.
func TestSecretsAreNotOnTheDisk(t *testing.T) {
	both(t, func(t *testing.T, o spool.Options) {
		dir := t.TempDir()
		store := open(t, dir, o)
		service := emulator.New()
		client, err := playline.New(service.Options()...)
		require.NoError(t, err)
		var mu sync.Mutex
		var tokens []string
		b, err := client.NewBatcher(batcher.Config{
			GameID: "com.example.stackblaster", Store: store, Linger: time.Hour,
			Tokens: batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
				mu.Lock()
				defer mu.Unlock()
				token := service.Token(user, time.Hour)
				if user == "blitz" {
					token = "refused-canary-4f1d"
				}
				tokens = append(tokens, token)
				return batcher.Token{Value: batcher.Secret(token)}, nil
			}),
		})
		require.NoError(t, err)
		for n := range 20 {
			for _, user := range []string{"ace", "blitz", "device-abc-123"} {
				require.NoError(t, b.Player(user).TrackAttrs(t.Context(), batcher.LevelCompleted, slog.Int("n", n)))
			}
		}
		search(t, dir, tokens) // nothing is sent yet
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_ = b.Flush(ctx) // blitz gets nowhere
		require.Eventually(t, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return service.EventCount() == 40 && slices.Contains(tokens, "refused-canary-4f1d")
		}, time.Minute, time.Millisecond)
		mu.Lock()
		used := tokens
		mu.Unlock()
		require.Contains(t, used, "refused-canary-4f1d")
		require.Greater(t, len(used), 2)
		search(t, dir, used)
		_, err = b.Close(ctx)
		t.Log(err)
		search(t, dir, used)
		require.NoError(t, store.Close())
		search(t, dir, used)
	})
}

// search looks for tokens, and parts of them, in all files; and for what is to be there, so that it
// is known to look at the right place.
func search(t *testing.T, dir string, tokens []string) {
	t.Helper()
	found := false
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if os.IsNotExist(err) {
			continue // a segment that went meanwhile
		}
		require.NoError(t, err)
		text := string(data)
		found = found || strings.Contains(text, "device-abc-123")
		for _, token := range tokens {
			for _, part := range strings.Split(token, ".") {
				assert.NotContains(t, text, part, "%s holds a token", entry.Name())
			}
		}
		assert.NotContains(t, text, "Bearer")
	}
	assert.True(t, found)
}
