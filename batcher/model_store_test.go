package batcher_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/playline/playline-go/batcher"
)

// A third of the seeds have a Store. There the batcher is abandoned some times, with all that it had in memory, as if its process had been
// killed, or it is closed; and another one goes on with what the Store holds. In the end a last one delivers what is left.

// modelStore is what outlives a process. It is guarded by model.mu.
type modelStore struct {
	kept  map[uint64]*modelStored
	next  uint64
	calls int
}

// modelStored is an event in the store.
type modelStored struct {
	batcher.StoredEvent
	event   *modelEvent
	mayStay bool // the store could not forget it, and said so
}

var (
	errModelStore  = errors.New("model: the disk failed")
	errModelKilled = errors.New("model: this process is dead")
)

// modelDisk is how long the store takes for an event at most.
const modelDisk = 6 * time.Second

// modelProcess is the life of one batcher. Once it is dead nothing that it does has an effect.
type modelProcess struct {
	*model
	number int
	ready  chan struct{} // closed when the model knows the batcher
}

// dead reports whether the process was killed. mu is held.
func (p *modelProcess) dead() bool { return p.number != p.process }

func (m *model) isOver(process int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process != process
}

// start begins a process, with some goroutines that use it. The channel is closed when they have ended.
func (m *model) start(actors int) <-chan struct{} {
	m.mu.Lock()
	m.process++
	p := &modelProcess{m, m.process, make(chan struct{})}
	m.closed, m.settled, m.accepted, m.storing, m.report = false, modelSums{}, 0, 0, batcher.Report{}
	m.busy, m.backlog = map[string]string{}, map[string]modelBacklog{}
	m.erasing, m.erasures = map[string]bool{}, map[string]*modelErasure{} // an erasing is not kept in the store
	for _, user := range m.users {
		m.erasures[user] = &modelErasure{}
	}
	m.note("process %d", m.process)
	m.mu.Unlock()
	cfg := m.cfg
	cfg.Tokens, cfg.OnOutcome = p, p.outcome
	if m.store != nil {
		cfg.Store = p
	}
	b, err := batcher.New(p, cfg)
	if err != nil {
		m.t.Fatalf("seed %d: %v", m.seed, err)
	}
	m.mu.Lock()
	m.b = b
	m.mu.Unlock()
	close(p.ready)
	done := make(chan struct{})
	var wait sync.WaitGroup
	for i := range actors {
		a := &modelActor{m, m.rand("actor", i+1000*(p.number-1)), p.number}
		wait.Go(a.run)
	}
	go func() {
		wait.Wait()
		close(done)
	}()
	return done
}

// kill ends the process at a moment in which every goroutine waits for something: an answer, a token, the disk, a callback.
func (m *model) kill(actors <-chan struct{}) {
	synctest.Wait()
	m.mu.Lock()
	m.process++
	m.note("killed")
	m.busy, m.erasing, m.expiring = map[string]string{}, map[string]bool{}, 0
	for _, e := range m.events {
		e.lost = e.lost || e.unstored && e.told == 0
	}
	m.mu.Unlock()
	// Only so that the bubble can end: the dead process reaches nobody. What it had sent may arrive now.
	ctx, cancel := context.WithCancel(m.t.Context())
	cancel()
	_, _ = m.b.Close(ctx)
	<-actors
	synctest.Wait()
}

// Send implements batcher.Sender.
func (p *modelProcess) Send(ctx context.Context, batch batcher.Batch) (batcher.Receipt, error) {
	if p.isOver(p.number) {
		return batcher.Receipt{}, &batcher.SendError{Failure: batcher.NotSent, Err: errModelKilled}
	}
	return p.service.Send(ctx, batch)
}

// Token implements batcher.TokenSource.
func (p *modelProcess) Token(ctx context.Context, user string) (batcher.Token, error) {
	if p.isOver(p.number) {
		return batcher.Token{}, errModelKilled
	}
	return p.tokens.Token(ctx, user)
}

// outcome is Config.OnOutcome.
func (p *modelProcess) outcome(out batcher.Outcome) {
	<-p.ready // it can come before New has returned
	if !p.isOver(p.number) {
		p.model.outcome(out)
	}
}

// wait lets time pass during a call of the store, and returns with mu held. Only an event that is tracked by an actor can take long.
func (p *modelProcess) wait(r *rand.Rand, long bool) {
	pause := time.Duration(0)
	switch {
	case long && r.IntN(30) == 0:
		pause = time.Duration(r.Int64N(int64(modelDisk / 2)))
	case r.IntN(3) == 0:
		pause = time.Duration(r.Int64N(int64(20 * time.Millisecond)))
	}
	p.mu.Unlock()
	time.Sleep(pause)
	p.mu.Lock()
}

// draw returns the randomness of a call of the store, and whether it fails. mu is held.
func (p *modelProcess) draw(failing int) (r *rand.Rand, fails bool) {
	p.store.calls++
	r = p.rand("store", p.store.calls)
	return r, !p.healed && r.IntN(100) < failing
}

// Append implements batcher.Store.
func (p *modelProcess) Append(ctx context.Context, s batcher.StoredEvent) (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, fails := p.draw(5)
	e := p.seen(s.UserID, s.JSON)
	if e == nil {
		return 0, errModelStore // said already
	}
	if age := time.Since(s.Accepted); s.Once != e.once || s.InDoubt || age < 0 || age > time.Millisecond {
		p.failed("event %d is given to the store as %+v, %s after Track took it", e.number, s, age)
	}
	e.kept, e.unstored = s.Accepted, fails && p.cfg.MemoryOnStoreError
	if p.dead() {
		e.unstored = true
		return 0, errModelKilled
	}
	long := ctx.Done() != nil // not from a callback, which Close waits for
	p.storing++
	p.wait(r, long)
	var id uint64
	if !p.dead() && !fails {
		p.store.next++
		id = p.store.next
		s.ID, s.JSON = id, slices.Clone(s.JSON)
		p.store.kept[id] = &modelStored{StoredEvent: s, event: e}
		p.wait(r, long)
	}
	if p.dead() {
		e.unstored = id == 0
		return 0, errModelKilled
	}
	p.storing--
	if fails {
		return 0, errModelStore
	}
	p.note("%s: event %d is stored as %d", s.UserID, e.number, id)
	return id, nil
}

// Sending implements batcher.Store.
func (p *modelProcess) Sending(_ context.Context, ids []uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead() {
		return errModelKilled
	}
	r, fails := p.draw(5)
	forgets := fails && r.IntN(2) == 0
	user := ""
	for _, id := range ids {
		s := p.store.kept[id]
		if s == nil || s.event.told > 0 || user != "" && s.UserID != user {
			p.failed("the store is told that event %d is about to be sent: %+v", id, s)
			return errModelStore
		}
		user = s.UserID
	}
	p.enter(user, "a note")
	p.wait(r, false)
	if !p.dead() && !forgets {
		for _, id := range ids {
			p.store.kept[id].InDoubt = true
		}
		p.wait(r, false)
	}
	if p.dead() {
		return errModelKilled
	}
	p.leave(user)
	if fails {
		return errModelStore
	}
	return nil
}

// Settled implements batcher.Store.
func (p *modelProcess) Settled(_ context.Context, ids []uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead() {
		return errModelKilled
	}
	r, fails := p.draw(5)
	forgets := !fails || r.IntN(2) == 0
	for _, id := range ids {
		s := p.store.kept[id]
		if s == nil {
			p.failed("the store is to forget event %d, which it does not have", id)
			continue
		}
		if s.event.told == 0 {
			s.event.withdrawn = true // right only where Track returns ErrClosed
		}
		if s.mayStay = true; forgets {
			delete(p.store.kept, id)
		}
	}
	if fails {
		return errModelStore
	}
	return nil
}

// Recover implements batcher.Store.
func (p *modelProcess) Recover(context.Context) iter.Seq2[batcher.StoredEvent, error] {
	return func(yield func(batcher.StoredEvent, error) bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, id := range slices.Sorted(maps.Keys(p.store.kept)) {
			s := p.store.kept[id]
			p.revive(s)
			if !yield(s.StoredEvent, nil) {
				p.failed("New does not read the store to its end")
				return
			}
		}
	}
}

// revive makes an event one of this process. mu is held.
func (p *modelProcess) revive(s *modelStored) {
	e := s.event
	if e.stored > 0 && !s.InDoubt {
		p.failed("event %d was stored by the service, and the store does not know that it was sent", e.number)
	}
	if e.told > 0 && !s.mayStay && !p.killed {
		p.failed("event %d had the result %s, and the store still has it", e.number, e.result)
	}
	e.attempts, e.doubts = 0, 0
	if s.InDoubt {
		e.attempts, e.doubts = 1, 1
	}
	if e.end == 0 { // killed before Track returned, or Close was faster and the store could not forget it
		p.stamps++
		e.end = p.stamps
	}
	e.before, e.told, e.unstored, e.kept, e.process = e.stored, 0, false, s.Accepted, p.number
	s.mayStay = false
	p.accepted++
	b := p.backlog[e.user]
	b.events, b.bytes = b.events+1, b.bytes+len(s.JSON)
	p.backlog[e.user] = b
	p.note("%s: event %d is back, in doubt %v", e.user, e.number, s.InDoubt)
}

// modelBacklog is what a process found in the store of a player. It may be above the bounds.
type modelBacklog struct{ events, bytes int }

// found returns the backlog of a player, and of all with user "". mu is held.
func (m *model) found(user string) (sum modelBacklog) {
	for of, b := range m.backlog {
		if user == "" || user == of {
			sum.events, sum.bytes = sum.events+b.events, sum.bytes+b.bytes
		}
	}
	return sum
}

// checkStore checks in an instant in which every goroutine waits that the store has what has no result, and not more. mu is held.
func (m *model) checkStore() {
	if m.store == nil {
		return
	}
	has := map[*modelEvent]bool{}
	for id, s := range m.store.kept {
		has[s.event] = true
		if s.event.told > 0 && !s.mayStay && m.busy[s.UserID] == "" && !m.erasing[s.UserID] {
			m.failed("event %d has the result %s, and the store was not told to forget it (%d)", s.event.number, s.event.result, id)
		}
	}
	for _, e := range m.events {
		if e.end > 0 && e.told == 0 && !has[e] && !e.unstored {
			m.failed("event %d waits, and the store does not have it", e.number)
		}
	}
}

// spooled reports whether Close left an event to the store. mu is held.
func (m *model) spooled(e *modelEvent) bool {
	if m.store == nil || e.told > 0 {
		return false
	}
	for _, s := range m.store.kept {
		if s.event == e {
			return true
		}
	}
	return false
}
