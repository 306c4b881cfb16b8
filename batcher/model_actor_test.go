package batcher_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/playline/playline-go/batcher"
)

// modelActor is one goroutine of the application.
type modelActor struct {
	model   *model
	rand    *rand.Rand
	process int
}

// run does things at random.
func (a *modelActor) run() {
	m, r := a.model, a.rand
	for range 10 + r.IntN(120) {
		time.Sleep(modelPause(r) / 4)
		if m.isOver(a.process) {
			return
		}
		user := m.users[r.IntN(len(m.users))]
		ctx, cancel := m.t.Context(), func() {}
		if r.IntN(2) == 0 {
			ctx, cancel = context.WithTimeout(ctx, modelPause(r))
		}
		var err error
		switch n := r.IntN(100); {
		case n < 78:
			err = m.track(ctx, r, user, r.IntN(4) > 0)
		case n < 80:
			err = m.flush("Flush", "", func() error { return m.b.Flush(ctx) })
		case n < 84:
			err = m.flush("Player.Flush", user, func() error { return m.b.Player(user).Flush(ctx) })
		case n < 87:
			err = m.flush("End", user, func() error { return m.b.Player(user).End(ctx) })
		case n < 89:
			m.b.Signal(batcher.Signal(r.IntN(5)))
		case n < 92:
			m.b.Player(user).Signal(batcher.SessionEnd)
		case n < 95:
			a.setToken(user)
		case n < 96:
			m.notef("%s: resume", user)
			m.b.Resume(user)
		case n < 97:
			m.erase(ctx, user)
		case n < 98:
			m.readmit(user)
		default:
			m.checkAnytime()
		}
		cancel()
		if errors.Is(err, batcher.ErrClosed) {
			return
		}
	}
}

// setToken brings a token, mostly a good one.
func (a *modelActor) setToken(user string) {
	m, r := a.model, a.rand
	m.mu.Lock()
	owner, revoked := user, false
	if !m.healed {
		revoked = r.IntN(5) == 0
		if r.IntN(5) == 0 {
			owner = "another"
		}
	}
	token := m.tokens.issue(r, owner, modelTTL(r), revoked)
	m.note("%s: set token %s of %s, expires %s, revoked %v", user, token.Value, owner, token.Expires, revoked)
	m.mu.Unlock()
	m.b.SetToken(user, token)
}

// track tracks an event in one of the ways there are, and checks the answer.
func (m *model) track(ctx context.Context, r *rand.Rand, user string, wait bool) error {
	e := m.newEvent(r, user)
	m.mu.Lock()
	m.stamps++
	e.start = m.stamps
	process, closed := m.process, m.closed
	erased := *m.erasures[user]
	m.mu.Unlock()
	m.notef("%s: track %d (%s, bad %v, poison %v, wait %v)", user, e.number, e.event.Type, e.bad, e.poison, wait)
	err := m.call(ctx, r, e, wait)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note("%s: track %d: %v", user, e.number, err)
	if err == nil && e.withdrawn {
		m.failed("Track took event %d, and the store was told to forget it", e.number)
	}
	if m.process != process { // killed; what Track had taken must be found in the store
		if err == nil && !e.unstored && e.end == 0 {
			m.stamps++
			e.end = m.stamps
		}
		return batcher.ErrClosed
	}
	_, refused := errors.AsType[*batcher.InvalidEventError](err)
	switch {
	case err == nil:
		m.stamps++
		e.end, e.process = m.stamps, process
		if e.kept.IsZero() {
			e.kept = time.Now()
		}
		m.accepted++
		if e.bad {
			m.failed("Track took event %d, which cannot be sent", e.number)
		}
		if closed {
			m.failed("Track took event %d after Close had returned", e.number)
		}
		if erased.lasts() && *m.erasures[user] == erased {
			m.failed("Track took event %d of %s, which is erased", e.number, user)
		}
	case errors.Is(err, batcher.ErrErased):
		if m.erasures[user].begun == 0 || erased.admitted() && *m.erasures[user] == erased {
			m.failed("Track refused event %d: %s is not erased", e.number, user)
		}
	case refused:
		if !e.bad && !e.border {
			m.failed("Track refused event %d, which is good: %v", e.number, err)
		}
	case errors.Is(err, batcher.ErrFull) && !wait, errors.Is(err, batcher.ErrClosed):
	case errors.Is(err, errModelStore) && !m.cfg.MemoryOnStoreError:
	case ctx.Err() != nil && errors.Is(err, ctx.Err()) && wait:
	default:
		m.failed("Track of event %d (it may wait: %v) returned %v", e.number, wait, err)
	}
	return err
}

func (m *model) call(ctx context.Context, r *rand.Rand, e *modelEvent, wait bool) error {
	m.mu.Lock()
	b := m.b
	m.mu.Unlock()
	p := b.Player(e.user)
	switch {
	case e.attrs != nil && e.event.Type == batcher.Custom && wait:
		return p.TrackCustom(ctx, e.event.Name, e.attrs...)
	case e.attrs != nil && e.event.Type != batcher.Custom && wait:
		return p.TrackAttrs(ctx, e.event.Type, e.attrs...)
	case e.attrs != nil && e.event.Type != batcher.Custom:
		return p.TryTrackAttrs(e.event.Type, e.attrs...)
	case e.attrs != nil:
		e.event.Data = e.attrs
	}
	if r.IntN(2) == 0 {
		if wait {
			return b.Track(ctx, e.user, e.event)
		}
		return b.TryTrack(e.user, e.event)
	}
	if wait {
		return p.Track(ctx, e.event)
	}
	return p.TryTrack(e.event)
}

// flush checks that what was kept before a flush has its result when that returns nil. user "" is all.
func (m *model) flush(what, user string, call func() error) error {
	m.mu.Lock()
	var before []*modelEvent
	for _, e := range m.events {
		if e.end > 0 && e.told == 0 && !e.lost && (user == "" || user == e.user) {
			before = append(before, e)
		}
	}
	m.note("%s %s of %d events", what, user, len(before))
	process := m.process
	m.mu.Unlock()
	err := call()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note("%s %s: %v", what, user, err)
	if m.process != process {
		return batcher.ErrClosed
	}
	for _, e := range before {
		if err == nil && e.told == 0 {
			m.failed("%s returned nil, and event %d, which was kept before, has no result", what, e.number)
		}
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, batcher.ErrClosed) {
		m.failed("%s: %v", what, err)
	}
	return err
}

// outcome is Config.OnOutcome.
func (m *model) outcome(out batcher.Outcome) {
	m.mu.Lock()
	m.enterCallback(out)
	if out.Result == batcher.Returned {
		m.failed("a callback with the result returned")
	}
	m.callbacks[out.UserID]++
	r := m.rand("callback/"+out.UserID, m.callbacks[out.UserID])
	process := m.process
	m.mu.Unlock()
	m.told(out, false)
	if r.IntN(4) == 0 {
		time.Sleep(time.Duration(r.Int64N(int64(50 * time.Millisecond))))
	}
	if r.IntN(10) == 0 && m.mayTrackMore() {
		// An application may track from its callback, for this or another player, as long as it does not wait.
		_ = m.track(m.t.Context(), r, m.users[r.IntN(len(m.users))], false)
		m.trackers.Done()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process != process {
		return
	}
	m.settled[out.Result] += int64(len(out.Records))
	m.leaveCallback(out)
}

// mayTrackMore counts a callback that is about to track. Once all is well none may: heal waits for those that are counted.
func (m *model) mayTrackMore() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.healed {
		return false
	}
	m.trackers.Add(1)
	return true
}
