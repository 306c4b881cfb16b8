package playline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// TestModelOverTheClient uses a batcher at random over the client against the emulator, whose faults are the outcomes and whose events
// are the store. It is the smaller sister of batcher.TestModel, and replays like it:
//
//	PLAYLINE_MODEL_FIRST=7 PLAYLINE_MODEL_CLIENT_SEEDS=1 go test -run TestModelOverTheClient .
func TestModelOverTheClient(t *testing.T) {
	t.Parallel()
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
			return n
		}
		return otherwise
	}
	first, seeds := number("PLAYLINE_MODEL_FIRST", 1), number("PLAYLINE_MODEL_CLIENT_SEEDS", 50)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			t.Parallel()
			replay := fmt.Sprintf("replay: PLAYLINE_MODEL_FIRST=%d PLAYLINE_MODEL_CLIENT_SEEDS=1 go test -race -count=20 -run TestModelOverTheClient .", seed)
			spins := time.AfterFunc(2*time.Minute, func() { panic("the model spins; " + replay) })
			defer spins.Stop()
			defer func() {
				if r := recover(); r != nil {
					panic(fmt.Sprintf("%v; %s", r, replay))
				}
				if t.Failed() {
					t.Log(replay)
				}
			}()
			synctest.Test(t, func(t *testing.T) { runClientModel(t, uint64(seed)) })
		})
	}
}

// clientModel is the world of one seed.
type clientModel struct {
	t        *testing.T
	emulator *emulator.Emulator
	client   *playline.Client
	cfg      batcher.Config
	b        *batcher.Batcher // of the process that runs
	once     []batcher.EventType

	mu      sync.Mutex // guards the following
	events  []*clientModelEvent
	rand    *rand.Rand
	healed  bool
	process *clientProcess
	kept    map[uint64]batcher.StoredEvent // the store; nil: none
	next    uint64
}

// clientModelEvent is an event that Track took.
type clientModelEvent struct {
	user    string
	once    bool
	poison  bool
	told    int
	result  batcher.Result
	doubt   bool
	stored  int
	padding int
	by      *clientProcess // that told it
}

func runClientModel(t *testing.T, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	m := &clientModel{t: t, emulator: emulator.New(), rand: rand.New(rand.NewPCG(seed, 2))}
	var err error
	m.client, err = playline.New(m.emulator.Options()...)
	require.NoError(t, err)
	if r.IntN(2) == 0 {
		m.once = []batcher.EventType{batcher.LevelCompleted, batcher.IAPPurchase}
	}
	m.cfg = batcher.Config{
		GameID: "com.example.stackblaster", Tokens: batcher.TokenFunc(m.token), AtMostOnce: m.once,
		BatchEvents: 1 + r.IntN(40), EventBytes: 2000, BatchBytes: 2000 + r.IntN(10_000), Linger: time.Duration(1+r.IntN(3000)) * time.Millisecond,
		MaxEvents: 20 + r.IntN(200), MaxInFlight: 1 + r.IntN(8), SendTimeout: time.Duration(1+r.IntN(10)) * time.Second,
		MaxRetryAfter: 10 * time.Second,
	}
	heal := m.inject(r)
	count := 1 + r.IntN(5)
	if restarts := rand.New(rand.NewPCG(seed, 3)); restarts.IntN(3) == 0 {
		m.kept = map[uint64]batcher.StoredEvent{}
		for range restarts.IntN(4) {
			m.playUntilKilled(restarts, count)
		}
	}
	m.start()
	var players sync.WaitGroup
	m.playAll(&players, seed, count)
	time.Sleep(time.Duration(r.Int64N(int64(20 * time.Second))))
	limit := time.Duration(r.Int64N(int64(10 * time.Second)))
	well := r.IntN(2) == 0
	if well {
		heal()
		limit = time.Hour
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	begin := time.Now()
	report, err := m.b.Close(ctx)
	assert.LessOrEqual(t, time.Since(begin), limit+100*time.Millisecond, "Close outlived its context")
	requests := m.emulator.TotalCalls()
	players.Wait()
	if well {
		for _, out := range report.LeftOver {
			// A request under way when Close began can still bring a refusal of the token that it was sent with.
			refused := errors.Is(out.Err, playline.ErrForbidden) || errors.Is(out.Err, playline.ErrUnauthorized)
			assert.True(t, refused, "only a refused token is a reason to hand events back, not %v", out.Err)
		}
	}
	assert.Equal(t, err == nil, len(report.LeftOver) == 0)
	for _, out := range report.LeftOver {
		m.mu.Lock()
		m.told(out)
		m.mu.Unlock()
	}
	heal()
	time.Sleep(time.Hour)
	assert.Equal(t, requests, m.emulator.TotalCalls(), "requests were made after Close had returned")
	if m.kept != nil {
		report = m.finish(report)
	}
	m.check(report)
}

// inject sets the faults of the seed and returns what takes them away.
func (m *clientModel) inject(r *rand.Rand) (heal func()) {
	const operation = "ingestEvents"
	body := func(matches func(body string) bool) func(*http.Request) bool {
		return func(q *http.Request) bool {
			read, err := io.ReadAll(q.Body)
			return err == nil && matches(string(read))
		}
	}
	limit := 3000 + r.IntN(10_000)
	m.emulator.Inject(emulator.Fault{Operation: operation, Status: 413, Match: body(func(b string) bool { return len(b) > limit })})
	m.emulator.Inject(emulator.Fault{Operation: operation, Status: 400, Match: body(func(b string) bool { return strings.Contains(b, `"poison":true`) })})
	kinds := []emulator.Fault{
		{Status: 503},
		{Status: 503, RetryAfter: 3 * time.Second},
		{Status: 429},
		{Status: 429, RetryAfter: 2 * time.Second},
		{Status: 500},
		{Status: 502},
		{Status: 504},
		{Status: 401},
		{Status: 403},
		{Mode: emulator.ResetBefore},
		{Mode: emulator.ResetAfter},
		{Mode: emulator.Hang},
		{Mode: emulator.HangAfter},
		{Mode: emulator.HalfBody},
		{Mode: emulator.NotJSON},
		{Delay: 2 * time.Second},
	}
	var removes []func()
	for range r.IntN(6) {
		f := kinds[r.IntN(len(kinds))]
		f.Operation, f.Probability, f.Seed = operation, []float64{0.1, 0.4, 1}[r.IntN(3)], r.Uint64()
		if f.Skip = r.IntN(10); f.Probability == 1 {
			f.Times = 1 + r.IntN(20)
		}
		removes = append(removes, m.emulator.Inject(f))
	}
	return func() {
		m.mu.Lock()
		m.healed = true
		m.mu.Unlock()
		for _, remove := range removes {
			remove()
		}
	}
}

// token is the token source: mostly good tokens, some of which end soon.
func (m *clientModel) token(_ context.Context, user string) (batcher.Token, error) {
	m.mu.Lock()
	n, healed := m.rand.IntN(20), m.healed
	m.mu.Unlock()
	switch {
	case healed:
	case n == 0:
		return batcher.Token{}, io.ErrUnexpectedEOF
	case n == 1:
		return batcher.Token{Value: batcher.Secret(m.emulator.Token(user, -time.Hour))}, nil
	case n == 2:
		return batcher.Token{Value: "not-a-token"}, nil
	case n < 8:
		return batcher.Token{Value: batcher.Secret(m.emulator.Token(user, 65*time.Second))}, nil
	}
	return batcher.Token{Value: batcher.Secret(m.emulator.Token(user, time.Hour))}, nil
}

// playAll lets so many players play.
func (m *clientModel) playAll(wait *sync.WaitGroup, seed uint64, count int) {
	for i := range count {
		wait.Go(func() { m.play(fmt.Sprintf("device-%d", i), rand.New(rand.NewPCG(seed, uint64(100+i)))) })
	}
}

// play tracks the events of one player until the batcher closes.
func (m *clientModel) play(user string, r *rand.Rand) {
	p := m.b.Player(user)
	types := []batcher.EventType{batcher.AppOpen, batcher.LevelCompleted, batcher.IAPPurchase, batcher.GameEnd}
	for range 20 + r.IntN(150) {
		time.Sleep(time.Duration(r.Int64N(int64(200 * time.Millisecond))))
		if r.IntN(30) == 0 {
			ctx, cancel := context.WithTimeout(m.t.Context(), time.Duration(r.Int64N(int64(3*time.Second))))
			_ = p.Flush(ctx)
			cancel()
		}
		if r.IntN(20) == 0 {
			m.b.Resume(user)
		}
		t := types[r.IntN(len(types))]
		e := &clientModelEvent{user: user, once: slices.Contains(m.once, t), poison: r.IntN(60) == 0, padding: r.IntN(1500)}
		m.mu.Lock()
		m.events = append(m.events, e)
		n := len(m.events) - 1
		m.mu.Unlock()
		err := p.TrackAttrs(m.t.Context(), t, slog.Int("n", n), slog.Bool("poison", e.poison), slog.String("pad", strings.Repeat("x", e.padding)))
		if err != nil {
			assert.ErrorIs(m.t, err, batcher.ErrClosed)
			m.mu.Lock()
			m.events[n] = nil
			m.mu.Unlock()
			return
		}
	}
}

// number reads which event it is, -1 where it is none.
func (m *clientModel) number(user string, data json.RawMessage) int {
	var in struct {
		N      int    `json:"n"`
		Pad    string `json:"pad"`
		Poison bool   `json:"poison"`
	}
	if !assert.NoError(m.t, json.Unmarshal(data, &in)) || !assert.Less(m.t, in.N, len(m.events)) {
		return -1
	}
	e := m.events[in.N]
	if !assert.NotNil(m.t, e, "event %d was not accepted", in.N) {
		return -1
	}
	assert.Equal(m.t, clientModelEvent{user: user, padding: len(in.Pad), poison: in.Poison},
		clientModelEvent{user: e.user, padding: e.padding, poison: e.poison}, "event %d", in.N)
	return in.N
}

// told takes a result, from a callback or from the report. mu is held.
func (m *clientModel) told(out batcher.Outcome) {
	for _, record := range out.Records {
		event, err := record.Event()
		assert.NoError(m.t, err)
		data, isRaw := event.Data.(json.RawMessage)
		if !assert.True(m.t, isRaw) {
			continue
		}
		if n := m.number(out.UserID, data); n >= 0 {
			e := m.events[n]
			e.told++
			e.result, e.doubt, e.by = out.Result, out.PossibleDuplicates, m.process
		}
	}
}

// check compares what the emulator stored with what was told.
func (m *clientModel) check(report batcher.Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	users := map[string]bool{}
	for _, e := range m.events {
		if e != nil {
			users[e.user] = true
		}
	}
	for user := range users {
		latest := -1
		for _, stored := range m.emulator.Events(user) {
			n := m.number(user, stored.CustomData)
			if n < 0 {
				continue
			}
			e := m.events[n]
			if e.stored++; e.stored == 1 && e.result == batcher.Delivered {
				assert.Greater(m.t, n, latest, "%s: the order is broken", user)
				latest = n
			}
		}
	}
	results, copies, accepted := map[batcher.Result]int64{}, int64(0), int64(0)
	for n, e := range m.events {
		if e == nil {
			continue
		}
		if e.by == m.process {
			accepted++
			results[e.result]++
		}
		if e.result == batcher.Delivered && m.kept == nil { // a process that was killed has no report
			copies += int64(e.stored - 1)
		}
		about := fmt.Sprintf("event %d: %s, stored %d times: %+v", n, e.result, e.stored, *e)
		assert.Equal(m.t, 1, e.told, about)
		assert.Equal(m.t, e.poison, e.result == batcher.Rejected || e.poison && e.result == batcher.Returned || e.poison && e.result == batcher.Unknown, about)
		assert.False(m.t, e.result == batcher.Delivered && e.stored == 0, about)
		assert.False(m.t, e.stored > 1 && (e.once || !e.doubt), about)
		assert.False(m.t, e.result == batcher.Unknown && !e.once, about)
		assert.False(m.t, e.poison && e.stored > 0, about)
		assert.False(m.t, e.result == batcher.Returned && e.stored > 0 && !e.doubt, about)
	}
	assert.LessOrEqual(m.t, copies, report.PossibleDuplicates)
	assert.Equal(m.t, batcher.Ledger{
		Accepted: accepted, Delivered: results[batcher.Delivered], Rejected: results[batcher.Rejected],
		Unknown: results[batcher.Unknown], Returned: results[batcher.Returned], PossibleDuplicates: report.PossibleDuplicates,
	}, report.Ledger)
}
