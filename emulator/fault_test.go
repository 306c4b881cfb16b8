package emulator

import (
	"context"
	"io"
	"math"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Scripted faults, each as a client sees it.

func TestFaultModes(t *testing.T) {
	tests := []struct {
		name   string
		fault  Fault
		stored bool
		status int    // 0 where no reply comes
		says   string // in the body
	}{
		{"nothing", Fault{}, true, 200, `"created":true`},
		{"a status", Fault{Status: 503}, false, 503, `"code":"service_unavailable"`},
		{"a status and a body", Fault{Status: 500, Body: "boom"}, false, 500, "boom"},
		{"too many", TooMany("registerPlayer", 1500*time.Millisecond), false, 429, `"code":"too_many_requests"`},
		{"not JSON", Fault{Mode: NotJSON}, false, 200, "<!DOCTYPE html>"},
		{"not JSON, as a gateway", Fault{Mode: NotJSON, Status: 502, Body: "<h1>502</h1>"}, false, 502, "<h1>502</h1>"},
		{"reset before", Fault{Mode: ResetBefore}, false, 0, ""},
		{"reset after", Fault{Mode: ResetAfter}, true, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// the same fault once without and once with a socket: a client sees no difference
			direct, server := New(), Start(t)
			overSocket := &http.Transport{}
			defer overSocket.CloseIdleConnections()
			for e, transport := range map[*Emulator]http.RoundTripper{direct: direct, server.Emulator: overSocket} {
				e.Inject(tt.fault)
				r := register(t, "ace")
				if e == server.Emulator {
					r.URL.Host = strings.TrimPrefix(server.URL, "http://")
				}
				_, stored := e.Player("ace")
				require.False(t, stored)
				if tt.status == 0 {
					require.ErrorIs(t, fails(t, transport, r), syscall.ECONNRESET)
				} else {
					a := send(t, transport, r)
					assert.Equal(t, tt.status, a.status)
					assert.Contains(t, a.text, tt.says)
					if tt.fault.RetryAfter > 0 {
						assert.Equal(t, "2", a.header.Get("Retry-After"), "whole seconds, rounded up")
					}
					assert.Equal(t, tt.fault.Mode == NotJSON, strings.HasPrefix(a.header.Get("Content-Type"), "text/html"))
				}
				_, stored = e.Player("ace")
				assert.Equal(t, tt.stored, stored)
				requests := e.Requests()
				require.Len(t, requests, 1)
				assert.Equal(t, tt.fault.String(), requests[0].Fault)
				assert.Equal(t, tt.status, requests[0].Status)
				assert.Equal(t, tt.fault.Mode == ResetBefore, requests[0].Body == nil, "reset before the body is read")
			}
		})
	}
}

func TestFaultHalfBody(t *testing.T) {
	direct, server := New(), Start(t)
	overSocket := &http.Transport{}
	defer overSocket.CloseIdleConnections()
	for e, transport := range map[*Emulator]http.RoundTripper{direct: direct, server.Emulator: overSocket} {
		e.Inject(Fault{Mode: HalfBody, Times: 1})
		r := register(t, "ace")
		if e == server.Emulator {
			r.URL.Host = strings.TrimPrefix(server.URL, "http://")
		}
		resp, err := transport.RoundTrip(r)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode)
		assert.Len(t, body, int(resp.ContentLength)/2)
		assert.Len(t, e.Players(), 1)
	}
}

func TestFaultHangs(t *testing.T) {
	for _, mode := range []Mode{Hang, HangAfter} {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := New()
				e.Inject(Fault{Mode: mode})
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				var err error
				done := make(chan struct{})
				r := register(t, "ace").WithContext(ctx)
				go func() {
					defer close(done)
					err = fails(t, e, r)
				}()
				synctest.Wait()
				assert.Equal(t, mode == HangAfter, len(e.Players()) == 1)
				requests := e.Requests()
				require.Len(t, requests, 1, "a request that hangs is on record")
				assert.Equal(t, mode.String(), requests[0].Fault)
				assert.Zero(t, requests[0].Status)
				<-done
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, time.Hour, time.Since(start))
				assert.Equal(t, time.Hour, e.Requests()[0].Latency)
			})
		})
	}
}

func TestFaultDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		remove := e.Inject(Fault{Delay: time.Minute})
		start := time.Now()
		assert.Equal(t, 200, send(t, e, register(t, "ace")).status)
		assert.Equal(t, time.Minute, time.Since(start))
		assert.Equal(t, "delay 1m0s", e.Requests()[0].Fault)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, fails(t, e, register(t, "blitz").WithContext(ctx)), context.DeadlineExceeded)
		_, stored := e.Player("blitz")
		assert.False(t, stored, "a client that left during the delay stored nothing")

		remove()
		start = time.Now()
		e.Inject(Fault{Delay: time.Second, Mode: ResetBefore})
		require.ErrorIs(t, fails(t, e, register(t, "comet")), syscall.ECONNRESET)
		assert.Equal(t, time.Second, time.Since(start))
	})
}

func TestFaultSelects(t *testing.T) {
	get := func(t *testing.T) *http.Request {
		t.Helper()
		return request(t, "GET", "/smooven/v1/players/ply_1", "", smoovenAuth)
	}
	login := func(t *testing.T) *http.Request {
		t.Helper()
		return request(t, "POST", "/playsmart/auth/login", `{"email":"a","password":"b"}`)
	}
	tests := []struct {
		name  string
		fault Fault
		want  []int // of: get, login, get, login, get, login
	}{
		{"everything", Fault{Status: 500}, []int{500, 500, 500, 500, 500, 500}},
		{"a service", Fault{Status: 500, Service: Smooven}, []int{500, 401, 500, 401, 500, 401}},
		{"an operation", Fault{Status: 500, Operation: "login"}, []int{404, 500, 404, 500, 404, 500}},
		{"skipping", Fault{Status: 500, Operation: "login", Skip: 1}, []int{404, 401, 404, 500, 404, 500}},
		{"so many times", Fault{Status: 500, Operation: "login", Times: 1}, []int{404, 500, 404, 401, 404, 401}},
		{"skipping, then so many", Fault{Status: 500, Skip: 2, Times: 2}, []int{404, 401, 500, 500, 404, 401}},
		{"a match", Fault{Status: 500, Match: func(r *http.Request) bool { return r.Method == http.MethodGet }}, []int{500, 401, 500, 401, 500, 401}},
		{"a match of none", Fault{Status: 500, Match: func(*http.Request) bool { return false }}, []int{404, 401, 404, 401, 404, 401}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New()
			e.Inject(tt.fault)
			var got []int
			for range 3 {
				got = append(got, send(t, e, get(t)).status, send(t, e, login(t)).status)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestFaultMatchMayReadTheBody(t *testing.T) {
	e := New()
	holds := func(text string) func(*http.Request) bool {
		return func(r *http.Request) bool {
			body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
			return err == nil && strings.Contains(string(body), text)
		}
	}
	begins := func(r *http.Request) bool {
		first := make([]byte, 5)
		_, err := io.ReadFull(r.Body, first)
		return err != nil || string(first) != `{"ext`
	}
	e.Inject(Fault{Status: 400, Match: begins})
	e.Inject(Fault{Status: 500, Match: holds("blitz")})
	e.Inject(Fault{Status: 501, Match: holds("comet")})
	assert.Equal(t, 200, send(t, e, register(t, "ace")).status)
	assert.Equal(t, 500, send(t, e, register(t, "blitz")).status)
	assert.Equal(t, 501, send(t, e, register(t, "comet")).status)
	assert.Len(t, e.Players(), 1, "the service read the body after the matches did")
	assert.Contains(t, string(e.Requests()[2].Body), "comet")
}

func TestFaultsActOneAtATime(t *testing.T) {
	e := New()
	removeFirst := e.Inject(Fault{Status: 500, Times: 1})
	e.Inject(Fault{Status: 501})
	assert.Equal(t, 500, send(t, e, register(t, "ace")).status)
	assert.Equal(t, 501, send(t, e, register(t, "ace")).status)
	removeFirst()
	removeFirst()
	assert.Equal(t, 501, send(t, e, register(t, "ace")).status, "removing twice removes no other")

	e = New()
	var remove func()
	remove = e.Inject(Fault{Status: 500, Match: func(*http.Request) bool { remove(); return true }})
	assert.Equal(t, 200, send(t, e, register(t, "ace")).status, "a fault that its match removed does not act")
}

func TestFaultProbabilityIsTheSameForASeed(t *testing.T) {
	run := func(seed uint64) (statuses []int) {
		e := New()
		e.Inject(Fault{Status: 500, Probability: 0.3, Seed: seed})
		for range 200 {
			statuses = append(statuses, send(t, e, register(t, "ace")).status)
		}
		return statuses
	}
	first := run(7)
	assert.Equal(t, first, run(7))
	assert.NotEqual(t, first, run(8))
	hits := 0
	for _, status := range first {
		if status == 500 {
			hits++
		}
	}
	assert.InDelta(t, 60, hits, 25)
}

func TestFaultErrorBodies(t *testing.T) {
	e := New()
	e.Inject(Fault{Status: 503, Header: http.Header{"x-proxy": {"edge"}}})
	tests := []struct {
		path string
		body map[string]any
	}{
		{"/smooven/v1/players/ply_1", map[string]any{"success": false, "error": map[string]any{"code": "service_unavailable", "message": "Service Unavailable"}}},
		{"/playsmart/auth/login", map[string]any{"error": map[string]any{"code": "SERVICE_UNAVAILABLE", "message": "Service Unavailable"}}},
		{sunshineUser, map[string]any{"errors": []any{map[string]any{"code": "service_unavailable", "title": "Service Unavailable"}}}},
		{"/nothing", map[string]any{"error": "Service Unavailable"}},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			a := send(t, e, request(t, "GET", tt.path, ""))
			assert.Equal(t, 503, a.status)
			assert.Equal(t, tt.body, a.body)
			assert.Equal(t, "edge", a.header.Get("X-Proxy"))
		})
	}
}

func TestFaultValidate(t *testing.T) {
	tests := []struct {
		name  string
		fault Fault
		says  string
	}{
		{"an unknown service", Fault{Service: "smoven"}, `no service "smoven"`},
		{"an unknown operation", Fault{Operation: "fireEvnt"}, `no operation "fireEvnt"`},
		{"an operation of another service", Fault{Service: Smooven, Operation: "login"}, `no operation "login"`},
		{"a negative skip", Fault{Skip: -1}, "Skip (-1)"},
		{"a negative count", Fault{Times: -1}, "Times (-1)"},
		{"a probability beyond 1", Fault{Probability: 1.5}, "Probability (1.5)"},
		{"a probability that is no number", Fault{Probability: math.NaN()}, "Probability (NaN)"},
		{"a negative delay", Fault{Delay: -1}, "Delay (-1ns)"},
		{"a status that is none", Fault{Status: 99}, "Status (99)"},
		{"a mode that is none", Fault{Mode: 7}, "Mode (7)"},
		{"a negative mode", Fault{Mode: -1}, "Mode (-1)"},
		{"a status with a hang", Fault{Mode: Hang, Status: 500}, "Mode hang takes no Status (500)"},
		{"a body without a status", Fault{Body: "x"}, "set Status too"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.ErrorContains(t, tt.fault.Validate(), tt.says)
			assert.Panics(t, func() { New().Inject(tt.fault) })
		})
	}
	for _, fault := range []Fault{{}, {Service: Fyno, Operation: "fireEvent", Status: 202}, {Mode: NotJSON, Body: "<p>"}, {Probability: 1}} {
		assert.NoError(t, fault.Validate())
	}
	assert.Equal(t, "mode 9", Mode(9).String())
	assert.Equal(t, "delay 2s, not-json, status 502", Fault{Delay: 2 * time.Second, Mode: NotJSON, Status: 502}.String())
}
