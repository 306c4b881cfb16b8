package batcher

// alarmLocked sees to it that a lane that lingers or waits is looked at when wakeAt comes. One such alarm a lane is enough where it is early enough: it sets
// the next one when it finds that it came too early.
func (b *Batcher) alarmLocked(l *lane, set func(*lane, int64)) {
	if l.alarmed == 0 || l.alarmed > l.wakeAt {
		l.alarmed = l.wakeAt
		set(l, l.wakeAt)
	}
}

// forgetLaterLocked sees to it that an idle lane is looked at when wakeAt comes. Its alarm is apart from the others: it is so far away that a
// player goes idle many times before it goes off, and each time it would be set anew where an earlier one for lingering has gone off
// meanwhile. An older one is early enough: wakeAt only grows.
func (b *Batcher) forgetLaterLocked(l *lane) {
	if l.forgets == 0 {
		l.forgets = l.wakeAt
		b.sched.idles(l, l.wakeAt)
	}
}

// ring is what happens when a lane's alarm goes off.
func (b *Batcher) ring(l *lane, now int64) {
	l.mu.Lock()
	if l.alarmed <= now {
		l.alarmed = 0
	}
	if l.forgets <= now {
		l.forgets = 0
	}
	next := b.stepLocked(l, rang, now)
	l.mu.Unlock()
	if next == lapse {
		b.forget(l, now)
	}
}

// rearmLocked sets a lane's alarm again.
func (b *Batcher) rearmLocked(l *lane) {
	switch l.status {
	case idle:
		b.forgetLaterLocked(l)
	case lingers:
		b.alarmLocked(l, b.sched.lingers)
	default:
		b.alarmLocked(l, b.sched.wakes)
	}
}
