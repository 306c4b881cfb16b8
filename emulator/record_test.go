package emulator

import (
	"fmt"
	"strings"
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
			ResponseHeader: map[string][]string{"Content-Type": {"application/json"}, "X-Request-Id": {"emu-1"}},
			ResponseBody:   []byte(`{"error":{"code":"invalid_request","message":"query.x is not a parameter of this request"},"success":false}` + "\n"),
		}, got[0])
		assert.Equal(t, 2, got[1].Number)
		assert.JSONEq(t, `{"external_id":"ace","channels":{"sms":"+61400000000"}}`, string(got[1].Body))

		got[0].Header.Set("Authorization", "spoiled")
		got[0].Query["x"][0] = "spoiled"
		got[1].Body[0] = 'x'
		got[0].ResponseHeader.Set("Content-Type", "spoiled")
		got[0].ResponseBody[0] = 'x'
		again := e.Requests()
		assert.Equal(t, "Bearer "+SmoovenKey, again[0].Header.Get("Authorization"))
		assert.Equal(t, "1", again[0].Query["x"][0])
		assert.Equal(t, byte('{'), again[1].Body[0])
		assert.Equal(t, "application/json", again[0].ResponseHeader.Get("Content-Type"))
		assert.Equal(t, byte('{'), again[0].ResponseBody[0])
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

// replies are the statuses and bodies that the record has of what was answered.
func TestTheRecordHasTheReplies(t *testing.T) {
	tests := []struct {
		name  string
		fault Fault
		body  string
	}{
		{"nothing", Fault{}, `"created":true`},
		{"a status", Fault{Status: 503, Body: "later", RetryAfter: time.Second}, "later"},
		{"no reply", Fault{Mode: ResetAfter}, ""},
		{"a page", Fault{Mode: NotJSON}, "<!DOCTYPE html>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New()
			e.Inject(tt.fault)
			resp, err := e.RoundTrip(register(t, "ace"))
			got := e.Requests()[0]
			if tt.body == "" {
				require.Error(t, err)
				assert.Nil(t, got.ResponseHeader)
				assert.Nil(t, got.ResponseBody)
				return
			}
			require.NoError(t, err)
			resp.Body.Close()
			assert.Contains(t, string(got.ResponseBody), tt.body)
			assert.Equal(t, resp.Header.Get("X-Request-Id"), got.ResponseHeader.Get("X-Request-Id"))
			assert.Equal(t, resp.Header.Get("Retry-After"), got.ResponseHeader.Get("Retry-After"))
		})
	}
	e := New()
	send(t, e, register(t, "ace"))
	whole := e.Requests()[0].ResponseBody
	e.Inject(Fault{Mode: HalfBody})
	resp, err := e.RoundTrip(register(t, "ace"))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Less(t, len(e.Requests()[1].ResponseBody), len(whole), "what was not sent is not there")
}

func TestTheRecordIsBoundedInBytes(t *testing.T) {
	const limit = 1 << 20
	post := func(e *Emulator, path, body string, headers ...string) {
		send(t, e, request(t, "POST", path, body, headers...))
	}
	large := `{"external_id":"` + strings.Repeat("x", limit/8) + `","channels":{}}`
	tests := []struct {
		name  string
		fill  func(e *Emulator)
		least int // requests that are kept
	}{
		{"bodies", func(e *Emulator) { post(e, "/smooven/v1/players/register", large, smoovenAuth) }, 2},
		{"bodies that are refused", func(e *Emulator) { post(e, "/smooven/v1/players/register", large) }, 2},
		{"headers", func(e *Emulator) { post(e, "/smooven/v1/players/register", "", "X-Filler: "+large) }, 2},
		{"queries", func(e *Emulator) { post(e, "/smooven/v1/players/register?x="+strings.Repeat("x", limit/8), "") }, 2},
		{"paths", func(e *Emulator) { post(e, "/smooven/v1/players/"+strings.Repeat("x", limit/8), "") }, 2},
		{"bodies of unknown paths", func(e *Emulator) { post(e, "/smooven/v1/players/ply_1/tags", large, smoovenAuth) }, 20},
		{"bodies of no service", func(e *Emulator) { post(e, "/elsewhere", large) }, 20},
		{"bodies of another method", func(e *Emulator) { post(e, "/smooven/v1/players/ply_1", large, smoovenAuth) }, 20},
		{"a body that is too large alone", func(e *Emulator) {
			post(e, "/smooven/v1/players/register", `{"external_id":"`+strings.Repeat("x", 2*limit)+`","channels":{}}`)
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New(WithRecordBytes(limit))
			for range 20 {
				tt.fill(e)
			}
			kept := e.Requests()
			assert.GreaterOrEqual(t, len(kept), tt.least)
			bytes := 0
			for i, r := range kept {
				bytes += len(r.Body) + len(r.ResponseBody) + len(r.Path) + len(r.Query.Get("x")) + len(r.Header.Get("X-Filler"))
				assert.Equal(t, 20-len(kept)+i+1, r.Number, "the newest are kept")
				if tt.least == 20 {
					assert.Nil(t, r.Body)
				}
			}
			assert.LessOrEqual(t, bytes, limit)
			assert.Equal(t, 20, e.TotalCalls())
			send(t, e, register(t, "ace"))
			kept = e.Requests()
			require.NotEmpty(t, kept)
			assert.Equal(t, 21, kept[len(kept)-1].Number)
			e.ResetRecord()
			assert.Zero(t, e.record.bytes)
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
		"a negative number of bytes": func() { WithRecordBytes(-1) },
		"a name with a port":         func() { WithHosts("emulator", "emulator.internal:8787") },
		"a name that ends a quote":   func() { WithHosts("emulator'") },
		"no name":                    func() { WithHosts("") },
		"a token that never lived":   func() { WithTokenTTL(0) },
		"a buffer that fills itself": func() { WithDrainRate(-1) },
		"a link before its request":  func() { WithLinkDelay(-1) },
	}
	for name, option := range tests {
		t.Run(name, func(t *testing.T) { assert.Panics(t, option) })
	}
}
