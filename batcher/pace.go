package batcher

import "time"

// pace bounds how many requests a second go out while the backlog of an outage is sent: not more than twice what was usual before. Without it
// thousands of players that waited would go as fast as the service answers, and so would those of every other game server, at the moment
// when it has just come back.
//
// The bound doubles every ten seconds, so that a load which has grown meanwhile is not held up for long, and ends with the backlog, or with Close.
type pace struct {
	usual float64 // requests a second before the outage; 0: not known
	began int64   // when counting began
	count int     // requests since

	bounds bool
	since  int64 // when it began to bound
	next   int64 // not before; a little earlier, so that what a late timer missed is made up for
}

const (
	paceWindow  = 5 * time.Second       // what is usual is looked at for so long
	paceKnown   = time.Second           // and known after so long
	paceFactor  = 1.8                   // of what is usual; with the requests that wait for a late timer it is twice that at most
	paceDoubles = 10 * time.Second      // after so long it is twice as many
	paceLate    = 20 * time.Millisecond // as much may be made up for
)

// counts notes a request while nothing is bounded.
func (p *pace) counts(now int64) {
	if now-p.began >= int64(paceWindow) {
		p.learn(now)
	}
	p.count++
}

// learn ends a window.
func (p *pace) learn(now int64) {
	if took := now - p.began; took >= int64(paceKnown) && p.count > 0 {
		p.usual = float64(p.count) / time.Duration(took).Seconds()
	}
	p.began, p.count = now, 0
}

// shut is what the gate says when it shuts: what comes now is not usual.
func (p *pace) shut(now int64) {
	if p.usual == 0 {
		p.learn(now)
	}
	p.bounds = false
}

// opens begins to bound, where it is known what is usual.
func (p *pace) opens(now int64) {
	p.bounds, p.since, p.next = p.usual > 0, now, now
	p.began, p.count = now, 0
}

// ends is what the scheduler says when nothing waits any more. In the first second that means little: the players that paused are only
// being woken.
func (p *pace) ends(now int64, closing bool) {
	if p.bounds && (closing || now-p.since >= int64(time.Second)) {
		p.bounds, p.began = false, now
	}
}

// allows reports whether a request may go now, and counts it.
func (p *pace) allows(now int64, most int) bool {
	if !p.bounds {
		p.counts(now)
		return true
	}
	if now < p.next {
		return false
	}
	// As many as may be under way at once are no herd.
	rate := max(paceFactor*p.usual, float64(most))
	for range (now - p.since) / int64(paceDoubles) {
		rate *= 2
	}
	p.next = max(p.next, now-int64(paceLate)) + int64(float64(time.Second)/rate)
	return true
}
