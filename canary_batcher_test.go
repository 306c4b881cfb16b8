package playline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// batcherPlays are the services and token sources that a batcher meets in the canary test.
func batcherPlays() map[string]roundTripper {
	plays := map[string]roundTripper{
		"all is well": func(req *http.Request) (*http.Response, error) {
			return jsonBody(202, `{"success":true,"message":"taken"}`).response(req), nil
		},
	}
	for name, gossip := range gossips {
		plays[name] = func(req *http.Request) (*http.Response, error) {
			return gossip(req, strings.Join(echoes(req), " "))
		}
	}
	for n := range parrots(PlaySmart, "") {
		plays[fmt.Sprintf("parrot %d", n)] = func(req *http.Request) (*http.Response, error) {
			return parrots(PlaySmart, strings.Join(echoes(req), " "))[n].response(req), nil
		}
	}
	return plays
}

// TestSecurityABatcherTellsNothingPrivate: client and batcher log everything they can, and everything that they hand out is printed.
func TestSecurityABatcherTellsNothingPrivate(t *testing.T) {
	t.Parallel()
	for name, play := range batcherPlays() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log, logger := everyLog()
				c := newClient(t, play, WithLogger(logger))
				var mu sync.Mutex
				var told strings.Builder
				tell := func(texts ...string) { mu.Lock(); defer mu.Unlock(); told.WriteString(strings.Join(texts, "")) }
				b, err := c.NewBatcher(batcher.Config{
					GameID: "com.example.stackblaster", Log: logger, SendTimeout: time.Second, AtMostOnce: []batcher.EventType{batcher.IAPPurchase},
					Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
						return batcher.Token{Value: batcher.Secret(tokenPlayer)}, nil
					}),
					OnOutcome: func(o batcher.Outcome) {
						tell(everyVerb(t, o))
						if o.Err != nil {
							tell(everyForm(t, o.Err))
						}
					},
				})
				require.NoError(t, err)
				private := []slog.Attr{slog.String("mail", "ace@example.com"), slog.String("phone", "+61400000000")}
				for _, user := range []string{"ace", "blitz"} {
					require.NoError(t, b.Player(user).TrackAttrs(t.Context(), batcher.AppOpen, private...))
					require.NoError(t, b.Player(user).TrackAttrs(t.Context(), batcher.IAPPurchase, private...))
				}
				time.Sleep(20 * time.Second)
				synctest.Wait()
				stats, player := b.Stats(), b.Player("ace").Stats()
				tell(everyVerb(t, stats), everyVerb(t, player), everyVerb(t, b.Ledger()), everyVerb(t, b.Parked()), everyVerb(t, b))
				for _, err := range []error{stats.LastError, player.LastError} {
					if err != nil {
						tell(everyForm(t, err))
					}
				}
				for _, parked := range b.Parked() {
					tell(everyForm(t, parked.Cause))
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				report, err := b.Close(ctx)
				tell(everyVerb(t, report))
				if err != nil {
					tell(everyForm(t, err))
				}
				for _, o := range report.LeftOver {
					tell(everyVerb(t, o))
				}
				assert.Equal(t, int64(4), report.Accepted)
				assert.Zero(t, report.Pending)
				// In base64 they are there: an Outcome holds its events for a program, which may encode them.
				assertNoneOf(t, canaries, told.String())
				assertNoCanary(t, log.String())
				assert.Contains(t, log.String(), "playline: attempt", "nothing was logged")
			})
		})
	}
}

// TestSecurityATokenSourcesWordsAreNotLogged: its error is given back to the program that owns it, and stands in no log.
func TestSecurityATokenSourcesWordsAreNotLogged(t *testing.T) {
	t.Parallel()
	words := errors.New("GET https://auth.example.com/?refresh_token=" + tokenPlayer + " for ace@example.com")
	for name, source := range map[string]error{
		"a passing failure": words, "no token": fmt.Errorf("%w: %w", batcher.ErrNoToken, words),
	} {
		synctest.Test(t, func(t *testing.T) {
			log, logger := everyLog()
			b, err := newClient(t, script(), WithLogger(logger)).NewBatcher(batcher.Config{
				GameID: "com.example.stackblaster", Log: logger,
				Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{}, source }),
			})
			require.NoError(t, err)
			require.NoError(t, b.Player("ace").TrackAttrs(t.Context(), batcher.AppOpen))
			time.Sleep(time.Minute)
			require.ErrorIs(t, b.Player("ace").Stats().LastError, words, "the program that owns it needs it")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err = b.Close(ctx)
			require.Error(t, err)
			assertNoCanary(t, everyForm(t, err))
			assertNoCanary(t, log.String())
			assert.Equal(t, name == "no token", strings.Contains(log.String(), "player parked"))
		})
	}
}
