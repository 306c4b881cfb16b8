package batcher

// alarm sees to it that a lane that lingers or waits is looked at when wakeAt comes. One such alarm a lane is enough where it is early enough: it sets
// the next one when it finds that it came too early.
func (b *Batcher) alarm(l *lane, set func(*lane, int64)) {
	if l.alarmed == 0 || l.alarmed > l.wakeAt {
		l.alarmed = l.wakeAt
		set(l, l.wakeAt)
	}
}

// forgetLater sees to it that an idle lane is looked at when wakeAt comes. Its alarm is apart from the others: it is so far away that a
// player goes idle many times before it goes off, and each time it would be set anew where an earlier one for lingering has gone off
// meanwhile. An older one is early enough: wakeAt only grows.
func (b *Batcher) forgetLater(l *lane) {
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
	if l.wakeAt > now && (l.status == lingers || l.status == waiting || l.status == idle) {
		switch l.status {
		case idle:
			b.forgetLater(l)
		case lingers:
			b.alarm(l, b.sched.lingers)
		default:
			b.alarm(l, b.sched.wakes)
		}
		l.mu.Unlock()
		return
	}
	switch l.status {
	case lingers, waiting:
		l.status = ready
		b.sched.enqueue(l)
	case paused: // events may have grown too old, or too much may wait
		if (b.cfg.MaxAge > 0 || b.parked.gives(l)) && l.head != nil {
			l.status = ready
			b.sched.enqueue(l)
		}
	case idle:
		l.mu.Unlock()
		b.forget(l, now)
		return
	}
	l.mu.Unlock()
}
