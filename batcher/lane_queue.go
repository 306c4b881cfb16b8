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
	in := q.others.spot(l)
	*in = spot{queue: q, at: at}
	switch {
	case q.last == nil:
		q.first, q.last = l, l
	case q.others.spot(q.last).at <= at:
		in.prev, q.others.spot(q.last).next, q.last = q.last, l, l
	default:
		heap.Push(&q.others, l)
	}
}

func (q *laneQueue) remove(l *lane) {
	q.count--
	in := q.others.spot(l)
	if in.heaped > 0 {
		heap.Remove(&q.others, in.heaped-1)
		*in = spot{}
		return
	}
	if in.prev != nil {
		q.others.spot(in.prev).next = in.next
	} else {
		q.first = in.next
	}
	if in.next != nil {
		q.others.spot(in.next).prev = in.prev
	} else {
		q.last = in.prev
	}
	*in = spot{}
}

// peek returns the lane whose time comes first, nil where there is none.
func (q *laneQueue) peek() *lane {
	if h := &q.others; len(h.lanes) > 0 && (q.first == nil || h.spot(h.lanes[0]).at < h.spot(q.first).at) {
		return h.lanes[0]
	}
	return q.first
}

// until returns the lanes whose time is at most that, and looks at few others. They stay in the queue.
func (q *laneQueue) until(at int64) []*lane {
	var due []*lane
	for l := q.first; l != nil && q.others.spot(l).at <= at; l = q.others.spot(l).next {
		due = append(due, l)
	}
	return q.others.until(at, 0, due)
}

// laneHeap is a heap by time.
type laneHeap struct {
	lanes []*lane
	ages  bool // of the line of ages: a lane's place in it is another one than the scheduler's
}

// spot returns where a lane stands.
func (h *laneHeap) spot(l *lane) *spot {
	if h.ages {
		return &l.age
	}
	return &l.spot
}

// until appends the lanes of the heap from one index down whose time is at most that.
func (h *laneHeap) until(at int64, from int, due []*lane) []*lane {
	if from >= len(h.lanes) || h.spot(h.lanes[from]).at > at {
		return due
	}
	due = append(due, h.lanes[from])
	return h.until(at, 2*from+2, h.until(at, 2*from+1, due))
}

// Len implements heap.Interface.
func (h *laneHeap) Len() int { return len(h.lanes) }

// Less implements heap.Interface.
func (h *laneHeap) Less(i, j int) bool { return h.spot(h.lanes[i]).at < h.spot(h.lanes[j]).at }

// Swap implements heap.Interface.
func (h *laneHeap) Swap(i, j int) {
	h.lanes[i], h.lanes[j] = h.lanes[j], h.lanes[i]
	h.spot(h.lanes[i]).heaped, h.spot(h.lanes[j]).heaped = i+1, j+1
}

// Push implements heap.Interface.
func (h *laneHeap) Push(x any) {
	l := x.(*lane) //nolint:errcheck // the heap holds nothing else
	h.lanes = append(h.lanes, l)
	h.spot(l).heaped = len(h.lanes)
}

// Pop implements heap.Interface. It gives back memory that a smaller heap does not need.
func (h *laneHeap) Pop() any {
	old := h.lanes
	l := old[len(old)-1]
	old[len(old)-1] = nil
	h.lanes = old[:len(old)-1]
	if len(h.lanes) < cap(h.lanes)/4 {
		h.lanes = append(make([]*lane, 0, cap(h.lanes)/2), h.lanes...)
	}
	return l
}
