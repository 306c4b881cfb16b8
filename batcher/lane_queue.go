package batcher

import "container/heap"

// spot is where a lane stands in the scheduler, whose mutex guards it. A lane stands in one queue at most, and leaves it without a search.
type spot struct {
	queue      *laneQueue // nil: it stands in none
	at         int64      // when it is to be looked at, on the batcher's clock
	prev, next *lane      // in the queue's list
	once       bool       // its first event must not be sent again; in the ready queue
	heaped     int        // its index in the queue's heap, from 1; 0: it stands in the list
}

// laneQueue is lanes by the time at which they are to be looked at. Lanes that come in the order of their times, as those that linger or are
// idle do because they wait equally long each, stand in a list; those that come out of order stand in a heap, which is small. An empty queue
// holds no memory.
type laneQueue struct {
	first, last *lane
	others      laneHeap
	count       int
}

func (q *laneQueue) add(l *lane, at int64) {
	q.count++
	l.spot = spot{queue: q, at: at}
	switch {
	case q.last == nil:
		q.first, q.last = l, l
	case q.last.spot.at <= at:
		l.spot.prev, q.last.spot.next, q.last = q.last, l, l
	default:
		heap.Push(&q.others, l)
	}
}

func (q *laneQueue) remove(l *lane) {
	q.count--
	if l.spot.heaped > 0 {
		heap.Remove(&q.others, l.spot.heaped-1)
		l.spot = spot{}
		return
	}
	if prev := l.spot.prev; prev != nil {
		prev.spot.next = l.spot.next
	} else {
		q.first = l.spot.next
	}
	if next := l.spot.next; next != nil {
		next.spot.prev = l.spot.prev
	} else {
		q.last = l.spot.prev
	}
	l.spot = spot{}
}

// peek returns the lane whose time comes first, nil where there is none.
func (q *laneQueue) peek() *lane {
	if len(q.others) > 0 && (q.first == nil || q.others[0].spot.at < q.first.spot.at) {
		return q.others[0]
	}
	return q.first
}

// laneHeap is a heap by time.
type laneHeap []*lane

// Len implements heap.Interface.
func (h laneHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h laneHeap) Less(i, j int) bool { return h[i].spot.at < h[j].spot.at }

// Swap implements heap.Interface.
func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].spot.heaped, h[j].spot.heaped = i+1, j+1
}

// Push implements heap.Interface.
func (h *laneHeap) Push(x any) {
	l := x.(*lane) //nolint:errcheck // the heap holds nothing else
	*h = append(*h, l)
	l.spot.heaped = len(*h)
}

// Pop implements heap.Interface. It gives back memory that a smaller heap does not need.
func (h *laneHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	if len(*h) < cap(*h)/4 {
		*h = append(make(laneHeap, 0, cap(*h)/2), *h...)
	}
	return l
}
