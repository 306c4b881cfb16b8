package emulator

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The record of requests, and its bounds.

func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		start := time.Now()
		e.Inject(Fault{Operation: "getPlayer", Delay: time.Second})
		r := request(t, "GET", "/smooven/v1/players/a%2Fb?x=1&x=2", "", smoovenAuth)
		send(t, e, r)
		r.Header.Set("Authorization", "changed later")
		send(t, e, register(t, "ace"))

		got := e.Requests()
		require.Len(t, got, 2)
		assert.Equal(t, Request{
			Number: 1, Time: start, Service: Smooven, Operation: "getPlayer", Method: "GET", Path: "/smooven/v1/players/a%2Fb",
			Query: map[string][]string{"x": {"1", "2"}}, Header: map[string][]string{"Authorization": {"Bearer " + SmoovenKey}},
			Status: 400, Fault: "delay 1s", Violation: "query.x is not a parameter of this request", Latency: time.Second,
		}, got[0])
		assert.Equal(t, 2, got[1].Number)
		assert.JSONEq(t, `{"external_id":"ace","channels":{"sms":"+61400000000"}}`, string(got[1].Body))

		got[0].Header.Set("Authorization", "spoiled")
		got[0].Query["x"][0] = "spoiled"
		got[1].Body[0] = 'x'
		again := e.Requests()
		assert.Equal(t, "Bearer "+SmoovenKey, again[0].Header.Get("Authorization"))
		assert.Equal(t, "1", again[0].Query["x"][0])
		assert.Equal(t, byte('{'), again[1].Body[0])
	})
}

func TestRecordIsBounded(t *testing.T) {
	for _, limit := range []int{0, 1, 3} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			e := New(WithRecordLimit(limit))
			for i := range 7 {
				send(t, e, register(t, fmt.Sprint("player-", i)))
			}
			send(t, e, request(t, "GET", "/nothing", ""))
			var numbers []int
			for _, r := range e.Requests() {
				numbers = append(numbers, r.Number)
			}
			var want []int
			for i := range limit {
				want = append(want, 9-limit+i)
			}
			assert.Equal(t, want, numbers)
			assert.Equal(t, 7, e.Calls("registerPlayer"))
			assert.Equal(t, 1, e.Calls(""))
			assert.Equal(t, 0, e.Calls("getPlayer"))
			assert.Equal(t, 8, e.TotalCalls())

			e.ResetRecord()
			assert.Empty(t, e.Requests())
			assert.Zero(t, e.TotalCalls()+e.Calls("registerPlayer"))
			assert.Len(t, e.Players(), 7, "the services keep their data")
			send(t, e, register(t, "player-8"))
			assert.Equal(t, 1, e.TotalCalls())
			assert.Len(t, e.Requests(), min(limit, 1))
		})
	}
}

func TestObserverSeesWhatIsRecorded(t *testing.T) {
	var seen []Request
	e := New(WithObserver(func(r Request) { seen = append(seen, r) }))
	a := send(t, e, register(t, "ace"))
	e.Inject(Fault{Mode: ResetAfter})
	require.Error(t, fails(t, e, register(t, "ace")))
	assert.Equal(t, e.Requests(), seen)
	assert.Equal(t, "emu-1", a.header.Get("X-Request-Id"))
}

func TestOptionsRefuseNonsense(t *testing.T) {
	tests := map[string]func(){
		"a negative record limit":    func() { WithRecordLimit(-1) },
		"a token that never lived":   func() { WithTokenTTL(0) },
		"a buffer that fills itself": func() { WithDrainRate(-1) },
		"a link before its request":  func() { WithLinkDelay(-1) },
	}
	for name, option := range tests {
		t.Run(name, func(t *testing.T) { assert.Panics(t, option) })
	}
}
