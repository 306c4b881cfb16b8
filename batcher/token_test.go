package batcher

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// source is a TokenSource that says when it was asked. It gives token-1, token-2, and so on, unless a test says otherwise.
type source struct {
	start time.Time

	mu    sync.Mutex // guards the following
	give  func(ctx context.Context, user string, n int) (Token, error)
	asked map[string][]time.Duration
	now   map[string]int // calls under way, by player
	most  int            // calls for one player at once
	total int            // calls
	runs  int            // of them, those under way
	peak  int            // calls at once
}

func (s *source) Token(ctx context.Context, user string) (Token, error) {
	s.mu.Lock()
	s.asked[user] = append(s.asked[user], time.Since(s.start))
	n, give := len(s.asked[user]), s.give
	s.now[user]++
	s.most = max(s.most, s.now[user])
	s.total++
	s.runs++
	s.peak = max(s.peak, s.runs)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.runs--
		s.now[user]--
		s.mu.Unlock()
	}()
	if give != nil {
		return give(ctx, user, n)
	}
	return Token{Value: Secret(fmt.Sprint("token-", n))}, nil
}

// gives sets what the source gives from now on; n counts the calls for a player, from 1.
func (s *source) gives(f func(ctx context.Context, user string, n int) (Token, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.give = f
}

// times returns when the source was asked for a player.
func (s *source) times(user string) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked[user])
}

// calls returns how often the source was asked for anybody, and how many asked at once at most.
func (s *source) calls() (total, peak int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total, s.peak
}

// withSource is bubble with a source.
func withSource(t *testing.T, cfg Config, test func(t *testing.T, r *rig, s *source)) {
	t.Helper()
	s := &source{asked: map[string][]time.Duration{}, now: map[string]int{}}
	cfg.Tokens = s
	bubble(t, cfg, func(t *testing.T, r *rig) {
		s.start = r.service.start
		test(t, r, s)
		assert.LessOrEqual(t, s.most, 1, "single flight per player")
	})
}

func tokensOf(requests []request) []string {
	var out []string
	for _, q := range requests {
		out = append(out, q.token)
	}
	return out
}

func TestTheSourceIsAskedAtSendTimeAndCached(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
		r.track("ace")
		after(5*time.Second - 1)
		assert.Empty(t, s.times("ace"))
		after(1)
		for range 5 {
			r.track("ace")
			after(time.Minute)
		}
		assert.Equal(t, []time.Duration{5 * time.Second}, s.times("ace"))
		assert.Equal(t, []string{"token-1", "token-1", "token-1", "token-1", "token-1", "token-1"}, tokensOf(r.service.requests()))
		r.track("blitz")
		after(5 * time.Second)
		assert.Len(t, s.times("blitz"), 1, "a token a player")
	})
}

func TestATokenIsRenewedBeforeItEnds(t *testing.T) {
	t.Parallel()
	jwt := func(exp time.Time) string {
		claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sub":"ace","exp":%d}`, exp.Unix()))
		return "e30." + claims + ".c2ln"
	}
	for _, row := range []struct {
		name string
		give func(n int) Token
	}{
		{"Expires", func(n int) Token {
			return Token{Value: Secret(fmt.Sprint("token-", n)), Expires: time.Now().Add(10 * time.Minute)}
		}},
		{"exp of a JWT", func(int) Token { return Token{Value: Secret(jwt(time.Now().Add(10 * time.Minute)))} }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			withSource(t, Config{BatchEvents: 1, TokenRenewal: time.Minute, IdleTimeout: time.Hour}, func(t *testing.T, r *rig, s *source) {
				s.gives(func(_ context.Context, _ string, n int) (Token, error) { return row.give(n), nil })
				for _, at := range []time.Duration{0, 9*time.Minute - 1, 9 * time.Minute, 18*time.Minute - 1, 18 * time.Minute} {
					after(at - r.since())
					r.track("ace")
					synctest.Wait()
				}
				assert.Equal(t, []time.Duration{0, 9 * time.Minute, 18 * time.Minute}, s.times("ace"))
				assert.Len(t, r.service.requests(), 5)
			})
		})
	}
}

func TestATokenThatHasNotEndedIsUsedWhereThereIsNoNewOne(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		token Token
		err   error
	}{{"ErrNoToken", Token{}, ErrNoToken}, {"an empty one", Token{}, nil}, {"the source fails", Token{}, errors.New("session table is down")}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			withSource(t, Config{BatchEvents: 1}, func(t *testing.T, r *rig, s *source) {
				s.gives(func(context.Context, string, int) (Token, error) { return row.token, row.err })
				r.SetToken("ace", Token{Value: "given", Expires: time.Now().Add(5 * time.Minute)})
				after(5*time.Minute - 1)
				r.track("ace")
				synctest.Wait()
				assert.Equal(t, []string{"given"}, tokensOf(r.service.requests()))
				after(1)
				r.track("ace")
				synctest.Wait()
				assert.Len(t, r.service.requests(), 1, "it has ended")
			})
		})
	}
}

func TestASourceThatFailsIsAskedAgainAfterPauses(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
		down := errors.New("session table is down")
		s.gives(func(_ context.Context, _ string, n int) (Token, error) {
			if n <= 5 {
				return Token{}, down
			}
			return Token{Value: "t"}, nil
		})
		r.track("ace")
		after(5 * time.Second)
		require.ErrorIs(t, r.Player("ace").Stats().LastError, down)
		assert.Empty(t, r.Parked())
		after(time.Minute)
		asked := s.times("ace")
		require.Len(t, asked, 6)
		for i := range 5 {
			pause, ceiling := asked[i+1]-asked[i], lanePause<<i
			assert.GreaterOrEqual(t, pause, ceiling/2)
			assert.LessOrEqual(t, pause, ceiling)
		}
		assert.Equal(t, int64(1), r.Ledger().Delivered)
		assert.False(t, r.Stats().Outage, "it is not the service that is down")
	})
}

func TestASlowSourceIsGivenUpAfterSendTimeout(t *testing.T) {
	t.Parallel()
	withSource(t, Config{SendTimeout: 3 * time.Second}, func(t *testing.T, r *rig, s *source) {
		s.gives(func(ctx context.Context, _ string, n int) (Token, error) {
			if n > 1 {
				return Token{Value: "t"}, nil
			}
			<-ctx.Done()
			return Token{}, ctx.Err()
		})
		r.track("ace")
		after(8*time.Second + lanePause)
		require.Len(t, s.times("ace"), 2)
		assert.GreaterOrEqual(t, s.times("ace")[1], 8*time.Second+lanePause/2)
		assert.Equal(t, int64(1), r.Ledger().Delivered)
	})
}

func TestARequestIsGivenUpAfterSendTimeout(t *testing.T) {
	t.Parallel()
	bubble(t, Config{SendTimeout: 3 * time.Second}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			if q.at > 5*time.Second {
				return nil
			}
			<-q.ctx.Done()
			return q.ctx.Err()
		})
		r.track("ace")
		after(time.Minute)
		times := r.service.times()
		require.Len(t, times, 2)
		assert.GreaterOrEqual(t, times[1], 8*time.Second)
		assert.Equal(t, int64(1), r.Ledger().PossibleDuplicates, "it may have arrived")
	})
}

func TestErrNoTokenParks(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		token Token
		err   error
	}{{"ErrNoToken", Token{}, ErrNoToken}, {"wrapped", Token{}, fmt.Errorf("logged out: %w", ErrNoToken)}, {"an empty one", Token{}, nil}} {
		for _, way := range []string{"SetToken", "Resume"} {
			t.Run(row.name+", woken by "+way, func(t *testing.T) {
				t.Parallel()
				withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
					s.gives(func(context.Context, string, int) (Token, error) { return row.token, row.err })
					r.tracks("ace", 2)
					after(time.Hour)
					assert.Len(t, s.times("ace"), 1)
					r.track("ace") // kept as well
					after(time.Hour)
					assert.Len(t, s.times("ace"), 1)
					parked := r.Parked()
					require.Len(t, parked, 1)
					assert.Equal(t, "ace", parked[0].UserID)
					assert.Equal(t, 3, parked[0].Events)
					require.ErrorIs(t, parked[0].Cause, ErrNoToken)
					r.Resume("blitz") // does nothing for others
					r.Resume("ace")
					after(time.Minute)
					assert.Len(t, s.times("ace"), 2, "asked anew, and parked again")
					require.Len(t, r.Parked(), 1)

					now := r.since()
					want := []string{"fresh", "fresh"} // what was sealed when it was parked, then what came later
					if way == "SetToken" {
						r.SetToken("ace", Token{Value: "fresh"})
					} else {
						s.gives(func(context.Context, string, int) (Token, error) { return Token{Value: "fresh"}, nil })
						r.Resume("ace")
					}
					synctest.Wait()
					assert.Empty(t, r.Parked())
					assert.Equal(t, want, tokensOf(r.service.requests()))
					assert.Equal(t, now, r.service.times()[0], "at once")
					assert.Equal(t, upTo(3), r.numbered("ace", Delivered))
				})
			})
		}
	}
}

func Test401AsksTheSourceOnceMoreThenParks(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
		r.service.answers(answersWith(Unauthorized))
		r.tracks("ace", 2)
		after(time.Hour)
		assert.Equal(t, []time.Duration{5 * time.Second, 5 * time.Second}, s.times("ace"))
		assert.Equal(t, []string{"token-1", "token-2"}, tokensOf(r.service.requests()))
		parked := r.Parked()
		require.Len(t, parked, 1)
		assert.Equal(t, Unauthorized, failureOf(parked[0].Cause).Failure)
		assert.Equal(t, int64(2), r.Ledger().Pending)
		r.service.answers(nil)
		r.Resume("ace")
		synctest.Wait()
		assert.Equal(t, "token-3", tokensOf(r.service.requests())[2])
		assert.Equal(t, upTo(2), r.numbered("ace", Delivered))
	})
}

func Test401WithASecondTokenThatWorks(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, _ *source) {
		r.service.answers(func(q request) error {
			if q.token == "token-1" {
				return failure(Unauthorized)
			}
			return nil
		})
		r.track("ace")
		require.NoError(t, r.Flush(t.Context()))
		r.service.answers(func(q request) error {
			if q.token == "token-2" {
				return failure(Unauthorized)
			}
			return nil
		})
		r.track("ace")
		require.NoError(t, r.Flush(t.Context()), "after a success it is a first one again")
		assert.Equal(t, []string{"token-1", "token-2", "token-2", "token-3"}, tokensOf(r.service.requests()))
	})
}

func Test401AndTheSourceGivesTheSameTokenParks(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
		s.gives(func(context.Context, string, int) (Token, error) { return Token{Value: "same"}, nil })
		r.service.answers(answersWith(Unauthorized))
		r.track("ace")
		after(time.Hour)
		assert.Len(t, r.service.requests(), 1, "the same token is not tried again")
		assert.Len(t, s.times("ace"), 2)
		require.Len(t, r.Parked(), 1)
		require.ErrorIs(t, r.Parked()[0].Cause, ErrNoToken)
		assert.NotContains(t, r.Parked()[0].Cause.Error(), "same token")
		r.service.answers(nil)
		r.SetToken("ace", Token{Value: "same"}) // the caller knows better
		synctest.Wait()
		assert.Equal(t, int64(1), r.Ledger().Delivered)
	})
}

func Test401AfterASetTokenDuringTheRequest(t *testing.T) {
	t.Parallel()
	for _, f := range []Failure{Unauthorized, Forbidden} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
				r.service.answers(func(q request) error {
					time.Sleep(time.Second)
					if q.token == "token-1" {
						return failure(f)
					}
					return nil
				})
				r.track("ace")
				after(5500 * time.Millisecond)
				r.SetToken("ace", Token{Value: "set"})
				after(time.Minute)
				assert.Equal(t, []string{"token-1", "set"}, tokensOf(r.service.requests()))
				assert.Len(t, s.times("ace"), 1)
				assert.Empty(t, r.Parked())
			})
		})
	}
}

func TestSetTokenWhileTheSourceIsAsked(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
		s.gives(func(context.Context, string, int) (Token, error) {
			time.Sleep(time.Second)
			return Token{Value: "stale"}, nil
		})
		r.track("ace")
		after(5500 * time.Millisecond)
		r.SetToken("ace", Token{Value: "set"})
		after(time.Minute)
		assert.Equal(t, []string{"set"}, tokensOf(r.service.requests()))
	})
}

func Test403ParksWithoutAskingAgain(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
		r.service.answers(answersWith(Forbidden))
		r.track("ace")
		after(time.Hour)
		assert.Len(t, s.times("ace"), 1)
		assert.Len(t, r.service.requests(), 1)
		require.Len(t, r.Parked(), 1)
		assert.Equal(t, Forbidden, failureOf(r.Parked()[0].Cause).Failure)
		r.service.answers(nil)
		r.SetToken("ace", Token{Value: "own"})
		synctest.Wait()
		assert.Equal(t, "own", r.service.requests()[1].token)
		assert.Equal(t, int64(1), r.Ledger().Delivered)
	})
}

func TestSetTokenBeforeTheFirstEvent(t *testing.T) {
	t.Parallel()
	withSource(t, Config{IdleTimeout: time.Minute}, func(t *testing.T, r *rig, s *source) {
		r.SetToken("ace", Token{Value: "set"})
		assert.Equal(t, 1, r.Stats().Players)
		after(30 * time.Second)
		r.track("ace")
		after(5 * time.Second)
		assert.Equal(t, []string{"set"}, tokensOf(r.service.requests()))
		assert.Empty(t, s.times("ace"))
		r.SetToken("blitz", Token{Value: "unused"})
		after(time.Minute)
		assert.Zero(t, r.Stats().Players, "a player who never comes is forgotten")
		r.track("blitz")
		after(5 * time.Second)
		assert.Len(t, s.times("blitz"), 1)
	})
}

func TestATokenIsNotPrinted(t *testing.T) {
	t.Parallel()
	token := Token{Value: "s3cret", Expires: time.Unix(1, 0)}
	encoded, err := json.Marshal(map[string]any{"a": token, "b": &token})
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("token", "a", token, "b", &token)
	for _, out := range []string{
		fmt.Sprint(token), fmt.Sprintf("%v %+v %#v %s %q %x %d", token, token, token, token, token, token, token),
		fmt.Sprintf("%v %+v", &token, struct{ T Token }{token}), token.String(), token.GoString(), string(encoded), log.String(),
	} {
		assert.NotContains(t, out, "s3cret")
		assert.NotContains(t, out, fmt.Sprintf("%x", "s3cret"))
		assert.Contains(t, out, redacted)
	}
}

func TestExpiryOfAToken(t *testing.T) {
	t.Parallel()
	jwt := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	set := time.Unix(7, 0)
	for _, row := range []struct {
		name  string
		token Token
		want  time.Time
	}{
		{"a JWT", Token{Value: Secret(jwt(`{"exp":1700000000}`))}, time.Unix(1_700_000_000, 0)},
		{"a fraction", Token{Value: Secret(jwt(`{"exp":1700000000.9}`))}, time.Unix(1_700_000_000, 0)},
		{"what the caller says counts", Token{Value: Secret(jwt(`{"exp":1700000000}`)), Expires: set}, set},
		{"no exp", Token{Value: Secret(jwt(`{}`))}, time.Time{}},
		{"a text", Token{Value: Secret(jwt(`{"exp":"1700000000"}`))}, time.Time{}},
		{"negative", Token{Value: Secret(jwt(`{"exp":-1}`))}, time.Time{}},
		{"beyond all times", Token{Value: Secret(jwt(`{"exp":1e300}`))}, time.Time{}},
		{"no JSON", Token{Value: Secret(jwt(`nope`))}, time.Time{}},
		{"no base64", Token{Value: "e30.!!!.c2ln"}, time.Time{}},
		{"opaque", Token{Value: "opaque"}, time.Time{}},
		{"empty", Token{}, time.Time{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			assert.True(t, row.want.Equal(row.token.withExpiry().Expires))
		})
	}
	var none *Token
	assert.False(t, none.freshAt(set, 0))
}

func TestASlowSourceDelaysNobody(t *testing.T) {
	t.Parallel()
	withSource(t, Config{MaxInFlight: 4}, func(t *testing.T, r *rig, s *source) {
		s.gives(func(_ context.Context, user string, _ int) (Token, error) {
			if user == "slow" {
				time.Sleep(20 * time.Second)
			}
			return Token{Value: "t"}, nil
		})
		r.track("slow")
		for i := range 100 {
			r.track(fmt.Sprint("device-", i))
		}
		after(time.Minute)
		for i := range 100 {
			assert.Equal(t, []time.Duration{5 * time.Second}, r.service.times(fmt.Sprint("device-", i)))
		}
		assert.Equal(t, []time.Duration{25 * time.Second}, r.service.times("slow"))
	})
}

// A source that fails for ever would else look like a batcher that does nothing.
func TestAFailingTokenSourceIsTold(t *testing.T) {
	t.Parallel()
	broken := errors.New("the session table is gone: token-of-ace")
	var log bytes.Buffer
	cfg := Config{
		Log:    slog.New(slog.NewTextHandler(&log, nil)),
		Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{}, broken }),
	}
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.track("ace")
		after(6 * time.Second)
		require.ErrorIs(t, r.Stats().LastError, broken)
		assert.Contains(t, log.String(), "the token source failed")
		assert.NotContains(t, log.String(), "ace", "the cause is the caller's own")
		assert.Empty(t, r.Parked())
	})
}
