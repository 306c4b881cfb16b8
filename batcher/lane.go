package batcher

import (
	"hash/maphash"
	"iter"
	"maps"
	"sync"
	"time"
)

// lane is one player: the events that wait, in order, and its state, see laneTable. At most one request of a lane is under way.
//
// Lock order: shard, lane, line of ages, then scheduler, ledger or budget. None is held during a Sender, a TokenSource, a Store or a callback.
//
// What Track touches comes first, as in a block.
type lane struct {
	mu          sync.Mutex // guards the following, but for user and frame, which stay, and what says otherwise
	head        *block     // the next to be sent, or under way
	tail        *block
	events      int // that wait, are under way or are being stored
	bytes       int
	frame       int           // bytes of a request's body beside the events
	room        chan struct{} // closed when events leave; nil: nobody waits for it
	status      status
	returned    bool  // Close took what was left, and there was something
	parked      bool  // no token, or a refused one: nothing is sent until SetToken or Resume
	erased      bool  // Erase was called: what it has is dropped, and no more taken
	took        bool  // the service took an event of the request that is being cut into pieces
	given       int64 // how often SetToken gave a token
	asked       bool  // the token source was asked again after a 401 that is not the service's word
	failures    uint8 // requests in a row that failed
	sizeLimit   sizeLimit
	user        string
	wakeAt      int64 // when it lingers, waits or is idle: till then; 0: it was made just now
	token       heldToken
	refused     heldToken // the last one that the service refused
	lastError   error
	erasure     *erasure // what the erasing that is under way has dropped so far; nil: none is
	place       *place   // in the line of parked players; guarded by that
	withdraws   *barrier // reached when no Track hands an event to the Store that Erase came between; nil: none did
	spot        spot     // in the scheduler; guarded by that
	age         spot     // in the line of ages; guarded by that
	inLineSince int64    // since when it stood in the ready queue, while what is too old is given up; 0: it did not
	shedFrom    status   // its place meanwhile; idle: nothing is given up
}

// shards keep the lookups of many goroutines apart.
const shards = 64

// shard is a part of the players.
type shard struct {
	mu    sync.Mutex // guards the following
	lanes map[string]*lane
	most  int // lanes that it had at once since it was made anew
}

func (b *Batcher) shard(user string) *shard {
	return &b.players[maphash.String(b.seed, user)%shards]
}

// find returns a player's lane, nil where there is none.
func (b *Batcher) find(user string) *lane {
	s := b.shard(user)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lanes[user]
}

// lane returns a player's lane, a new one where there is none.
func (b *Batcher) lane(user string) *lane {
	s := b.shard(user)
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[user]
	if l == nil {
		l = &lane{user: user, frame: len(appendPrefix(nil, user, b.cfg.GameID)) + len("]}")}
		s.lanes[user] = l
		s.most = max(s.most, len(s.lanes))
		b.remembered.Add(1)
	}
	return l
}

// lanes walks all lanes. A lane that comes or goes meanwhile may be among them or not.
func (b *Batcher) lanes() iter.Seq[*lane] {
	return func(yield func(*lane) bool) {
		var some []*lane
		for i := range b.players {
			s := &b.players[i]
			s.mu.Lock()
			some = some[:0]
			for _, l := range s.lanes {
				some = append(some, l)
			}
			s.mu.Unlock()
			for _, l := range some {
				if !yield(l) {
					return
				}
			}
		}
	}
}

// shrinkLocked makes the map anew if it has become much too large: a map of Go never gives its memory back.
func (s *shard) shrinkLocked() {
	if s.most < 64 || len(s.lanes) > s.most/4 {
		return
	}
	lanes := make(map[string]*lane, len(s.lanes))
	maps.Copy(lanes, s.lanes)
	s.lanes, s.most = lanes, len(lanes)
}

// forget removes a lane, unless it is needed.
func (b *Batcher) forget(l *lane, now int64) {
	s := b.shard(l.user)
	s.mu.Lock()
	defer s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.stepLocked(l, forgotten, now) == forget {
		delete(s.lanes, l.user)
		b.remembered.Add(-1)
		s.shrinkLocked()
	}
}

// putLocked appends an event that comes now and was accepted now or earlier, and sees to it that it will be
// sent. The room is taken.
func (b *Batcher) putLocked(l *lane, json []byte, now, accepted int64, once bool) {
	event := tracked
	if l.tail == nil || l.tail.sealed || !b.fitsLocked(l, len(json)) || accepted-l.tail.born > maxBlockAge {
		if l.tail != nil {
			event, l.tail.sealed = filled, true
		}
		next := &block{born: accepted, came: now, stored: b.cfg.Store != nil}
		if l.tail == nil {
			l.head = next
			b.ageLocked(l)
		} else {
			next.likeLast = l.tail.events >= b.cfg.BatchEvents/2
			l.tail.next = next
		}
		l.tail = next
	}
	l.tail.add(json, accepted, once)
	l.events++
	l.bytes += len(json)
	if l.parked {
		b.countParkedLocked(l)
	}
	if l.tail.events >= b.cfg.BatchEvents || l.tail.bytes >= b.cfg.BatchBytes {
		event, l.tail.sealed = filled, true
	}
	b.stepLocked(l, event, now)
}

// missedLocked sees to it that a lane is forgotten that was made for an event which it then did not get: it has no alarm yet.
func (b *Batcher) missedLocked(l *lane) {
	if l.parked {
		b.countParkedLocked(l)
	}
	b.stepLocked(l, missed, b.now())
}

// fitsLocked reports whether the last block has room for another event of that size in one request.
func (b *Batcher) fitsLocked(l *lane, size int) bool {
	return l.tail.events < b.cfg.BatchEvents && l.frame+l.tail.bytes+l.tail.events+size <= b.cfg.BatchBytes
}

// restLocked is what an idle lane does: it waits to be forgotten.
func (b *Batcher) restLocked(l *lane) {
	if l.erased {
		l.token, l.refused, l.lastError, l.failures, l.erasure = nil, nil, nil, 0, nil
	}
	b.sched.place(l, &b.sched.idle, l.wakeAt)
	b.stir()
}

// sendByLocked returns when the first block is sent at the latest: when it has lingered, or before the token ends.
func (b *Batcher) sendByLocked(l *lane) int64 {
	at := max(l.head.born, l.head.came) + int64(b.cfg.Linger)
	if token := l.token.get(); token != nil && !token.Expires.IsZero() {
		// A token that has ended already will be renewed anyway.
		// Compared before it is subtracted, because the difference of two long durations overflows.
		if left := min(time.Until(token.Expires), never); left > b.cfg.TokenRenewal {
			at = min(at, b.now()+int64(left-b.cfg.TokenRenewal))
		}
	}
	return at
}

// hurryLocked makes a lane send what it has without lingering. Its last block takes more events until its turn comes: where the lane has to
// wait for that, a request would carry few of them otherwise.
func (b *Batcher) hurryLocked(l *lane) {
	if l.tail == nil {
		return
	}
	l.tail.hurried = true
	b.stepLocked(l, hurried, b.now())
}

// removeHeadLocked takes the settled first block out.
func (l *lane) removeHeadLocked() {
	blk := l.head
	l.head = blk.next
	if l.head == nil {
		l.tail = nil
	}
	l.leaveLocked(blk.events, blk.bytes)
}

// leaveLocked counts events out and tells those who wait for their room.
func (l *lane) leaveLocked(events, bytes int) {
	l.events -= events
	l.bytes -= bytes
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}
