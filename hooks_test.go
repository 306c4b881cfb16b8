package playline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// diary is hooks that write down what they are told.
type diary struct {
	mu    sync.Mutex // guards the following
	lines []string
	infos map[CallInfo]bool
	errs  []error
}

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) result(call CallInfo, r CallResult) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.infos[call] = true
	d.errs = append(d.errs, r.Err)
	return fmt.Sprintf("attempts=%d status=%d id=%s took=%s failed=%t", r.Attempts, r.StatusCode, r.RequestID, r.Duration, r.Err != nil)
}

type diaryKey struct{}

func (d *diary) hooks() Hooks {
	d.infos = map[CallInfo]bool{}
	in := func(ctx context.Context) any { return ctx.Value(diaryKey{}) }
	return Hooks{
		CallStart: func(ctx context.Context, call CallInfo) context.Context {
			d.write("call %s", call.Operation)
			return context.WithValue(ctx, diaryKey{}, "call")
		},
		CallEnd: func(ctx context.Context, call CallInfo, r CallResult) {
			d.write("end in %v: %s", in(ctx), d.result(call, r))
		},
		AttemptStart: func(ctx context.Context, _ CallInfo, attempt int) context.Context {
			d.write("attempt %d in %v", attempt, in(ctx))
			return context.WithValue(ctx, diaryKey{}, fmt.Sprintf("attempt %d", attempt))
		},
		AttemptEnd: func(ctx context.Context, call CallInfo, r CallResult) {
			d.write("ended in %v: %s", in(ctx), d.result(call, r))
		},
	}
}

func TestHooksAreToldOfCallsAndAttempts(t *testing.T) {
	t.Parallel()
	get := func(ctx context.Context, c *Client) error { return getPlayer(ctx, c) }
	for name, test := range map[string]struct {
		steps []step
		call  func(ctx context.Context, c *Client) error
		want  string // "": no hook is called
	}{
		"it works": {[]step{jsonBody(200, `{}`)}, get, `
			call Players.Get
			attempt 1 in call
			ended in attempt 1: attempts=1 status=200 id=req-1 took=0s failed=false
			end in call: attempts=1 status=200 id=req-1 took=0s failed=false`},
		"two failures": {[]step{failed(503, "Retry-After", "2"), {refuse: true}, jsonBody(200, `{}`)}, func(ctx context.Context, c *Client) error {
			return getPlayer(ctx, c, Retry(RetryPolicy{BaseDelay: 1, MaxDelay: 1}))
		}, `
			call Players.Get
			attempt 1 in call
			ended in attempt 1: attempts=1 status=503 id= took=0s failed=true
			attempt 2 in call
			ended in attempt 2: attempts=2 status=0 id= took=0s failed=true
			attempt 3 in call
			ended in attempt 3: attempts=3 status=200 id=req-1 took=0s failed=false
			end in call: attempts=3 status=200 id=req-1 took=2s failed=false`},
		"a refusal": {[]step{jsonBody(404, refusalBodies[Smooven])}, get, `
			call Players.Get
			attempt 1 in call
			ended in attempt 1: attempts=1 status=404 id=req-1 took=0s failed=true
			end in call: attempts=1 status=404 id=req-1 took=0s failed=true`},
		"a success that says no": {[]step{jsonBody(200, `{"success":false,"error":{"code":"X","message":"no"}}`)}, get, `
			call Players.Get
			attempt 1 in call
			ended in attempt 1: attempts=1 status=200 id=req-1 took=0s failed=true
			end in call: attempts=1 status=200 id=req-1 took=0s failed=true`},
		"an answer that is not the service's fails the attempt too": {[]step{jsonBody(200, `[`)}, func(ctx context.Context, c *Client) error {
			return getPlayer(ctx, c, Retry(RetryPolicy{MaxAttempts: 1}))
		}, `
			call Players.Get
			attempt 1 in call
			ended in attempt 1: attempts=1 status=200 id=req-1 took=0s failed=true
			end in call: attempts=1 status=200 id=req-1 took=0s failed=true`},
		"gone is done": {[]step{{lose: true}, jsonBody(404, refusalBodies[Smooven])}, func(ctx context.Context, c *Client) error {
			_, err := c.Players.Delete(ctx, "ply_1", Retry(RetryPolicy{BaseDelay: 1, MaxDelay: 1}))
			return err
		}, `
			call Players.Delete
			attempt 1 in call
			ended in attempt 1: attempts=1 status=0 id= took=0s failed=true
			attempt 2 in call
			ended in attempt 2: attempts=2 status=404 id=req-1 took=0s failed=false
			end in call: attempts=2 status=204 id=req-1 took=0s failed=false`},
		"a context that has ended: a call without an attempt": {nil, func(ctx context.Context, c *Client) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return getPlayer(ctx, c)
		}, `
			call Players.Get
			end in call: attempts=0 status=0 id= took=0s failed=true`},
		"bad input is no call":            {nil, func(ctx context.Context, c *Client) error { _, err := c.Players.Get(ctx, ""); return err }, ""},
		"a bad request option is no call": {nil, func(ctx context.Context, c *Client) error { return getPlayer(ctx, c, nil) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &diary{}
				err := test.call(t.Context(), newClient(t, script(test.steps...), WithHooks(d.hooks())))
				assert.Equal(t, strings.TrimSpace(strings.ReplaceAll(test.want, "\t", "")), strings.Join(d.lines, "\n"))
				for call := range d.infos {
					assert.Equal(t, "https://smooven.example.com/base/smooven", call.BaseURL)
					assert.Equal(t, "/players/{player_id}", call.Route)
					assert.Equal(t, Smooven, call.Service)
				}
				if test.want != "" {
					assert.Equal(t, err, d.errs[len(d.errs)-1], "the call's error is the caller's")
				}
			})
		})
	}
}

// TestHooksAreToldWhatAnAttemptMeans: an attempt's error matches what the call's would, and a batch in doubt is one.
func TestHooksAreToldWhatAnAttemptMeans(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		c := newClient(t, script(failed(429), failed(500), jsonBody(404, `{"error":{"code":"x","message":"gone"}}`)), WithHooks(d.hooks()))
		require.ErrorIs(t, getPlayer(t.Context(), c), ErrNotFound)
		require.Len(t, d.errs, 4)
		for i, want := range []error{ErrRateLimited, ErrUnavailable, ErrNotFound, ErrNotFound} {
			require.ErrorIs(t, d.errs[i], want)
			var e *Error
			require.ErrorAs(t, d.errs[i], &e)
			assert.Equal(t, min(i+1, 3), e.Attempts)
		}
		assert.NotErrorIs(t, d.errs[1], ErrOutcomeUnknown, "a safe operation")

		d = &diary{}
		c = newClient(t, script(step{lose: true}, jsonBody(202, `{"success":true,"message":"taken"}`)), WithHooks(d.hooks()))
		b, err := c.NewBatcher(batcher.Config{
			GameID: "com.example.stackblaster", Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
				return batcher.Token{Value: batcher.Secret(tokenPlayer)}, nil
			}),
		})
		require.NoError(t, err)
		require.NoError(t, b.Player("ace").TrackAttrs(t.Context(), batcher.AppOpen))
		_, err = b.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, strings.TrimSpace(strings.ReplaceAll(`
			call Ingest.Send
			attempt 1 in call
			ended in attempt 1: attempts=1 status=0 id= took=0s failed=true
			end in call: attempts=1 status=0 id= took=0s failed=true
			call Ingest.Send
			attempt 1 in call
			ended in attempt 1: attempts=1 status=202 id=req-1 took=0s failed=false
			end in call: attempts=1 status=202 id=req-1 took=0s failed=false`, "\t", "")), strings.Join(d.lines, "\n"))
		require.ErrorIs(t, d.errs[0], ErrOutcomeUnknown)
		require.ErrorIs(t, d.errs[1], ErrOutcomeUnknown)
	})
}

func TestSeveralHooksAreNested(t *testing.T) {
	t.Parallel()
	var told []string
	hooks := func(name string) Hooks {
		return Hooks{
			CallStart:    func(context.Context, CallInfo) context.Context { told = append(told, name+" call"); return nil },
			CallEnd:      func(context.Context, CallInfo, CallResult) { told = append(told, name+" end") },
			AttemptStart: func(context.Context, CallInfo, int) context.Context { told = append(told, name+" attempt"); return nil },
			AttemptEnd:   func(context.Context, CallInfo, CallResult) { told = append(told, name+" ended") },
		}
	}
	c := newClient(t, script(jsonBody(200, `{}`)), WithHooks(hooks("outer")), WithHooks(Hooks{}), WithHooks(hooks("inner")))
	require.NoError(t, getPlayer(t.Context(), c))
	assert.Equal(t, []string{
		"outer call", "inner call", "outer attempt", "inner attempt", "inner ended", "outer ended", "inner end", "outer end",
	}, told)
	assert.Len(t, c.hooks, 2, "hooks without a function are kept")
}

// TestHooksAddHeadersButReplaceNone also holds that what a hook put into the context is seen by the transport.
func TestHooksAddHeadersButReplaceNone(t *testing.T) {
	t.Parallel()
	s := script(jsonBody(200, `{}`))
	var seen any
	c := newClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
		seen = req.Context().Value(diaryKey{})
		return s.RoundTrip(req)
	}), WithHooks((&diary{}).hooks()), WithHooks(Hooks{Propagate: func(ctx context.Context, h http.Header) {
		h["traceparent"] = []string{fmt.Sprint(ctx.Value(diaryKey{}))}
		h.Set("Authorization", "Bearer stolen")
		h.Set("Idempotency-Key", "k")
		h.Set("X-Idempotency-Key", "k")
		h.Set("User-Agent", "mine")
		h.Set("X-Mine", "mine")
		h.Set("X-Lines", "a\r\nX-More: b")
		h.Set("Host", "example.org")
	}}))
	require.NoError(t, getPlayer(t.Context(), c, Header("X-Mine", "caller's")))
	assert.Equal(t, "attempt 1", seen)
	assert.Equal(t, http.Header{
		"Accept": {"application/json"}, "Authorization": {"Bearer " + keySmooven}, "Traceparent": {"attempt 1"},
		"User-Agent": {c.userAgent}, "X-Mine": {"caller's"},
	}, s.last(t).header)
}

// TestSecurityHooksAreToldNothingPrivate: a careless service repeats the request in each place of its answer.
func TestSecurityHooksAreToldNothingPrivate(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		for n := range parrots(r.op.service, "") {
			parrot := roundTripper(func(req *http.Request) (*http.Response, error) {
				text := strings.Join(echoes(req), " ")
				resp := parrots(r.op.service, text)[n].response(req)
				resp.Header.Set("X-Request-Id", text)
				return resp, nil
			})
			synctest.Test(t, func(t *testing.T) {
				d := &diary{}
				_, _ = r.call(t.Context(), newClient(t, parrot, WithHooks(d.hooks()), WithRetryPolicy(RetryPolicy{MaxAttempts: 2})))
				require.GreaterOrEqual(t, len(d.lines), 4)
				assertNoCanary(t, strings.Join(d.lines, "\n"))
				for _, err := range d.errs {
					if err != nil {
						assertNoCanary(t, everyForm(t, err))
					}
				}
				for call := range d.infos {
					text, err := json.Marshal(call)
					require.NoError(t, err)
					assertNoCanary(t, string(text))
					assert.Equal(t, CallInfo{r.op.service, r.op.name, r.op.method, r.op.path, baseOf(r.op.service)}, call)
				}
			})
		}
	})
}

// TestAHookThatPanics: the panic is the caller's, and the client works on. Nothing stays locked or counted.
func TestAHookThatPanics(t *testing.T) {
	t.Parallel()
	for name, hooks := range map[string]Hooks{
		"CallStart":    {CallStart: func(context.Context, CallInfo) context.Context { panic("hunter2") }},
		"CallEnd":      {CallEnd: func(context.Context, CallInfo, CallResult) { panic("hunter2") }},
		"AttemptStart": {AttemptStart: func(context.Context, CallInfo, int) context.Context { panic("hunter2") }},
		"AttemptEnd":   {AttemptEnd: func(context.Context, CallInfo, CallResult) { panic("hunter2") }},
		"Propagate":    {Propagate: func(context.Context, http.Header) { panic("hunter2") }},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, script(jsonBody(200, `{}`)), WithHooks(hooks))
			for range 3 {
				assert.PanicsWithValue(t, "hunter2", func() { _ = getPlayer(t.Context(), c) }, name)
			}
		})
	}
}

// TestAHooksContextEndsTheCall: a deadline that a hook sets is the call's or the attempt's.
func TestAHooksContextEndsTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("the hook's own")
		c := newClient(t, script(step{hang: true}), WithHooks(Hooks{
			CallStart: func(ctx context.Context, _ CallInfo) context.Context {
				ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Second, cause)
				context.AfterFunc(ctx, cancel)
				return ctx
			},
		}))
		started := time.Now()
		err := getPlayer(t.Context(), c)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, cause)
		assert.Equal(t, 3*time.Second, time.Since(started))
	})
}

// TestWithoutHooksACallCostsNothingMore: what a client without hooks does for them allocates nothing.
func TestWithoutHooksACallCostsNothingMore(t *testing.T) {
	c := newClient(t, script(jsonBody(200, `{}`)), WithHooks(Hooks{}))
	req, _, err := c.request(opGetPlayer, &input{path: []string{"ply_1"}}, nil)
	require.NoError(t, err)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		ctx, w := c.watch(t.Context(), opGetPlayer, input{}, req)
		w.end(ctx, nil, nil)
		if req.Observer != nil {
			t.Error("the transport has an observer")
		}
	}))
}
