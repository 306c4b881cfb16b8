package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// plan is what a world is made from. A reduced plan has upper limits on what the seed draws.
type plan struct {
	seed     uint64
	players  int
	actions  int
	troubles int
}

// world is everything that one seed plays.
type world struct {
	plan    plan
	trace   *trace
	emu     *emulator.Emulator
	began   time.Time
	rest    int // goroutines before anything began
	users   []string
	servers []*server

	mu       sync.Mutex // guards the following; nothing that takes time runs under it
	rng      *rand.Rand
	weather  weather
	healed   bool
	events   []*event
	stored   map[int]int      // how often the service has each event, by its number
	order    map[string][]int // the numbers of events by stream, as the service got each for the first time
	pauses   map[string]bool  // users whose token source has no token at the moment
	underway sync.WaitGroup   // requests that are on the network
	broken   []string
}

// event is one thing that a player did in this world.
type event struct {
	number   int
	user     string
	server   int
	process  int
	begun    int  // the step at which Track was called
	ended    int  // the step at which it had returned
	once     bool // of a type in Config.AtMostOnce
	accepted bool // Track returned nil
	killed   bool // its process was killed while only the memory had it
	result   batcher.Result
	told     int // the process that gave it a result, 0 if none did
	flagged  bool
}

func newWorld(p plan, out io.Writer, all bool) *world {
	w := &world{
		plan: p, trace: newTrace(out, all), began: time.Now(), rest: runtime.NumGoroutine(),
		rng:    rand.New(rand.NewPCG(p.seed, 1)),
		stored: map[int]int{}, order: map[string][]int{}, pauses: map[string]bool{},
	}
	w.emu = emulator.New(emulator.WithRecordLimit(0))
	draw := w.draws("world")
	for i := range 1 + draw.IntN(12) {
		w.users = append(w.users, fmt.Sprintf("device-%d", i))
	}
	if n := p.players; n > 0 {
		w.users = w.users[:min(n, len(w.users))]
	}
	for i := range 1 + draw.IntN(2) {
		w.servers = append(w.servers, newServer(w, i))
	}
	return w
}

// draws returns random numbers for one purpose, which what happens elsewhere does not change.
func (w *world) draws(purpose string) *rand.Rand {
	h := w.plan.seed
	for _, c := range []byte(purpose) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(w.plan.seed, h))
}

func (w *world) since() time.Duration { return time.Since(w.began) }

// say adds a step to the trace.
func (w *world) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace.step(format, args...)
}

// fail notes a broken promise.
func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failLocked(format, args...)
}

func (w *world) failLocked(format string, args ...any) {
	w.trace.step("BROKEN "+format, args...)
	if len(w.broken) < 10 {
		w.broken = append(w.broken, fmt.Sprintf(format, args...))
	}
}

// chance is true once in n times.
func (w *world) chance(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(n) == 0
}

// number returns a number below n.
func (w *world) number(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(n)
}

// span returns a duration up to d.
func (w *world) span(d time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Duration(w.rng.Int64N(int64(d) + 1))
}

// yield lets other goroutines run at a point where only the scheduler decides, for more orders than
// one thread without preemption gives.
func (w *world) yield() {
	for range w.number(3) {
		runtime.Gosched()
	}
}

// run plays the world from its first step to its last check.
func (w *world) run() {
	for _, s := range w.servers {
		s.start()
	}
	var actors sync.WaitGroup
	draw := w.draws("actors")
	for i := range 1 + draw.IntN(4) {
		actions := 20 + draw.IntN(80)
		if w.plan.actions > 0 {
			actions = min(actions, w.plan.actions)
		}
		actors.Go(func() { w.act(i, actions) })
	}
	troubles := make(chan struct{})
	go func() {
		defer close(troubles)
		w.makeTrouble()
	}()
	actors.Wait()
	<-troubles
	w.heal()
	w.settle()
	w.check()
}
