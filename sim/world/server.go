package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// A game server of the world: its life, its players, and the results that it compares at the end.

const game = "com.example.stackblaster"

// server is a game server: one process after the other, and the disk that outlives them.
type server struct {
	world *world
	index int
	cfg   batcher.Config
	disk  *disk // nil: what waits dies with the process

	changing sync.Mutex // held while one process makes room for the next
	mu       sync.Mutex // guards the following
	process  *process
	ended    []*process
}

// process is the life of one batcher.
type process struct {
	server *server
	number int
	b      *batcher.Batcher

	mu   sync.Mutex // guards the following
	dead bool       // killed: nothing that it does has an effect
	sums map[batcher.Result]int64
}

func newServer(w *world, index int) *server {
	s := &server{world: w, index: index}
	draw := w.draws("server" + string(rune('a'+index)))
	span := func(low, high time.Duration) time.Duration {
		return low + time.Duration(draw.Int64N(int64(high-low)+1))
	}
	s.cfg = batcher.Config{
		GameID:        game,
		Linger:        span(time.Millisecond, 8*time.Second),
		BatchEvents:   1 + draw.IntN(40),
		MaxInFlight:   1 + draw.IntN(8),
		SendTimeout:   span(time.Second, 30*time.Second),
		MaxRetryAfter: span(time.Second, time.Minute),
		IdleTimeout:   span(5*time.Second, 5*time.Minute),
		TokenRenewal:  span(time.Second, 30*time.Second),
	}
	if draw.IntN(3) == 0 {
		s.cfg.MaxEvents = 1 + draw.IntN(100)
	}
	if draw.IntN(4) == 0 {
		s.cfg.MaxAge = s.cfg.Linger + span(10*time.Second, 3*time.Minute)
	}
	if draw.IntN(2) == 0 {
		s.cfg.AtMostOnce = []batcher.EventType{batcher.IAPPurchase}
	}
	if draw.IntN(4) == 0 {
		s.cfg.EventIDKey = "eid"
	}
	if draw.IntN(2) == 0 {
		s.disk = newDisk(w)
	}
	return s
}

// now returns the process that is up.
func (s *server) now() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

// start begins a process.
func (s *server) start() {
	w := s.world
	s.mu.Lock()
	p := &process{server: s, number: len(s.ended) + 1, sums: map[batcher.Result]int64{}}
	s.mu.Unlock()
	client, err := playline.New(
		playline.WithPlaySmart(), playline.WithBaseURL(playline.PlaySmart, "http://127.0.0.1"+emulator.PlaySmartPath),
		playline.WithHTTPClient(&http.Client{Transport: &network{p}}),
	)
	if err != nil {
		panic(err)
	}
	cfg := s.cfg
	cfg.Tokens, cfg.OnOutcome = batcher.TokenFunc(p.token), p.outcome
	if s.disk != nil {
		cfg.Store = s.disk.mount(p)
	}
	if p.b, err = client.NewBatcher(cfg); err != nil {
		w.fail("server %d does not start: %v", s.index, err)
		return
	}
	s.mu.Lock()
	s.process = p
	s.mu.Unlock()
	w.say("server %d: process %d begins", s.index, p.number)
}

// kill ends the process as kill -9 does, and starts another one.
func (s *server) kill() {
	s.changing.Lock()
	defer s.changing.Unlock()
	p := s.now()
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	s.world.say("server %d: process %d is killed", s.index, p.number)
	s.world.mu.Lock()
	for _, e := range s.world.events {
		e.killed = e.killed || e.server == s.index && e.process == p.number && e.told == 0 && s.disk == nil
	}
	s.world.mu.Unlock()
	if s.disk != nil {
		s.disk.crash()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = p.b.Close(ctx) // only to end its goroutines: what it does has no effect any more
	s.next(p)
}

// restart closes the process, with little time or much, and starts another one.
func (s *server) restart() {
	s.changing.Lock()
	defer s.changing.Unlock()
	p := s.now()
	s.close(p, s.world.span(30*time.Second))
	s.next(p)
}

func (s *server) next(p *process) {
	s.mu.Lock()
	s.ended = append(s.ended, p)
	s.mu.Unlock()
	s.start()
}

// close closes a process within a time and settles its accounts.
func (s *server) close(p *process, within time.Duration) {
	w := s.world
	w.say("server %d: process %d closes within %s", s.index, p.number, within)
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	began := time.Now()
	report, err := p.b.Close(ctx)
	if took := time.Since(began); took > within+time.Second {
		w.fail("server %d: Close took %s and had %s", s.index, took, within)
	}
	w.say("server %d: process %d is closed: %s, %v", s.index, p.number, report.Ledger, err)
	for _, o := range report.LeftOver {
		p.outcome(o)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for r, n := range report.Results() {
		if r != batcher.Spooled && n != p.sums[r] {
			w.fail("server %d: the report of process %d has %d events %s, and outcomes %d", s.index, p.number, n, r, p.sums[r])
		}
	}
	if report.Pending != 0 && s.world.calm() {
		w.fail("server %d: process %d is closed with %d events pending", s.index, p.number, report.Pending)
	}
}

func (w *world) calm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.healed
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

var errTokens = errors.New("the token source is out of order")

// token is the TokenSource of a process: it fails and hangs with the weather.
func (p *process) token(ctx context.Context, user string) (batcher.Token, error) {
	w := p.server.world
	w.yield()
	w.mu.Lock()
	none, bad := w.pauses[user], !w.healed && w.weather.name != "calm"
	what, life := w.rng.IntN(20), 5*time.Second+time.Duration(w.rng.Int64N(int64(5*time.Minute)))
	w.mu.Unlock()
	switch {
	case p.isDead():
		return batcher.Token{}, errDead
	case none:
		return batcher.Token{}, batcher.ErrNoToken
	case bad && what == 0:
		return batcher.Token{}, errTokens
	case bad && what == 1:
		<-ctx.Done()
		return batcher.Token{}, ctx.Err()
	case bad && what == 2:
		time.Sleep(w.span(5 * time.Second))
	}
	return batcher.Token{Value: batcher.Secret(w.emu.Token(user, life))}, nil
}

// outcome is the OnOutcome of a process.
func (p *process) outcome(o batcher.Outcome) {
	w := p.server.world
	w.yield()
	if p.isDead() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace.step("server %d: %d events of %s are %s after %d attempts, %d in doubt", p.server.index, len(o.Records), o.UserID, o.Result, o.Attempts, o.InDoubt)
	for _, r := range o.Records {
		w.toldLocked(p, o, numberOf(r.JSON))
	}
	p.mu.Lock()
	p.sums[o.Result] += int64(len(o.Records))
	p.mu.Unlock()
}

// toldLocked holds one event's result against what this world knows of it.
func (w *world) toldLocked(p *process, o batcher.Outcome, number int) {
	if number < 1 || number > len(w.events) {
		w.failLocked("an outcome has event %d, which nobody tracked", number)
		return
	}
	e := w.events[number-1]
	cfg := p.server.cfg
	switch {
	case e.user != o.UserID || e.server != p.server.index:
		w.failLocked("event %d of %s at server %d is told as one of %s at server %d", number, e.user, e.server, o.UserID, p.server.index)
	case e.told == p.number:
		w.failLocked("event %d has two results: %s and %s", number, e.result, o.Result)
	case e.told != 0 && !p.server.mayForget(e.told):
		w.failLocked("event %d was %s in process %d, and is %s in process %d", number, e.result, e.told, o.Result, p.number)
	}
	switch o.Result {
	case batcher.Delivered:
		if w.stored[number] == 0 {
			w.failLocked("event %d is told as delivered, and the service does not have it", number)
		}
	case batcher.Expired:
		if cfg.MaxAge == 0 {
			w.failLocked("event %d expired without MaxAge", number)
		}
	case batcher.Unknown:
		if !e.once {
			w.failLocked("event %d is told as unknown and is not of a type in AtMostOnce", number)
		}
	case batcher.Returned:
		if p.server.disk != nil {
			w.failLocked("event %d is handed back although the disk has it", number)
		}
	default:
		w.failLocked("event %d is told as %s", number, o.Result)
	}
	e.told, e.result, e.flagged = p.number, o.Result, e.flagged || o.PossibleDuplicates
}

// mayForget reports whether a process that gave a result ended so that the disk need not know of
// it.
func (s *server) mayForget(process int) bool {
	if s.disk == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return process <= len(s.ended) && s.ended[process-1].isDead()
}
