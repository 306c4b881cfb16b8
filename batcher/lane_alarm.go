package batcher

// ring is what happens when the time comes at which a lane is to be looked at.
func (b *Batcher) ring(l *lane, now int64) {
	l.mu.Lock()
	next := b.stepLocked(l, rang, now)
	l.mu.Unlock()
	switch next {
	case lapse:
		b.forget(l, now)
	case shed:
		b.ages.hand(l)
	}
}
