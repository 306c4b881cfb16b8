package playline

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
)

// attempts is what a failure that does not go away leads to, by class.
type attempts struct {
	count   int
	unknown bool
}

var (
	untilTheEnd = attempts{4, false}
	onlyOne     = attempts{1, false}
	inDoubt     = attempts{1, true}
)

// failures are the ways an attempt can fail, and what follows for the classes safe, key, unsent and never.
var failures = []struct {
	name     string
	step     step // a refusal without a body has the service's own
	status   int  // of the error
	sentinel error
	want     [4]attempts
}{
	{"connection refused", step{refuse: true}, 0, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, untilTheEnd, onlyOne}},
	{"lost after it was sent", step{lose: true}, 0, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"hangs", step{hang: true}, 0, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"400", step{status: 400}, 400, ErrInvalid, [4]attempts{onlyOne, onlyOne, onlyOne, onlyOne}},
	{"a page with 400", failed(400), 400, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"401", step{status: 401}, 401, ErrUnauthorized, [4]attempts{onlyOne, onlyOne, onlyOne, onlyOne}},
	{"a page with 401", failed(401), 401, ErrUnauthorized, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"a page with 403", failed(403), 403, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"a page with 404", failed(404), 404, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"an empty 409", step{status: 409, body: " "}, 409, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"422 {}", step{status: 422, body: "{}"}, 422, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"408", failed(408), 408, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"429", failed(429), 429, ErrRateLimited, [4]attempts{untilTheEnd, untilTheEnd, untilTheEnd, onlyOne}},
	{"500", failed(500), 500, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"501", failed(501), 501, ErrUnavailable, [4]attempts{onlyOne, onlyOne, inDoubt, inDoubt}},
	{"502", failed(502), 502, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"503", failed(503), 503, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"503 with Retry-After", failed(503, "Retry-After", "2"), 503, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, untilTheEnd, onlyOne}},
	{"504", failed(504), 504, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"truncated answer", step{status: 200, body: `{"success":true}`, cut: true}, 200, nil, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"malformed answer", step{status: 200, body: `{"success":tru`}, 200, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"null", step{status: 200, body: ` null`}, 200, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"an answer that is a page", step{status: 200, body: `<html>hello</html>`}, 200, ErrUnavailable, [4]attempts{untilTheEnd, untilTheEnd, inDoubt, inDoubt}},
	{"a redirect", failed(307, "Location", "https://elsewhere.example.com/"), 307, ErrUnavailable, [4]attempts{onlyOne, onlyOne, inDoubt, inDoubt}},
}

// failed is an answer that is not JSON, as a gateway gives it.
func failed(status int, header ...string) step {
	s := step{status: status, body: "<html>sorry</html>", header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		s.header.Set(header[i], header[i+1])
	}
	return s
}

// refusalBodies are error bodies as the services write them.
var refusalBodies = map[Service]string{
	Smooven:     `{"success":false,"error":{"code":"sorry","message":"sorry"}}`,
	Fyno:        `{"status":"error","_message":"sorry"}`,
	SmartSender: `{"error":{"code":0,"message":"sorry"}}`,
	Sunshine:    `{"errors":[{"code":"sorry","title":"sorry"}]}`,
	PlaySmart:   `{"error":{"code":"SORRY","message":"sorry"}}`,
}

// refusedBy is a refusal in a service's own words.
func refusedBy(service Service, status int) step {
	return step{status: status, body: refusalBodies[service]}
}

func TestOperationIsRepeatedByItsClass(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		for _, f := range failures {
			t.Run(f.name, func(t *testing.T) {
				if f.step.status >= 400 && f.step.body == "" {
					f.step.body = refusalBodies[r.op.service]
				}
				s, want := script(f.step), f.want[r.retryClass(t)]
				r.inBubble(t, s, func(t *testing.T, result any, err error) {
					t.Helper()
					assert.True(t, isNil(result))
					var e *Error
					require.ErrorAs(t, err, &e)
					assert.Equal(t, want.count, e.Attempts)
					assert.Equal(t, f.status, e.StatusCode)
					assert.Equal(t, want.unknown, errors.Is(err, ErrOutcomeUnknown), "outcome unknown: %v", err)
					if f.sentinel != nil {
						require.ErrorIs(t, err, f.sentinel)
					}
					assert.False(t, isContextEnd(err), "the caller's context did not end: %v", err)
				})
				assert.Equal(t, want.count, s.count())
				assert.True(t, s.sameBodies(), "a repeat had another body")
				assert.True(t, s.sameKeys(), "a repeat had another idempotency key")
			})
		}
	})
}

// sameKeys reports whether all requests carried the same idempotency key.
func (s *scripted) sameKeys() bool {
	for _, in := range s.seen {
		if in.header.Get("Idempotency-Key") != s.seen[0].header.Get("Idempotency-Key") {
			return false
		}
	}
	return true
}

func TestOperationSucceedsAfterAFailureThatPassed(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		if r.class == "never" {
			t.Skip("one attempt, whatever happens")
		}
		s := script(step{refuse: true}, failed(429, "Retry-After", "1"), jsonBody(r.status, r.reply))
		var response Response
		r.inBubble(t, s, func(t *testing.T, result any, err error) {
			t.Helper()
			require.NoError(t, err)
			assertResult(t, r.result, result)
			assert.Equal(t, 3, response.Attempts)
			assert.GreaterOrEqual(t, response.Duration, time.Second, "Retry-After is a floor")
		}, CaptureResponse(&response))
	})
}

func TestRetryInDoubtLetsEveryClassButNeverRepeat(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		s := script(step{lose: true}, jsonBody(r.status, r.reply))
		r.inBubble(t, s, func(t *testing.T, result any, err error) {
			t.Helper()
			if r.class == "never" {
				require.ErrorIs(t, err, ErrOutcomeUnknown)
				assert.Equal(t, 1, s.count())
				return
			}
			require.NoError(t, err)
			assertResult(t, r.result, result)
			assert.Equal(t, 2, s.count())
		}, RetryInDoubt())
	})
}

func TestRetryInDoubtKeepsTheDoubtInTheError(t *testing.T) {
	t.Parallel()
	s := script(step{lose: true}, refusedBy(Fyno, 400))
	synctest.Test(t, func(t *testing.T) {
		_, err := newClient(t, s).Properties.Add(t.Context(), "ace", Properties{"coins": 1}, RetryInDoubt())
		require.ErrorIs(t, err, ErrInvalid)
		require.ErrorIs(t, err, ErrOutcomeUnknown, "the first attempt may have added")
	})
}

func TestOperationEndsWithACancelledContext(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		t.Run("before", func(t *testing.T) {
			s := script(jsonBody(r.status, r.reply))
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				result, err := r.call(ctx, r.client(t, s))
				require.ErrorIs(t, err, context.Canceled)
				assert.True(t, isNil(result))
				assert.NotErrorIs(t, err, ErrOutcomeUnknown)
				assert.NotErrorIs(t, err, ErrUnavailable)
				assert.Zero(t, s.count())
			})
		})
		t.Run("during an attempt", func(t *testing.T) {
			s := script(step{hang: true})
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer time.AfterFunc(time.Second, cancel).Stop()
				started := time.Now()
				_, err := r.call(ctx, r.client(t, s))
				require.ErrorIs(t, err, context.Canceled)
				assert.Equal(t, time.Second, time.Since(started), "it did not end at once")
				sent := r.retryClass(t) >= retry.Unsent
				assert.Equal(t, sent, errors.Is(err, ErrOutcomeUnknown))
				assert.NotErrorIs(t, err, ErrUnavailable)
			})
			assert.Equal(t, 1, s.count())
		})
		t.Run("during a pause", func(t *testing.T) {
			if r.class == "never" {
				t.Skip("there is no pause")
			}
			s := script(failed(503, "Retry-After", "30"))
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer time.AfterFunc(10*time.Second, cancel).Stop()
				started := time.Now()
				_, err := r.call(ctx, r.client(t, s))
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, ErrUnavailable, "the last answer is part of the error")
				assert.Equal(t, 10*time.Second, time.Since(started))
				assert.NotErrorIs(t, err, ErrOutcomeUnknown)
			})
			assert.Equal(t, 1, s.count())
		})
		t.Run("that ends before the pause would", func(t *testing.T) {
			if r.class == "never" {
				t.Skip("there is no pause")
			}
			s := script(failed(503, "Retry-After", "30"))
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				started := time.Now()
				_, err := r.call(ctx, r.client(t, s))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, ErrUnavailable)
				assert.Zero(t, time.Since(started), "a pause was begun that the deadline cuts")
			})
		})
	})
}

func TestOperationTakesAnEmptyAnswerOnlyWhereThatIsOne(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		for _, status := range []int{200, 204} {
			s := script(step{status: status})
			r.inBubble(t, s, func(t *testing.T, result any, err error) {
				t.Helper()
				switch {
				case r.op.has(mayBeEmpty):
					require.NoError(t, err)
					assertResult(t, r.result, result)
				default:
					var e *Error
					require.ErrorAs(t, err, &e)
					assert.Equal(t, r.retryClass(t) >= retry.Unsent, errors.Is(err, ErrOutcomeUnknown))
					assert.True(t, isNil(result))
				}
			}, Retry(RetryPolicy{MaxAttempts: 1}))
			assert.Equal(t, 1, s.count())
		}
	})
}
