package transport_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
)

// Attempts and pauses by class, and what the caller knows when they end.

func TestPausesLastAsLongAsTheServiceAsked(t *testing.T) {
	t.Parallel()
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	rows := []struct {
		name  string
		steps func() []step
		want  []time.Duration
	}{
		{"503", func() []step { return []step{status(503, "Retry-After", "7"), status(200)} }, []time.Duration{0, 7 * time.Second}},
		{"429", func() []step { return []step{status(429, "Retry-After", "7"), status(200)} }, []time.Duration{0, 7 * time.Second}},
		{"500, where it is a hint all the same", func() []step { return []step{status(500, "Retry-After", "7"), status(200)} }, []time.Duration{0, 7 * time.Second}},
		{"a date", func() []step { return []step{status(503, "Retry-After", date(9*time.Second)), status(200)} }, []time.Duration{0, 9 * time.Second}},
		{"each for itself", func() []step {
			return []step{status(503, "Retry-After", "2"), status(429, "Retry-After", "5"), status(200)}
		}, []time.Duration{0, 2 * time.Second, 7 * time.Second}},
		{"one day is cut to a minute", func() []step { return []step{status(503, "Retry-After", "86400"), status(200)} }, []time.Duration{0, time.Minute}},
		{"1e400 is cut to a minute", func() []step { return []step{status(429, "Retry-After", "1e400"), status(200)} }, []time.Duration{0, time.Minute}},
		{"NaN is nothing", func() []step { return []step{status(503, "Retry-After", "NaN"), status(200)} }, []time.Duration{0, 0}},
		{"negative is nothing", func() []step { return []step{status(429, "Retry-After", "-5"), status(200)} }, []time.Duration{0, 0}},
		{"nothing is the jitter", func() []step { return []step{status(503), status(200)} }, []time.Duration{0, 0}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start, next := time.Now(), newScript(row.steps()...)
				resp, failure := newClient(next).Do(t.Context(), newRequest(t, origin, retry.Safe, nil))
				require.Nil(t, failure)
				assert.Equal(t, row.want, next.instants(start))
				assert.Equal(t, len(row.want), resp.Attempts)
				assert.Equal(t, row.want[len(row.want)-1], resp.Duration)
			})
		})
	}
}

// TestRetryAfterIsReportedAsItWasAsked: the report has neither the cap nor the default of the
// service.
func TestRetryAfterIsReportedAsItWasAsked(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		step step
		want time.Duration
		next time.Duration // when the second attempt is made
	}{
		{"longer than the cap", status(429, "Retry-After", "86400"), 24 * time.Hour, time.Minute},
		{"not asked", status(429), 0, 20 * time.Second},
		{"asked for at once", status(429, "Retry-After", "0"), 0, 0},
		{"a date that has passed", status(429, "Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"), 0, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start, next := time.Now(), newScript(row.step)
				_, failure := newClient(next).Do(t.Context(), newRequest(t, origin, retry.Unsent, nil, func(r *transport.Request) {
					r.Service.Throttle = 20 * time.Second
					r.Policy.MaxAttempts = 2
				}))
				require.NotNil(t, failure)
				assert.Equal(t, row.want, failure.RetryAfter)
				assert.Equal(t, []time.Duration{0, row.next}, next.instants(start))
			})
		})
	}
}

// TestAttemptsByClass runs each kind of failure through the whole loop. It checks how many of the
// three possible requests are made, and whether the outcome is unknown.
func TestAttemptsByClass(t *testing.T) {
	t.Parallel()
	type result struct {
		attempts int
		doubt    bool
	}
	var (
		all   = result{3, false}
		once  = result{1, false}
		doubt = result{1, true}
	)
	rows := []struct {
		name                              string
		step                              step
		safe, key, unsent, never, allowed result // allowed: unsent, with RetryInDoubt
	}{
		{"a broken connection", broken, all, all, doubt, doubt, result{3, true}},
		{"no answer in time", hang, all, all, doubt, doubt, result{3, true}},
		{"408", status(408), all, all, doubt, doubt, result{3, true}},
		{"429", status(429), all, all, all, once, all},
		{"500", status(500), all, all, doubt, doubt, result{3, true}},
		{"501", status(501), once, once, doubt, doubt, doubt},
		{"502", status(502), all, all, doubt, doubt, result{3, true}},
		{"503", status(503), all, all, doubt, doubt, result{3, true}},
		{"503 with Retry-After", status(503, "Retry-After", "0"), all, all, all, once, all},
		{"504", status(504), all, all, doubt, doubt, result{3, true}},
		{"400", status(400), once, once, once, once, once},
		{"400 with Retry-After", status(400, "Retry-After", "1"), once, once, once, once, once},
		{"401", status(401), once, once, once, once, once},
		{"404", status(404), once, once, once, once, once},
		{"409", status(409), once, once, once, once, once},
		{"a redirect", status(307, "Location", "/elsewhere"), once, once, doubt, doubt, doubt},
		{"a stranger's success", answer(200, "stranger"), all, all, doubt, doubt, result{3, true}},
		{"a success that says no in the service's own words, whatever else it lacks", answer(200, "no stranger"), once, once, once, once, once},
		{"a stranger's 400", answer(400, "stranger"), all, all, doubt, doubt, result{3, true}},
		{"a stranger's 404 that seems to mean 429", answer(404, "no 429 stranger"), all, all, doubt, doubt, result{3, true}},
		{"a stranger's 429", answer(429, "stranger"), all, all, all, once, all},
		{"a stranger's 503 with Retry-After", answer(503, "stranger", "Retry-After", "0"), all, all, all, once, all},
		{"a success that says no and not why", answer(200, "no bare"), all, all, all, once, all},
		{"a stranger's success that says no and not why", answer(200, "no bare stranger"), all, all, doubt, doubt, result{3, true}},
		{"a success that says no", answer(200, "no"), once, once, once, once, once},
		{"a success that says 429", answer(200, "no 429"), all, all, all, once, all},
		{"a success that says 500", answer(200, "no 500"), all, all, doubt, doubt, result{3, true}},
		{"an answer that is too long", answer(200, strings.Repeat("x", 1<<20+1)), once, once, doubt, doubt, doubt},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				do := func(class retry.Class, inDoubt bool) result {
					next := newScript(row.step)
					resp, failure := newClient(next).Do(t.Context(), newRequest(t, origin, class, []byte("{}"), func(r *transport.Request) {
						r.RetryInDoubt = inDoubt
					}))
					require.NotNil(t, failure)
					assert.NoError(t, failure.Stopped, "nothing but the policy ended it")
					assert.Len(t, next.sent, resp.Attempts, "attempts are requests that were made")
					return result{resp.Attempts, failure.Doubt}
				}
				assert.Equal(t, row.safe, do(retry.Safe, false), "safe")
				assert.Equal(t, row.safe, do(retry.Safe, true), "safe needs no permission")
				assert.Equal(t, row.key, do(retry.Key, false), "key")
				assert.Equal(t, row.unsent, do(retry.Unsent, false), "unsent")
				assert.Equal(t, row.allowed, do(retry.Unsent, true), "unsent, in doubt too")
				assert.Equal(t, row.never, do(retry.Never, false), "never")
				assert.Equal(t, row.never, do(retry.Never, true), "never, whatever the caller allows")
			})
		})
	}
}

// TestDoubtOutlivesALaterAnswer: a definite refusal of the second attempt proves nothing about the
// first.
func TestDoubtOutlivesALaterAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inDoubt := func(r *transport.Request) { r.RetryInDoubt = true }
		_, failure := newClient(newScript(broken, status(409))).Do(t.Context(), newRequest(t, origin, retry.Unsent, nil, inDoubt))
		require.NotNil(t, failure)
		assert.True(t, failure.Doubt)
		assert.NotNil(t, failure.Refusal)

		_, failure = newClient(newScript(status(429), status(409))).Do(t.Context(), newRequest(t, origin, retry.Unsent, nil, inDoubt))
		require.NotNil(t, failure)
		assert.False(t, failure.Doubt, "a 429 leaves no doubt")

		resp, failure := newClient(newScript(broken, status(200))).Do(t.Context(), newRequest(t, origin, retry.Unsent, nil, inDoubt))
		assert.Nil(t, failure, "a success is one")
		assert.Equal(t, 2, resp.Attempts)
	})
}

func TestTheLastAnswerIsTheOneReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		resp, failure := newClient(newScript(answer(500, "first", "X-Request-Id", "r1"), answer(502, "second", "X-Request-Id", "r2"), answer(503, "third", "X-Request-Id", "r3"))).
			Do(t.Context(), newRequest(t, origin, retry.Safe, nil))
		require.NotNil(t, failure)
		assert.Equal(t, 503, resp.Status)
		assert.Equal(t, "third", string(resp.Body))
		assert.Equal(t, "r3", transport.RequestID(resp.Header))
		assert.Equal(t, "third", failure.Refusal.Message)

		resp, failure = newClient(newScript(answer(500, "first", "X-Request-Id", "r1"), broken)).Do(t.Context(), newRequest(t, origin, retry.Safe, nil))
		require.NotNil(t, failure)
		assert.Equal(t, transport.Response{Attempts: 3}, *resp, "nothing of an answer that a later attempt did not get")
		assert.Nil(t, failure.Refusal)
		assert.Equal(t, errBroken, failure.Cause)
	})
}

func TestEveryAttemptSendsTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", strings.Repeat("\x00\r\nace", 100_000)} {
		synctest.Test(t, func(t *testing.T) {
			next := newScript(status(503, "Retry-After", "1"), broken, status(200))
			_, failure := newClient(next).Do(t.Context(), newRequest(t, origin, retry.Key, []byte(body), func(r *transport.Request) {
				r.Header.Set("Idempotency-Key", "k1")
				r.Auth = transport.Bearer("token")
			}))
			require.Nil(t, failure)
			require.Len(t, next.sent, 3)
			for _, one := range next.sent {
				assert.True(t, body == one.body, "byte for byte") //nolint:testifylint // a message with 500 kB helps nobody
				assert.Equal(t, next.sent[0].header, one.header)
				assert.Equal(t, "k1", one.header.Get("Idempotency-Key"))
			}
		})
	}
}

// TestAttemptsShareNoHeaders: an abandoned attempt may still read its headers while the next one is
// signed. The race detector sees that if both share one map.
func TestAttemptsShareNoHeaders(t *testing.T) {
	t.Parallel()
	for name, jar := range map[string]http.CookieJar{"without cookies": nil, "with cookies": fixedJar{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				over := make(chan struct{})
				var cookies []string
				givenUp := func(req *http.Request) (*http.Response, error) {
					cookies = append(cookies, req.Header.Get("Cookie"))
					go func() {
						for {
							select {
							case <-over:
								return
							case <-time.After(time.Millisecond):
								_ = maps.Clone(req.Header)
							}
						}
					}()
					return nil, errBroken
				}
				client := transport.New(&http.Client{Transport: newScript(givenUp), Jar: jar}, silent, 1<<20)
				resp, _ := client.Do(t.Context(), newRequest(t, origin, retry.Safe, nil, func(r *transport.Request) {
					r.Auth = transport.NewJWT("key", "secret", "app")
					r.Policy.BaseDelay, r.Policy.MaxDelay = time.Second, time.Second
				}))
				close(over)
				assert.Equal(t, 3, resp.Attempts)
				for _, cookie := range cookies {
					assert.Equal(t, cookies[0], cookie, "no attempt adds to what the one before sent")
				}
			})
		})
	}
}

// fixedJar returns the same cookie for every URL.
type fixedJar struct{ http.CookieJar }

func (fixedJar) Cookies(*url.URL) []*http.Cookie     { return []*http.Cookie{{Name: "lane", Value: "7"}} }
func (fixedJar) SetCookies(*url.URL, []*http.Cookie) {}

func TestCancellingEndsAPauseAtThatInstant(t *testing.T) {
	t.Parallel()
	cause := errors.New("the level was left")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		next := newScript(answer(503, "down", "Retry-After", "30"))
		time.AfterFunc(10*time.Second, func() { cancel(cause) })
		resp, failure := newClient(next).Do(ctx, newRequest(t, origin, retry.Safe, nil))
		require.NotNil(t, failure)
		assert.Equal(t, 10*time.Second, resp.Duration)
		assert.Equal(t, 1, resp.Attempts)
		assert.Equal(t, 503, resp.Status, "the last answer stays")
		assert.Equal(t, "down", failure.Refusal.Message)
		assert.ErrorIs(t, failure.Stopped, context.Canceled)
		assert.ErrorIs(t, failure.Stopped, cause)
		assert.False(t, failure.Doubt)
	})
}

func TestCancellingEndsAnAttemptAtThatInstant(t *testing.T) {
	t.Parallel()
	cause := errors.New("the level was left")
	for class, doubt := range map[retry.Class]bool{retry.Safe: false, retry.Key: false, retry.Unsent: true, retry.Never: true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(10*time.Second, func() { cancel(cause) })
			resp, failure := newClient(newScript(hang)).Do(ctx, newRequest(t, origin, class, nil))
			require.NotNil(t, failure)
			assert.Equal(t, 10*time.Second, resp.Duration)
			assert.Equal(t, 1, resp.Attempts)
			assert.ErrorIs(t, failure.Cause, context.Canceled)
			assert.ErrorIs(t, failure.Cause, cause)
			if failure.Stopped != nil {
				assert.Same(t, failure.Cause, failure.Stopped, "said once: an error that joins the two would repeat itself")
			}
			assert.Equal(t, doubt, failure.Doubt, class)
		})
	}
}

func TestACancelledContextSendsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		next := newScript(status(200))
		resp, failure := newClient(next).Do(ctx, newRequest(t, origin, retry.Never, nil))
		require.NotNil(t, failure)
		assert.Empty(t, next.sent)
		assert.Zero(t, resp.Attempts)
		assert.False(t, failure.Doubt)
		assert.ErrorIs(t, failure.Cause, context.Canceled)
		assert.ErrorIs(t, failure.Cause, cause)
	})
}

// TestADeadlineThatCutsThePauseEndsTheCallAtOnce: no caller waits for an attempt that cannot be
// made.
func TestADeadlineThatCutsThePauseEndsTheCallAtOnce(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name     string
		deadline time.Duration
		attempts int
		ends     time.Duration
	}{
		{"before the pause ends", 29 * time.Second, 1, 0},
		{"at the very end of the pause", 30 * time.Second, 1, 0},
		{"after it, and before the second pause ends", 31 * time.Second, 2, 30 * time.Second},
		{"after the second pause", 61 * time.Second, 3, 60 * time.Second},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), row.deadline)
				defer cancel()
				resp, failure := newClient(newScript(answer(503, "down", "Retry-After", "30"))).Do(ctx, newRequest(t, origin, retry.Safe, nil))
				require.NotNil(t, failure)
				assert.Equal(t, row.attempts, resp.Attempts)
				assert.Equal(t, row.ends, resp.Duration)
				assert.Equal(t, "down", failure.Refusal.Message, "the cause")
				if row.attempts == 3 {
					assert.NoError(t, failure.Stopped, "there was no further attempt to make")
					return
				}
				assert.ErrorIs(t, failure.Stopped, context.DeadlineExceeded)
				limit := &transport.LimitError{}
				require.ErrorAs(t, failure.Stopped, &limit)
				assert.Equal(t, transport.LimitError{Wait: 30 * time.Second, Pause: true}, *limit)
				assert.Contains(t, limit.Error(), "the pause before the next attempt takes 30s")
			})
		})
	}
}

func TestAnAttemptTakesNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, next := time.Now(), newScript(hang, after(29*time.Second, status(200)))
		resp, failure := newClient(next).Do(t.Context(), newRequest(t, origin, retry.Safe, nil))
		require.Nil(t, failure)
		assert.Equal(t, []time.Duration{0, 30 * time.Second}, next.instants(start))
		assert.Equal(t, 59*time.Second, resp.Duration)

		resp, failure = newClient(newScript(hang)).Do(t.Context(), newRequest(t, origin, retry.Unsent, nil))
		require.NotNil(t, failure)
		assert.Equal(t, 30*time.Second, resp.Duration)
		assert.True(t, failure.Doubt)
		assert.NoError(t, failure.Stopped)
		assert.NotErrorIs(t, failure.Cause, context.DeadlineExceeded, "that is the caller's own")
		assert.ErrorIs(t, failure.Cause, os.ErrDeadlineExceeded)
		assert.ErrorContains(t, failure.Cause, "30s")
		timeout, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](failure.Cause)
		assert.True(t, ok && timeout.Timeout())
	})
}

// TestTheTimeoutOfTheCallersClientBoundsAnAttempt, but not the wait for the limiter.
func TestTheTimeoutOfTheCallersClientBoundsAnAttempt(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name    string
		timeout time.Duration
		want    time.Duration
	}{
		{"shorter than the policy's", 5 * time.Second, 5 * time.Second},
		{"longer than the policy's", 50 * time.Second, 30 * time.Second},
		{"none", 0, 30 * time.Second},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := transport.New(&http.Client{Transport: newScript(hang), Timeout: row.timeout}, silent, 1<<20)
				resp, failure := client.Do(t.Context(), newRequest(t, origin, retry.Never, nil))
				require.NotNil(t, failure)
				assert.Equal(t, row.want, resp.Duration)
				assert.ErrorIs(t, failure.Cause, os.ErrDeadlineExceeded)
				assert.ErrorContains(t, failure.Cause, row.want.String())
			})
		})
	}
	t.Run("after a long wait at the gate", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := transport.New(&http.Client{Transport: newScript(after(4*time.Second, status(200))), Timeout: 5 * time.Second}, silent, 1<<20)
			resp, failure := client.Do(t.Context(), newRequest(t, origin, retry.Unsent, nil, func(r *transport.Request) {
				r.Service.Gate.Hold(time.Minute)
			}))
			require.Nil(t, failure)
			assert.Equal(t, 64*time.Second, resp.Duration)
			assert.Equal(t, 1, resp.Attempts)
		})
	})
}

// TestGoneIsDone: a 404 means success if an earlier attempt of the same removal may have been
// carried out.
func TestGoneIsDone(t *testing.T) {
	t.Parallel()
	off := func(r *transport.Request) { r.GoneIsDone = false }
	rows := []struct {
		name  string
		steps []step
		done  bool
		edits []func(*transport.Request)
	}{
		{"a broken connection, then 404", []step{broken, status(404)}, true, nil},
		{"no answer in time, then 404", []step{hang, status(404)}, true, nil},
		{"408, then 404", []step{status(408), status(404)}, true, nil},
		{"500, then 404", []step{status(500), status(404)}, true, nil},
		{"502, then 404", []step{status(502), status(404)}, true, nil},
		{"503, then 404", []step{status(503), status(404)}, true, nil},
		{"504, then a 404 in a 400", []step{status(504), answer(400, "no 404")}, true, nil},
		{"504, then a 404 in a 200", []step{status(504), answer(200, "no 404")}, true, nil},
		{"two of unknown outcome, then 404", []step{broken, broken, status(404)}, true, nil},
		{"one of unknown outcome, a throttled one, then 404", []step{broken, status(429), status(404)}, true, nil},
		{"one of unknown outcome, one not sent, then 404", []step{broken, refuse, status(404)}, true, nil},

		{"404 at once", []step{status(404)}, false, nil},
		{"a throttled one, then 404", []step{status(429), status(404)}, false, nil},
		{"503 with Retry-After, then 404", []step{status(503, "Retry-After", "1"), status(404)}, false, nil},
		{"one that was not sent, then 404", []step{refuse, status(404)}, false, nil},
		{"a broken connection, then 403", []step{broken, status(403)}, false, nil},
		{"a broken connection, then 410", []step{broken, status(410)}, false, nil},
		{"a broken connection, then 400", []step{broken, status(400)}, false, nil},
		{"an operation for which it is not so", []step{broken, status(404)}, false, []func(*transport.Request){off}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				edits := append([]func(*transport.Request){func(r *transport.Request) { r.GoneIsDone = true }}, row.edits...)
				resp, failure := newClient(newScript(row.steps...)).Do(t.Context(), newRequest(t, origin, retry.Safe, nil, edits...))
				assert.Equal(t, len(row.steps), resp.Attempts)
				if row.done {
					assert.Nil(t, failure)
					assert.Equal(t, http.StatusNoContent, resp.Status)
					assert.Empty(t, resp.Body)
					return
				}
				require.NotNil(t, failure)
				assert.NotEqual(t, http.StatusNoContent, resp.Status)
			})
		})
	}
}

func TestOneAttemptIfPolicySaysSo(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{0, 1, 2, 5} {
		synctest.Test(t, func(t *testing.T) {
			resp, failure := newClient(newScript(status(503))).Do(t.Context(), newRequest(t, origin, retry.Safe, nil, func(r *transport.Request) {
				r.Policy.MaxAttempts = attempts
			}))
			require.NotNil(t, failure)
			assert.Equal(t, max(attempts, 1), resp.Attempts)
		})
	}
}
