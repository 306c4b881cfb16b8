package batcher_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/playline/playline-go/batcher"
)

// TestModel uses batchers at random and compares them with a reference model: what the service stored, and what the application was
// told. A seed decides the configuration, what is done, how the service answers and when the batcher is closed.
//
//	PLAYLINE_MODEL_SEEDS=10000 go test -run 'TestModel$' ./batcher    so many seeds (200)
//	PLAYLINE_MODEL_FIRST=7     the first of them (1)
//
// The interleaving of goroutines and the batcher's own jitter are not part of the seed, so a rare failure may need several runs.
// With one seed, what happened is logged.
func TestModel(t *testing.T) {
	t.Parallel()
	first, seeds := modelNumber(t, "PLAYLINE_MODEL_FIRST", 1), modelNumber(t, "PLAYLINE_MODEL_SEEDS", 200)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			t.Parallel()
			replay := fmt.Sprintf("replay: PLAYLINE_MODEL_FIRST=%d PLAYLINE_MODEL_SEEDS=1 go test -race -count=20 -run 'TestModel$' ./batcher", seed)
			// A bubble whose goroutines are stuck for good panics, and one that spins never ends: both must name the seed.
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
			synctest.Test(t, func(t *testing.T) { runModel(t, uint64(seed), seeds == 1) })
		})
	}
}

func modelNumber(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s must be a positive number, is %q", name, text)
	}
	return n
}

// model is the world of one seed.
type model struct {
	t       *testing.T
	seed    uint64
	began   time.Time
	cfg     batcher.Config
	b       *batcher.Batcher
	service *modelService
	tokens  *modelTokens
	store   *modelStore // nil where the seed has none
	users   []string
	traced  bool

	trackers sync.WaitGroup // callbacks that track; Add is called with mu held and not after heal

	mu        sync.Mutex // guards the following
	events    []*modelEvent
	stamps    int64                    // orders the beginnings and ends of Track
	busy      map[string]string        // users whose token source, service or callback is at work: one at a time
	callbacks map[string]int           // by user, so far
	settled   modelSums                // events by result, whose callback has returned
	erasures  map[string]*modelErasure // by user
	erasing   map[string]bool          // users with a callback of an Erase
	expiring  int                      // callbacks of expired events under way
	accepted  int64                    // events for which Track returned nil
	healed    bool                     // from now on service and token source are well
	closed    bool                     // Close has returned
	report    batcher.Report
	process   int  // how many there were, and kills
	killed    bool // the process before this one was
	storing   int  // calls of Append under way
	backlog   map[string]modelBacklog
	failures  int
	trace     []string
}

// rand returns a source of its own for each purpose, so that the draws of one goroutine do not depend on the pace of another.
func (m *model) rand(purpose string, n int) *rand.Rand {
	h := uint64(14695981039346656037)
	for i := range len(purpose) {
		h = (h ^ uint64(purpose[i])) * 1099511628211
	}
	return rand.New(rand.NewPCG(m.seed, h+uint64(n)*0x9e3779b97f4a7c15))
}

// errorf reports a broken promise. mu is not held.
func (m *model) errorf(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed(format, args...)
}

// failed is errorf where mu is held.
func (m *model) failed(format string, args ...any) {
	m.failures++
	if m.failures <= 5 {
		m.t.Errorf("seed %d, at %s: %s", m.seed, time.Since(m.began), fmt.Sprintf(format, args...))
	}
	m.note("BROKEN: "+format, args...)
}

// note keeps a line about what happened. mu is held.
func (m *model) note(format string, args ...any) {
	if m.traced {
		m.trace = append(m.trace, fmt.Sprintf("%12s  ", time.Since(m.began))+fmt.Sprintf(format, args...))
	}
}

func (m *model) notef(format string, args ...any) {
	if m.traced {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.note(format, args...)
	}
}

func runModel(t *testing.T, seed uint64, traced bool) {
	t.Helper()
	m := &model{
		t: t, seed: seed, began: time.Now(), traced: traced, callbacks: map[string]int{},
	}
	r := m.rand("main", 0)
	for i := range 1 + r.IntN(6) {
		m.users = append(m.users, fmt.Sprintf("device-%d", i))
	}
	m.service = newModelService(m)
	m.tokens = &modelTokens{model: m, known: map[string]modelToken{}, asked: map[string]int{}}
	m.cfg = modelConfig(m)
	restarts := m.rand("store", 0)
	if restarts.IntN(3) == 0 {
		m.store = &modelStore{kept: map[uint64]*modelStored{}}
		m.cfg.MemoryOnStoreError = restarts.IntN(3) == 0
	}
	m.notef("config %+v", m.cfg)
	actors := m.start(1 + r.IntN(4))
	m.watch(r)
	for m.store != nil && restarts.IntN(3) > 0 {
		if m.killed = restarts.IntN(4) > 0; m.killed {
			m.kill(actors)
		} else {
			m.close(modelPause(restarts), false)
			<-actors
			m.checkEnd()
		}
		actors = m.start(1 + restarts.IntN(4))
		m.watch(restarts)
	}
	switch r.IntN(3) {
	case 0:
		m.healAndFlush(actors)
		m.close(0, true)
	case 1:
		m.heal()
		m.close(0, true)
	default:
		m.close(modelPause(r), false)
	}
	<-actors
	m.checkEnd()
	if m.store != nil {
		m.killed = false
		m.heal() // before the store is asked to forget what is told at once
		m.healAndFlush(m.start(0))
		m.close(0, true)
		m.checkEnd()
		if n := len(m.store.kept); n > 0 {
			m.errorf("everything has its result, and the store has %d events", n)
		}
	}
	if m.failures > 0 && traced {
		t.Log("what happened:\n" + strings.Join(m.trace, "\n"))
	}
}

// watch looks at the batcher for some time.
func (m *model) watch(r *rand.Rand) {
	for range 1 + r.IntN(12) {
		time.Sleep(modelPause(r))
		synctest.Wait()
		m.checkQuiet()
	}
}

// heal makes service, token source and store well from now on. When it returns no callback tracks any more.
func (m *model) heal() {
	m.mu.Lock()
	m.healed = true
	m.note("healed")
	m.mu.Unlock()
	m.trackers.Wait()
}

// healAndFlush lets the actors end while all is well again, and sees everything delivered and the players forgotten.
func (m *model) healAndFlush(actors <-chan struct{}) {
	m.heal()
	patience := time.Now().Add(4 * time.Hour)
	resume := func() {
		for _, p := range m.b.Parked() {
			m.b.Resume(p.UserID)
		}
	}
	for running := true; running; {
		select {
		case <-actors:
			running = false
		case <-time.After(5 * time.Second):
			resume()
			if time.Now().After(patience) {
				m.errorf("the service has been well for hours, and Track or Flush does not return: %s", m.picture())
				return
			}
		}
	}
	for {
		resume()
		ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
		err := m.b.Flush(ctx)
		cancel()
		if err == nil {
			break
		}
		if time.Now().After(patience) {
			m.errorf("the service has been well for hours, and Flush does not return: %s", m.picture())
			return
		}
	}
	synctest.Wait()
	m.checkQuiet()
	if l := m.b.Ledger(); l.Pending != 0 {
		m.errorf("events are pending after Flush while nobody tracks: %s", l)
	}
	m.readmitAll()
	// A lane's alarm may have been set for an older idling; it comes again once.
	time.Sleep(2*m.cfg.IdleTimeout + 2*time.Second)
	synctest.Wait()
	if s := m.b.Stats(); s.Players != 0 {
		m.errorf("%d idle players are remembered after IdleTimeout", s.Players)
	}
}

// close closes the batcher within limit; where everything is well it has all the time it needs.
func (m *model) close(limit time.Duration, well bool) {
	if well {
		limit = 2 * time.Hour
	}
	ctx, cancel := context.WithTimeout(m.t.Context(), limit)
	defer cancel()
	m.notef("close within %s", limit)
	var again batcher.Report
	var wait sync.WaitGroup
	wait.Go(func() { // a second call returns the same report
		time.Sleep(time.Nanosecond)
		again, _ = m.b.Close(m.t.Context())
	})
	begin := time.Now()
	report, err := m.b.Close(ctx)
	took := time.Since(begin)
	m.mu.Lock()
	m.closed = true
	for user, what := range m.busy {
		m.failed("Close has returned, and %s of %s is under way", what, user)
	}
	for user := range m.erasing {
		m.failed("Close has returned, and a callback of an Erase of %s is under way", user)
	}
	m.mu.Unlock()
	m.notef("closed: %s, %d left over, %v", report.Ledger, len(report.LeftOver), err)
	if took > limit+100*time.Millisecond {
		m.errorf("Close returned %s after its deadline", took-limit)
	}
	wait.Wait()
	if again.Ledger != report.Ledger || len(again.LeftOver) != len(report.LeftOver) {
		m.errorf("a second Close returned another report: %s, then %s", report.Ledger, again.Ledger)
	}
	if (err == nil) != (len(report.LeftOver) == 0) {
		m.errorf("Close left %d batches over, and its error is %v", len(report.LeftOver), err)
	}
	for _, out := range report.LeftOver {
		if well && !modelNeedsToken(out.Err) {
			m.errorf("Close with all the time it needs handed %d events of %s back: %v", len(out.Records), out.UserID, out.Err)
		}
		m.told(out, true)
	}
	if report.Pending != 0 {
		m.errorf("events are pending after Close: %s", report.Ledger)
	}
	m.mu.Lock()
	m.report = report
	m.mu.Unlock()
	if err := m.b.TryTrack(m.users[0], batcher.Event{Type: batcher.AppOpen}); !errors.Is(err, batcher.ErrClosed) {
		m.errorf("Track after Close: %v", err)
	}
}

// modelNeedsToken reports whether events wait for a token, which only the application can bring.
func modelNeedsToken(err error) bool {
	if e, ok := errors.AsType[*batcher.SendError](err); ok {
		return e.Failure == batcher.Forbidden || e.Failure == batcher.Unauthorized
	}
	return errors.Is(err, batcher.ErrNoToken)
}

// modelPause is a while: often none, seldom long.
func modelPause(r *rand.Rand) time.Duration {
	switch n := r.IntN(20); {
	case n < 8:
		return 0
	case n < 14:
		return time.Duration(r.Int64N(int64(50 * time.Millisecond)))
	case n < 19:
		return time.Duration(r.Int64N(int64(2 * time.Second)))
	}
	return time.Duration(r.Int64N(int64(30 * time.Second)))
}
