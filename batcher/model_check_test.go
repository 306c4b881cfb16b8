package batcher_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/playline/playline-go/batcher"
)

// told checks the result of some events, from a callback or from the report.
func (m *model) told(out batcher.Outcome, report bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note("%s: %s, %d events, %d attempts: %v", out.UserID, out.Result, len(out.Records), out.Attempts, out.Err)
	if (out.Result == batcher.Returned) != report {
		m.failed("result %s, from the report %v", out.Result, report)
	}
	if (out.Err == nil) != (out.Result == batcher.Delivered) && out.Result != batcher.Returned {
		m.failed("result %s with the error %v", out.Result, out.Err)
	}
	if len(out.Records) == 0 {
		m.failed("result %s of no events", out.Result)
	}
	for _, record := range out.Records {
		e := m.seen(out.UserID, record.JSON)
		if e == nil {
			continue
		}
		if e.told++; e.told > 1 {
			m.failed("event %d has the result %s, and had %s", e.number, out.Result, e.result)
		}
		e.result = out.Result
		e.dropped = e.dropped || out.Result == batcher.Erased || out.Result == batcher.Expired
		m.checkResult(e, out, record)
	}
}

// checkResult checks that a result is one that the event may have. mu is held.
func (m *model) checkResult(e *modelEvent, out batcher.Outcome, record batcher.Record) {
	if out.Attempts != e.attempts || out.InDoubt != e.doubts || out.PossibleDuplicates != (e.doubts > 0) {
		m.failed("event %d is told with %d attempts, %d in doubt, possible duplicates %v: it had %d, %d of them in doubt",
			e.number, out.Attempts, out.InDoubt, out.PossibleDuplicates, e.attempts, e.doubts)
	}
	late := time.Millisecond
	if m.store != nil {
		late += modelDisk // an event that took long to be stored stands behind younger ones, and looks no older than they
	}
	if seems := record.Accepted.Sub(e.kept); !e.kept.IsZero() && (seems < -time.Millisecond || seems > late) {
		m.failed("event %d was accepted at %s, its record says %s", e.number, e.kept.Sub(m.began), record.Accepted.Sub(m.began))
	}
	if again, err := record.Event(); err != nil || again.Type != e.event.Type || again.Name != e.event.Name {
		m.failed("event %d decodes to %+v, %v", e.number, again, err)
	}
	switch out.Result {
	case batcher.Delivered:
		if most := e.before + 1 + e.doubts; e.stored < 1 || e.stored > most || e.stored > 1 && e.doubts == 0 {
			m.failed("event %d is delivered, was in doubt %d times, and is stored %d times", e.number, e.doubts, e.stored)
		}
		if e.once && e.stored != 1 {
			m.failed("event %d of an AtMostOnce type is stored %d times", e.number, e.stored)
		}
	case batcher.Rejected:
		if !e.poison && !e.tooLarge || e.stored > 0 {
			m.failed("event %d is rejected: poison %v, too large %v, stored %d times", e.number, e.poison, e.tooLarge, e.stored)
		}
	case batcher.Expired:
		if m.cfg.MaxParkedBytes > 0 && strings.Contains(out.Err.Error(), "wait for players without a token") {
			break
		}
		// Ages are kept in milliseconds.
		if age := time.Since(e.kept); m.cfg.MaxAge == 0 || !e.kept.IsZero() && age < m.cfg.MaxAge-time.Millisecond {
			m.failed("event %d expired at an age of %s, MaxAge is %s", e.number, age, m.cfg.MaxAge)
		}
	case batcher.Unknown:
		if !e.once || e.doubts != 1 || e.stored > 1 {
			m.failed("event %d is unknown: of an AtMostOnce type %v, in doubt %d times, stored %d times", e.number, e.once, e.doubts, e.stored)
		}
	case batcher.Returned, batcher.Erased:
		if e.stored > e.before+e.doubts {
			m.failed("event %d is %s, was in doubt %d times, and is stored %d times", e.number, out.Result, e.doubts, e.stored)
		}
	}
	if out.Result == batcher.Erased && m.erasures[e.user].begun == 0 {
		m.failed("event %d of %s is erased, and nobody called Erase", e.number, e.user)
	}
}

// checkAnytime checks what must hold while others are at work.
func (m *model) checkAnytime() {
	m.mu.Lock()
	before := m.settled
	m.mu.Unlock()
	s := m.b.Stats()
	m.checkBounds(s)
	for result, n := range modelResults(s.Ledger) {
		if n < before[result] {
			m.errorf("%d events are %s, the ledger says %s", before[result], batcher.Result(result), s.Ledger)
		}
	}
}

func (m *model) checkBounds(s batcher.Stats) {
	l := s.Ledger
	if l.Accepted != l.Delivered+l.Rejected+l.Expired+l.Unknown+l.Returned+l.Spooled+l.Erased+l.Pending || l.Pending < 0 {
		m.errorf("the ledger does not balance: %s", l)
	}
	m.mu.Lock()
	found := m.found("")
	m.mu.Unlock()
	if m.cfg.MaxEvents > 0 && l.Pending > int64(max(m.cfg.MaxEvents, found.events)) {
		m.errorf("%d events wait, MaxEvents is %d", l.Pending, m.cfg.MaxEvents)
	}
	if s.InFlight > m.cfg.MaxInFlight {
		m.errorf("%d are in flight, MaxInFlight is %d", s.InFlight, m.cfg.MaxInFlight)
	}
}

func modelResults(l batcher.Ledger) modelSums {
	return modelSums{l.Delivered, l.Rejected, l.Expired, l.Unknown, l.Returned, 0, l.Erased} // what is spooled has no callback
}

// checkQuiet checks the batcher against the model in an instant in which every goroutine waits.
func (m *model) checkQuiet() {
	s := m.b.Stats()
	m.checkBounds(s)
	events, size := 0, 0
	for _, user := range m.users {
		p := m.b.Player(user).Stats()
		events += p.Pending
		size += p.PendingBytes
		m.mu.Lock()
		found := m.found(user)
		m.mu.Unlock()
		if m.cfg.MaxPlayerEvents > 0 && p.Pending > max(m.cfg.MaxPlayerEvents, found.events) ||
			m.cfg.MaxPlayerBytes > 0 && p.PendingBytes > max(m.cfg.MaxPlayerBytes, found.bytes) {
			m.errorf("%s has %d events and %d bytes, allowed are %d and %d", user, p.Pending, p.PendingBytes, m.cfg.MaxPlayerEvents, m.cfg.MaxPlayerBytes)
		}
	}
	if int64(events) != s.Pending || int64(size) != s.PendingBytes {
		m.errorf("the players have %d events and %d bytes, all have %d and %d", events, size, s.Pending, s.PendingBytes)
	}
	m.mu.Lock()
	found := m.found("")
	m.mu.Unlock()
	if m.cfg.MaxBytes > 0 && s.PendingBytes > int64(max(m.cfg.MaxBytes, found.bytes)) {
		m.errorf("%d bytes wait, MaxBytes is %d", s.PendingBytes, m.cfg.MaxBytes)
	}
	if parked := len(m.b.Parked()); parked != s.Parked {
		m.errorf("%d players are parked, Stats says %d", parked, s.Parked)
	}
	for _, p := range m.b.Parked() {
		if p.Events == 0 {
			m.errorf("%s is parked, and nothing of it waits", p.UserID)
		}
	}
	if s.Waiting > 0 && s.Pending == 0 {
		m.errorf("%d calls of Track wait for room, and nothing is kept", s.Waiting)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checkStore()
	if s.Accepted != m.accepted+int64(m.storing) || modelResults(s.Ledger) != m.settled {
		m.failed("accepted %d, being stored %d, results %v; the ledger says %s", m.accepted, m.storing, m.settled, s.Ledger)
	}
	if s.InFlight < len(m.busy) || s.InFlight > len(m.busy)+m.expiring { // a goroutine that sends may expire events, too
		m.failed("%d are in flight, Stats says %d", len(m.busy), s.InFlight)
	}
}

// checkEnd checks everything after Close, when all is still.
func (m *model) checkEnd() {
	time.Sleep(time.Hour)
	s := m.b.Stats()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failures > 0 && m.report.Ledger == (batcher.Ledger{}) {
		return // it got stuck
	}
	m.checkStore()
	results, doubts, kept, spooled := modelSums{}, int64(0), int64(0), int64(0)
	for _, e := range m.events {
		if e.end == 0 {
			if e.attempts > 0 || e.told > 0 || e.stored > 0 {
				m.failed("event %d was not accepted: sent %d times, told %d times, stored %d times", e.number, e.attempts, e.told, e.stored)
			}
			continue
		}
		switch {
		case e.lost, e.told == 1 && e.process != m.process:
			continue
		case m.spooled(e):
			kept++
			spooled++
			doubts += int64(max(e.doubts-1, 0)) // the next process knows of one
			continue
		}
		kept++
		if e.told != 1 {
			m.failed("event %d was accepted and has %d results", e.number, e.told)
			continue
		}
		results[e.result]++
		if e.result == batcher.Delivered {
			doubts += int64(e.doubts)
		}
		if e.poison && e.stored > 0 {
			m.failed("event %d is poison, and stored", e.number)
		}
	}
	want := batcher.Ledger{
		Accepted: kept, Delivered: results[batcher.Delivered], Rejected: results[batcher.Rejected], Expired: results[batcher.Expired],
		Unknown: results[batcher.Unknown], Returned: results[batcher.Returned],
		Spooled: spooled, Erased: results[batcher.Erased], PossibleDuplicates: doubts,
	}
	if m.report.Ledger != want || s.Ledger != want {
		m.failed("the ledger says %s; the events say %s", m.report.Ledger, want)
	}
	if s.InFlight != 0 || s.Waiting != 0 || s.PendingBytes != 0 {
		m.failed("after Close: %+v", s)
	}
	m.checkOrder()
}

// checkOrder checks that of each player what was delivered was first stored in the order in which Track took it: an event whose Track
// had returned before another's began stands before that one. mu is held.
func (m *model) checkOrder() {
	for user, stored := range m.service.stored {
		latest := (*modelEvent)(nil) // of those stored so far, the one whose Track began last
		for place, e := range stored {
			if e.place != place || e.result != batcher.Delivered || e.dropped { // the store could not forget it, or was not told before a kill, and it came back later
				continue
			}
			if latest != nil && e.end < latest.start {
				m.failed("%s: event %d is stored after %d, which was tracked later", user, e.number, latest.number)
			}
			if latest == nil || e.start > latest.start {
				latest = e
			}
		}
	}
}

// picture is for the message of a failure.
func (m *model) picture() string {
	s := m.b.Stats()
	text := fmt.Sprintf("%+v", s)
	for _, user := range m.users {
		text += fmt.Sprintf("; %s %+v", user, m.b.Player(user).Stats())
	}
	return text
}
