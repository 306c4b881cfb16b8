package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// network is the way of one process's requests to the service and back.
type network struct{ process *process }

var (
	errLost = errors.New("the connection was reset")
	errDead = errors.New("this process is dead")
)

// A stranger's answers: none of them is the service's word.
var strangers = []struct {
	status int
	body   string
}{
	{200, ""},
	{202, ""},
	{202, "{}"},
	{202, "null"},
	{202, "[]"},
	{202, `"ok"`},
	{202, `{"error":{}}`},
	{204, ""},
	{200, "<html><body>Welcome to the hotel</body></html>"},
	{202, `{"success":"true"}`},
	{302, ""},
	{400, "<html><h1>400 Bad Request</h1></html>"},
	{400, "{}"},
	{400, ""},
	{401, "<html>Sign in</html>"},
	{401, ""},
	{403, "<html>Forbidden</html>"},
	{403, "{}"},
	{404, "404 page not found"},
	{407, ""},
	{409, "{}"},
	{422, "[]"},
	{500, ""},
	{502, "<html>Bad Gateway</html>"},
	{504, ""},
	{520, ""},
}

// RoundTrip implements http.RoundTripper.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	w := n.process.server.world
	w.underway.Add(1)
	defer w.underway.Done()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	w.mu.Lock()
	sky := w.weather
	toss := func(percent int) bool { return w.rng.IntN(100) < percent }
	lost, deaf, cut, strange := toss(sky.lost), toss(sky.deaf), toss(sky.cut), toss(sky.strange)
	throttles, down, refuses := toss(sky.throttles), toss(sky.down), toss(sky.refuses)
	arrives := toss(50) // of a request that a stranger answers, or that its sender has given up
	page := strangers[w.rng.IntN(len(strangers))]
	after := w.rng.IntN(40)
	there, back := time.Duration(w.rng.IntN(20))*time.Millisecond, time.Duration(w.rng.IntN(20))*time.Millisecond
	if toss(sky.late) {
		there += time.Duration(w.rng.Int64N(int64(sky.slow) + 1))
	}
	if toss(sky.late) {
		back += time.Duration(w.rng.Int64N(int64(sky.slow) + 1))
	}
	if strange && page.status == http.StatusUnauthorized {
		arrives = false // a gateway checks tokens before it passes a request on
	}
	w.mu.Unlock()
	w.yield()

	left := travel(r, there)
	if n.process.isDead() && !left {
		return nil, errDead
	}
	switch {
	case lost, left && !arrives:
		return nil, errors.Join(errLost, r.Context().Err())
	case throttles:
		return answer(r, http.StatusTooManyRequests, after, `{"success":false,"error":{"code":"rate_limited","message":"too many"}}`), nil
	case down:
		return answer(r, http.StatusServiceUnavailable, after, `{"success":false,"error":{"code":"unavailable","message":"down"}}`), nil
	case refuses:
		return answer(r, http.StatusUnauthorized, 0, `{"success":false,"error":{"code":"invalid_token","message":"refused"}}`), nil
	case strange && !arrives:
		return answer(r, page.status, 0, page.body), nil
	}
	resp, err := n.deliver(r, body) //nolint:contextcheck // it is on its way, whatever its sender does
	if err != nil {
		return nil, err
	}
	switch travel(r, back); {
	case r.Context().Err() != nil, deaf:
		return nil, errors.Join(errLost, r.Context().Err())
	case n.process.isDead():
		return nil, errDead
	case strange:
		return answer(r, page.status, 0, page.body), nil
	case cut:
		whole, _ := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), brokenOff{}))
	}
	return resp, nil
}

// deliver gives a request to the service, and notes what the service has now.
func (n *network) deliver(r *http.Request, body []byte) (*http.Response, error) {
	w := n.process.server.world
	arrived := r.Clone(context.Background())
	arrived.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := w.emu.RoundTrip(arrived)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		return resp, err
	}
	var in struct {
		UserID string `json:"user_id"`
		Events []struct {
			CustomData struct {
				N int `json:"n"`
			} `json:"customdata"`
		} `json:"events"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		w.fail("a request is no JSON: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	stream := strconv.Itoa(n.process.server.index) + " " + in.UserID
	for _, e := range in.Events {
		number := e.CustomData.N
		if number < 1 || number > len(w.events) || w.events[number-1].user != in.UserID {
			w.failLocked("the service got event %d of %s, which nobody tracked", number, in.UserID)
			continue
		}
		if w.stored[number]++; w.stored[number] == 1 {
			w.order[stream] = append(w.order[stream], number)
		} else if w.events[number-1].once {
			w.failLocked("event %d is of a type in AtMostOnce, and the service has it %d times", number, w.stored[number])
		}
	}
	w.trace.step("the service took %d events of %s", len(in.Events), in.UserID)
	return resp, nil
}

// travel lets time pass, and returns true if the sender left meanwhile.
func travel(r *http.Request, d time.Duration) (left bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-r.Context().Done():
		return true
	}
}

func answer(r *http.Request, status, retryAfter int, body string) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}}
	if retryAfter > 20 {
		header.Set("Retry-After", strconv.Itoa(retryAfter-20))
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Request: r,
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
}

// brokenOff reads as a connection that ended inside a body.
type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
