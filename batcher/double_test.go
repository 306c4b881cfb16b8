package batcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The test doubles: service is a Sender whose answers a test writes, and rig is a batcher on it that keeps a ledger of its own.

const game = "com.example.stackblaster"

// request is one request that a service got.
type request struct {
	at    time.Duration // since the rig began
	user  string
	token string
	ns    []int // the number of each event, see rig.track
	body  string
	ctx   context.Context //nolint:containedctx // a test looks at its deadline
}

// service is a Sender. It answers as answer says, which may block; without one it accepts everything.
type service struct {
	start time.Time

	mu       sync.Mutex // guards the following
	answer   func(r request) error
	got      []request
	players  map[string]int // requests under way, by player
	inFlight int
	most     int // requests that were under way at once
	twice    []string
}

// Send implements Sender.
func (s *service) Send(ctx context.Context, b Batch) (Receipt, error) {
	body := b.AppendBody(nil)
	r := request{at: time.Since(s.start), user: b.UserID, token: string(b.Token.Value), ns: numbers(body), body: string(body), ctx: ctx}
	s.mu.Lock()
	s.got = append(s.got, r)
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	if s.players[b.UserID]++; s.players[b.UserID] > 1 {
		s.twice = append(s.twice, b.UserID)
	}
	if len(r.ns) != b.Events {
		s.twice = append(s.twice, fmt.Sprintf("%s: says %d events, holds %d", b.UserID, b.Events, len(r.ns)))
	}
	answer := s.answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.inFlight--
		s.players[b.UserID]--
		s.mu.Unlock()
	}()
	if answer == nil {
		return Receipt{}, nil
	}
	err := answer(r)
	if confirms, ok := errors.AsType[confirmed](err); ok {
		return Receipt{Unconfirmed: b.Events - int(confirms)}, nil
	}
	return Receipt{}, err
}

// confirmed is what an answer returns that accepts a batch and confirms so many events of it.
type confirmed int

func (confirmed) Error() string { return "not an error" }

// answers sets how requests are answered from now on.
func (s *service) answers(f func(r request) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// forget forgets the requests that came so far.
func (s *service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = nil
}

// requests returns what came so far, of all players or of those named.
func (s *service) requests(users ...string) []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []request
	for _, r := range s.got {
		for _, u := range users {
			if r.user == u {
				out = append(out, r)
			}
		}
		if len(users) == 0 {
			out = append(out, r)
		}
	}
	return out
}

// times returns when the requests came.
func (s *service) times(users ...string) []time.Duration {
	var out []time.Duration
	for _, r := range s.requests(users...) {
		out = append(out, r.at)
	}
	return out
}

// batches returns the numbers of the events in each request.
func (s *service) batches(users ...string) [][]int {
	var out [][]int
	for _, r := range s.requests(users...) {
		out = append(out, r.ns)
	}
	return out
}

// numbers returns the numbers of the events in a request's body.
func numbers(body []byte) []int {
	var in struct {
		Events []struct {
			CustomData struct {
				N int `json:"n"`
			} `json:"customdata"`
		} `json:"events"`
	}
	if json.Unmarshal(body, &in) != nil {
		return nil
	}
	out := []int{}
	for _, e := range in.Events {
		out = append(out, e.CustomData.N)
	}
	return out
}

func numbersOf(records []Record) []int {
	var out []int
	for _, r := range records {
		out = append(out, numbers(fmt.Appendf(nil, `{"events":[%s]}`, r.JSON))...)
	}
	return out
}

// answersWith fails with one kind of failure.
func answersWith(f Failure, retryAfter ...time.Duration) func(request) error {
	e := &SendError{Failure: f, Err: errors.New("scripted")}
	if len(retryAfter) > 0 {
		e.RetryAfter = retryAfter[0]
	}
	return func(request) error { return e }
}

// script answers the first requests as listed, nil for success, and all later ones with success.
func script(failures ...error) func(request) error {
	var mu sync.Mutex
	return func(request) error {
		mu.Lock()
		defer mu.Unlock()
		if len(failures) == 0 {
			return nil
		}
		err := failures[0]
		failures = failures[1:]
		return err
	}
}

func failure(f Failure) error { return &SendError{Failure: f, Err: errors.New("scripted")} }

func throttled(after time.Duration) error {
	return &SendError{Failure: Throttled, RetryAfter: after, Err: errors.New("scripted")}
}

// told is one call of Config.OnOutcome.
type told struct {
	Result   Result
	User     string
	Ns       []int
	Attempts int
	Err      error
	Dups     bool
	At       time.Duration
}

// rig is a batcher on a service. It counts by itself what was accepted and what was told.
type rig struct {
	*Batcher
	t       *testing.T
	service *service

	mu       sync.Mutex // guards the following
	begun    int64      // calls of Track
	accepted int64      // of them, those that returned nil
	outcomes []told
	begins   [results]int64 // events whose callback has begun, by result
	ends     [results]int64 // events whose callback has returned
	next     map[string]int
}

// oneToken is a TokenSource that gives each player one token that never ends.
var oneToken = TokenFunc(func(_ context.Context, user string) (Token, error) { return Token{Value: Secret("token-" + user)}, nil })

// newRig makes a batcher. A test in a bubble uses bubble instead.
func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, service: &service{start: time.Now(), players: map[string]int{}}, next: map[string]int{}}
	if cfg.GameID == "" {
		cfg.GameID = game
	}
	if cfg.Tokens == nil {
		cfg.Tokens = oneToken
	}
	theirs := cfg.OnOutcome
	cfg.OnOutcome = func(o Outcome) {
		r.mu.Lock()
		r.outcomes = append(r.outcomes, told{
			o.Result, o.UserID, numbersOf(o.Records), o.Attempts, o.Err, o.PossibleDuplicates, time.Since(r.service.start),
		})
		r.begins[o.Result] += int64(len(o.Records))
		r.mu.Unlock()
		if theirs != nil {
			theirs(o)
		}
		r.mu.Lock()
		r.ends[o.Result] += int64(len(o.Records))
		r.mu.Unlock()
	}
	var err error
	r.Batcher, err = New(r.service, cfg)
	require.NoError(t, err)
	return r
}

// started puts the slow start of a new batcher behind it.
func (r *rig) started() {
	r.sched.mu.Lock()
	defer r.sched.mu.Unlock()
	r.sched.gate.ramp = 0
}

// bubble runs a test in a bubble where time passes only while everybody waits. At its end the batcher is closed with a context that has
// ended, and every event must have been told once or be handed back.
func bubble(t *testing.T, cfg Config, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cfg)
		test(t, r)
		r.close()
		time.Sleep(time.Hour) // senders and callbacks that do not heed their context end before the bubble does
	})
}

// close closes the batcher at once and checks that every accepted event ended once.
func (r *rig) close() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	cancel()
	_, _ = r.Close(ctx) // what is left over is counted below
	<-r.done
	report, _ := r.closedReport()
	returned := int64(0)
	for _, o := range report.LeftOver {
		assert.Equal(r.t, Returned, o.Result)
		returned += int64(len(o.Records))
	}
	assert.Empty(r.t, r.service.twice, "players with two requests under way, or a wrong count")
	r.mu.Lock()
	defer r.mu.Unlock()
	assert.Equal(r.t, r.begins, r.ends, "callbacks still run")
	assert.Equal(r.t, Ledger{
		Accepted: r.accepted, Delivered: r.ends[Delivered], Rejected: r.ends[Rejected], Expired: r.ends[Expired], Unknown: r.ends[Unknown],
		Returned: returned, Spooled: report.Spooled, Erased: r.ends[Erased], PossibleDuplicates: report.PossibleDuplicates,
		Unconfirmed: report.Unconfirmed,
	}, report.Ledger, "the ledger is what callbacks and report told")
	assert.Zero(r.t, r.budget.bytes(), "bytes of the budget")
	assert.Zero(r.t, r.budget.waiting.Load(), "waiters of the budget")
}

// balances checks the ledger against the rig's own, at any instant.
func (r *rig) balances() {
	r.t.Helper()
	r.mu.Lock()
	before := r.accepted
	r.mu.Unlock()
	l := r.Ledger()
	r.mu.Lock()
	after, began := r.begun, r.begins
	r.mu.Unlock()
	assert.Equal(r.t, l.Accepted, l.Delivered+l.Rejected+l.Expired+l.Unknown+l.Returned+l.Spooled+l.Erased+l.Pending, l.String())
	assert.GreaterOrEqual(r.t, l.Accepted, before, "accepted, with those whose Track has returned")
	assert.LessOrEqual(r.t, l.Accepted, after, "accepted, with those whose Track has begun")
	for result, n := range map[Result]int64{Delivered: l.Delivered, Rejected: l.Rejected, Expired: l.Expired, Unknown: l.Unknown, Erased: l.Erased} {
		assert.LessOrEqual(r.t, n, began[result], "%s: not told yet", result)
	}
}

// track tracks the next event of a player: its customdata is {"n":0}, {"n":1} and so on.
func (r *rig) track(user string) {
	r.t.Helper()
	require.NoError(r.t, r.trackType(r.t.Context(), user, LevelCompleted))
}

// tracks tracks several.
func (r *rig) tracks(user string, count int) {
	r.t.Helper()
	for range count {
		r.track(user)
	}
}

func (r *rig) trackType(ctx context.Context, user string, kind EventType) error {
	r.mu.Lock()
	n := r.next[user]
	r.next[user]++
	r.begun++
	r.mu.Unlock()
	name := ""
	if kind == Custom {
		name = "boss_defeated"
	}
	err := r.Track(ctx, user, Event{Type: kind, Name: name, Data: []slog.Attr{slog.Int("n", n)}})
	r.count(err)
	return err
}

func (r *rig) try(user string) error {
	r.mu.Lock()
	n := r.next[user]
	r.begun++
	r.mu.Unlock()
	err := r.Player(user).TryTrackAttrs(LevelCompleted, slog.Int("n", n))
	if err == nil {
		r.mu.Lock()
		r.next[user]++
		r.mu.Unlock()
	}
	r.count(err)
	return err
}

func (r *rig) count(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.accepted++
	} else {
		r.begun--
	}
}

// told returns what was told so far.
func (r *rig) told() []told {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]told(nil), r.outcomes...)
}

// numbered returns the numbers of a player's events that were told with a result, in the order in which they were told.
func (r *rig) numbered(user string, result Result) []int {
	var out []int
	for _, o := range r.told() {
		if o.User == user && o.Result == result {
			out = append(out, o.Ns...)
		}
	}
	return out
}

// after lets time pass and everybody run until they wait.
func after(d time.Duration) { time.Sleep(d); synctest.Wait() }

// since is the time in the bubble.
func (r *rig) since() time.Duration { return time.Since(r.service.start) }

// upTo returns 0, 1, ..., n-1.
func upTo(n int) []int { return from(0, n) }

func from(first, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = first + i
	}
	return out
}

// within returns a context that ends after d, for the rest of the test.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// logged is a slog.Handler that calls a function for each record.
type logged func(slog.Record)

func (logged) Enabled(context.Context, slog.Level) bool          { return true }
func (f logged) Handle(_ context.Context, rec slog.Record) error { f(rec); return nil }
func (f logged) WithAttrs([]slog.Attr) slog.Handler              { return f }
func (f logged) WithGroup(string) slog.Handler                   { return f }
