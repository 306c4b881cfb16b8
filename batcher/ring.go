package batcher

// ring is a first-in-first-out queue that reuses its memory.
type ring[T any] struct {
	items []T
	first int
	count int
}

func (r *ring[T]) push(v T) {
	if r.count == len(r.items) {
		grown := make([]T, max(16, 2*len(r.items)))
		n := copy(grown, r.items[r.first:])
		copy(grown[n:], r.items[:r.first])
		r.items, r.first = grown, 0
	}
	r.items[(r.first+r.count)%len(r.items)] = v
	r.count++
}

// peek returns the oldest item; the ring must not be empty.
func (r *ring[T]) peek() T { return r.items[r.first] }

// pop removes the oldest item; the ring must not be empty.
func (r *ring[T]) pop() T {
	var none T
	v := r.items[r.first]
	r.items[r.first] = none // or it would be kept alive
	r.first = (r.first + 1) % len(r.items)
	r.count--
	if r.count == 0 && len(r.items) > 1024 {
		r.items, r.first = nil, 0
	}
	return v
}

// last returns the newest item; the ring must not be empty.
func (r *ring[T]) last() T { return r.items[(r.first+r.count-1)%len(r.items)] }
