package batcher_test

import (
	"context"
	"errors"

	"github.com/playline/playline-go/batcher"
)

// modelSums counts events by result.
type modelSums [7]int64

// modelErasure is what the model knows of the erasing of one player. Whether the player is erased is known after a call of Erase or
// Readmit during which there was no other.
type modelErasure struct {
	begun    int // calls of Erase
	changes  int // beginnings and ends of calls
	underWay int
	unsure   bool
	erased   bool
}

func (e modelErasure) lasts() bool    { return e.underWay == 0 && !e.unsure && e.erased }
func (e modelErasure) admitted() bool { return e.underWay == 0 && !e.unsure && !e.erased }

// change runs a call that changes whether a player is erased; to says what it is then, and whether that is known. mu is not held.
func (m *model) change(user string, call func() (to, known bool)) {
	m.mu.Lock()
	e := m.erasures[user]
	e.changes++
	e.underWay++
	at := e.changes
	m.mu.Unlock()
	to, known := call()
	m.mu.Lock()
	defer m.mu.Unlock()
	e.underWay--
	e.erased, e.unsure = to, !known || e.changes != at
	e.changes++
}

// erase checks that everything that was kept before has its result when Erase returns nil.
func (m *model) erase(ctx context.Context, user string) {
	var before []*modelEvent
	m.mu.Lock()
	b, process := m.b, m.process
	m.erasures[user].begun++
	for _, e := range m.events {
		if e.end > 0 && e.told == 0 && !e.lost && e.user == user {
			before = append(before, e)
		}
	}
	m.note("%s: erase of %d events", user, len(before))
	m.mu.Unlock()
	m.change(user, func() (bool, bool) {
		sum, err := b.Erase(ctx, user)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.note("%s: erase: %+v, %v", user, sum, err)
		if m.process != process {
			return true, false
		}
		for _, e := range before {
			if err == nil && e.told == 0 {
				m.failed("Erase returned nil, and event %d, which was kept before, has no result", e.number)
			}
		}
		if sum.InDoubt > sum.Events || sum.Events < 0 {
			m.failed("Erase returned %+v", sum)
		}
		if err != nil && m.store == nil && !errors.Is(err, batcher.ErrClosed) && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
			m.failed("Erase: %v", err)
		}
		return true, err == nil
	})
}

// readmit takes events of a player again.
func (m *model) readmit(user string) (taken bool) {
	m.change(user, func() (bool, bool) {
		taken = m.b.Readmit(user)
		m.notef("%s: readmit: %v", user, taken)
		return false, taken
	})
	return taken
}

// readmitAll ends all erasing. Nothing is under way.
func (m *model) readmitAll() {
	for _, user := range m.users {
		if !m.readmit(user) {
			m.errorf("%s is being erased while nothing is under way", user)
		}
	}
}

// enterCallback says that a callback begins. One of Erase is beside those of the requests, which MaxInFlight bounds. mu is held.
func (m *model) enterCallback(out batcher.Outcome) {
	if !m.beside(out) {
		m.enter(out.UserID, "a callback")
		return
	}
	if is := m.busy[out.UserID]; is != "" || m.erasing[out.UserID] {
		m.failed("a callback of what is erased or expired of %s begins while another, or %q, is under way", out.UserID, is)
	}
	m.erasing[out.UserID] = true
	if out.Result == batcher.Expired {
		m.expiring++
	}
}

// leaveCallback says that a callback ends. mu is held.
func (m *model) leaveCallback(out batcher.Outcome) {
	if !m.beside(out) {
		m.leave(out.UserID)
		return
	}
	delete(m.erasing, out.UserID)
	if out.Result == batcher.Expired {
		m.expiring--
	}
}

// beside reports whether a callback may run beside the goroutines that send.
func (m *model) beside(out batcher.Outcome) bool {
	return out.Result == batcher.Erased || out.Result == batcher.Expired
}
