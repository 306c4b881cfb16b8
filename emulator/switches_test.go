package emulator

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The switches that a person flips in the inspector.

func TestSwitchesBreakAServiceAndMendIt(t *testing.T) {
	type flip struct {
		service, name string
		on            bool
	}
	tests := []struct {
		name             string
		flips            []flip
		smooven, fyno    int // statuses; 401 is Fyno's usual answer here
		took             time.Duration
		outage, limit    bool
		reset, hang      bool
		slow, retryAfter bool
	}{
		{name: "all off", smooven: 200, fyno: 401},
		{name: "outage", flips: []flip{{Smooven, "outage", true}}, smooven: 503, fyno: 401, outage: true},
		{name: "limit", flips: []flip{{Smooven, "limit", true}}, smooven: 429, fyno: 401, limit: true, retryAfter: true},
		{name: "slow", flips: []flip{{Smooven, "slow", true}}, smooven: 200, fyno: 401, took: switchedDelay, slow: true},
		{name: "another service", flips: []flip{{Fyno, "outage", true}}, smooven: 200, fyno: 503},
		{name: "every service", flips: []flip{{"*", "outage", true}}, smooven: 503, fyno: 503, outage: true},
		{name: "slow outage", flips: []flip{{Smooven, "outage", true}, {Smooven, "slow", true}}, smooven: 503, fyno: 401, took: switchedDelay, outage: true, slow: true},
		{name: "limit ends an outage", flips: []flip{{Smooven, "outage", true}, {Smooven, "limit", true}}, smooven: 429, fyno: 401, limit: true, retryAfter: true},
		{name: "outage ends a limit", flips: []flip{{Smooven, "limit", true}, {Smooven, "outage", true}}, smooven: 503, fyno: 401, outage: true},
		{name: "on twice, off once", flips: []flip{{Smooven, "outage", true}, {Smooven, "outage", true}, {Smooven, "outage", false}}, smooven: 200, fyno: 401},
		{name: "off that was not on", flips: []flip{{Smooven, "limit", true}, {Smooven, "outage", false}}, smooven: 429, fyno: 401, limit: true, retryAfter: true},
		{name: "reset after", flips: []flip{{Smooven, "reset-after", true}}, smooven: 0, fyno: 401, reset: true},
		{name: "hang after", flips: []flip{{Smooven, "hang-after", true}}, smooven: 0, fyno: 401, took: time.Minute, hang: true},
		{name: "hang ends a reset", flips: []flip{{Smooven, "reset-after", true}, {Smooven, "hang-after", true}}, smooven: 0, fyno: 401, took: time.Minute, hang: true},
		{name: "outage ends a hang", flips: []flip{{Smooven, "hang-after", true}, {Smooven, "outage", true}}, smooven: 503, fyno: 401, outage: true},
		{name: "slow reset", flips: []flip{{Smooven, "slow", true}, {Smooven, "reset-after", true}}, smooven: 0, fyno: 401, took: switchedDelay, slow: true, reset: true},
		{name: "reset of every service, mended", flips: []flip{{"*", "reset-after", true}, {"*", "reset-after", false}}, smooven: 200, fyno: 401},
		{name: "all off again", flips: []flip{{"*", "outage", true}, {Fyno, "slow", true}, {"*", "all", false}}, smooven: 200, fyno: 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := New()
				for _, f := range tt.flips {
					require.NoError(t, e.flip(f.service, f.name, f.on))
				}
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if r := register(t, "device-abc-123").WithContext(ctx); tt.smooven == 0 {
					require.Error(t, fails(t, e, r))
					_, stored := e.Player("device-abc-123")
					assert.True(t, stored, "the request is carried out, and its answer is lost")
				} else {
					a := send(t, e, r)
					assert.Equal(t, tt.smooven, a.status)
					assert.Equal(t, tt.retryAfter, a.header.Get("Retry-After") == "2")
				}
				assert.Equal(t, tt.took, time.Since(began))
				position, hits := e.position(Smooven)
				assert.Equal(t, switchPosition{tt.outage, tt.limit, tt.slow, tt.reset, tt.hang}, position.switchPosition)
				assert.Equal(t, tt.outage || tt.limit || tt.slow || tt.reset || tt.hang, hits == 1)
				assert.Equal(t, tt.fyno, send(t, e, request(t, "GET", "/fyno/v1/FYEMULATOR/suppressions", "")).status)
				assert.Empty(t, e.scripted(), "what a switch does is no script")
			})
		})
	}
}

func TestSwitchesRefuse(t *testing.T) {
	tests := []struct{ name, body, says string }{
		{"no JSON", `on`, "invalid character"},
		{"an unknown service", `{"service":"fino","switch":"slow","on":true}`, `no service "fino": use playsmart, smooven`},
		{"no service", `{"switch":"slow","on":true}`, `no service ""`},
		{"an unknown switch", `{"service":"fyno","switch":"slo","on":true}`, `no switch "slo"`},
		{"all at once on", `{"service":"*","switch":"all","on":true}`, "can only be turned off"},
		{"far too much", `{"service":"` + string(make([]byte, 2000)) + `"}`, "switches: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New()
			w := visit(t, e, "POST", InspectorPath+"/switches", tt.body)
			assert.Equal(t, 400, w.Code)
			assert.Contains(t, w.Body.String(), tt.says)
			assert.Equal(t, 200, send(t, e, register(t, "device-abc-123")).status)
		})
	}
}

// TestNoRequestPassesBetweenTwoPositions turns slow on and off during an outage: the outage is
// there all the time.
func TestNoRequestPassesBetweenTwoPositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		require.NoError(t, e.flip(Smooven, "outage", true))
		stop := make(chan struct{})
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						assert.Equal(t, http.StatusServiceUnavailable, send(t, e, register(t, "device-abc-123")).status)
					}
				}
			})
		}
		for n := range 200 {
			require.NoError(t, e.flip(Smooven, "slow", n%2 == 0))
		}
		close(stop)
		callers.Wait()
		assert.Empty(t, e.Players())
	})
}

func TestScriptedFaultsAreListed(t *testing.T) {
	e := New()
	e.Inject(Fault{Operation: "getPlayer", Status: 503})
	e.Inject(Fault{Service: Fyno, Mode: Hang, Times: 1, Skip: 100})
	e.Inject(Fault{Delay: time.Nanosecond})
	require.NoError(t, e.flip(Sunshine, "slow", true))
	send(t, e, register(t, "device-abc-123"))
	assert.Equal(t, []scriptedFault{{"getPlayer", "status 503", 0}, {Fyno, "hang", 0}, {"every service", "delay 1ns", 1}}, e.scripted())
}
