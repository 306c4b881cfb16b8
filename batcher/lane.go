package batcher

import (
	"hash/maphash"
	"iter"
	"sync"
	"time"
)

// status is what a lane is doing.
type status uint8

const (
	idle    status = iota // nothing waits
	lingers               // events wait for others
	ready                 // stands in the scheduler's ready queue
	sending               // a sending goroutine has it
	waiting               // pauses after a failure, until wakeAt
	paused                // waits for a token: SetToken or Resume
	erasing               // a goroutine drops what it has, see Erase
)

// lane is one player: the events that wait, in order, and how its sending stands. At most one request of a lane is under way.
//
// Lock order: shard, lane, then scheduler, ledger or budget. None is held during a Sender, a TokenSource, a Store or a callback.
//
// What Track touches comes first, as in a block.
type lane struct {
	mu        sync.Mutex // guards the following, but for user and frame, which stay
	head      *block     // the next to be sent, or under way
	tail      *block
	events    int // that wait, are under way or are being stored
	bytes     int
	frame     int           // bytes of a request's body beside the events
	room      chan struct{} // closed when events leave; nil: nobody waits for it
	status    status
	dead      bool  // removed: look the player up again
	stopped   bool  // Close took what was left
	returned  bool  // and there was something
	parked    bool  // no token, or a refused one: nothing is sent until SetToken or Resume
	down      bool  // it waits because the service was down, not because of itself
	erased    bool  // Erase was called: what it has is dropped, and no more taken
	failures  uint8 // requests in a row that failed
	user      string
	wakeAt    int64 // when it lingers, waits or is idle: till then
	alarmed   int64 // an alarm for lingering or waiting is set, at that time; 0: none
	forgets   int64 // the same for being forgotten
	token     *Token
	refused   string // the value of the last token that the service refused
	lastError error
	erasure   *erasure // what the erasing that is under way has dropped so far; nil: none is
	place     *place   // in the line of parked players; guarded by that
	withdraws *barrier // reached when no Track hands an event to the Store that Erase came between; nil: none did
}

// shards keep the lookups of many goroutines apart.
const shards = 64

// shard is a part of the players.
type shard struct {
	mu    sync.Mutex
	lanes map[string]*lane
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

// forget removes a lane, unless it is erased, has something to send or to store, or is to be looked at later than now: it may have got a
// token since. What was its last block may have its result while its sending goroutine is not done with the lane yet; that finds nothing to
// do then.
func (b *Batcher) forget(l *lane, now int64) {
	s := b.shard(l.user)
	s.mu.Lock()
	defer s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == 0 && !l.dead && !l.erased && (l.status != idle || l.wakeAt <= now) {
		l.dead = true
		delete(s.lanes, l.user)
	}
}

// put appends an event that was accepted now and sees to it that it will be sent. The lane's mutex is held, and the room is taken.
func (b *Batcher) put(l *lane, json []byte, now int64, once bool) {
	if l.tail == nil || l.tail.sealed || !b.fits(l, len(json)) || now-l.tail.born > maxBlockAge {
		if l.tail != nil {
			l.tail.sealed = true
		}
		next := &block{born: now, stored: b.cfg.Store != nil}
		if l.tail == nil {
			l.head = next
		} else {
			next.likeLast = l.tail.events >= b.cfg.BatchEvents/2
			l.tail.next = next
		}
		l.tail = next
	}
	l.tail.add(json, now, once)
	l.events++
	l.bytes += len(json)
	if l.parked {
		b.countParked(l)
	}
	if l.tail.events >= b.cfg.BatchEvents || l.tail.bytes >= b.cfg.BatchBytes {
		l.tail.sealed = true
	}
	if l.status == idle || l.status == lingers && l.head.sealed {
		b.settleDown(l, now)
	}
}

// settleNew sees to it that a lane is forgotten that was made for an event which it then did not get: it has no alarm yet. The lane's
// mutex is held.
func (b *Batcher) settleNew(l *lane) {
	if l.parked {
		b.countParked(l)
	}
	if l.status == idle && l.forgets == 0 {
		b.settleDown(l, b.now())
	}
}

// fits reports whether the last block has room for another event of that size in one request. The lane's mutex is held.
func (b *Batcher) fits(l *lane, size int) bool {
	return l.tail.events < b.cfg.BatchEvents && l.frame+l.tail.bytes+l.tail.events+size <= b.cfg.BatchBytes
}

// settleDown decides what a lane does next that is not under way, does not wait and is not paused. Its mutex is held.
func (b *Batcher) settleDown(l *lane, now int64) {
	switch {
	case l.head == nil:
		l.status = idle
		if l.erased {
			l.token, l.refused, l.lastError, l.failures, l.down, l.erasure = nil, "", nil, 0, false, nil
		}
		l.wakeAt = now + int64(b.cfg.IdleTimeout)
		b.forgetLater(l)
		b.stir()
	case b.erases(l):
	case l.head.sealed || b.sendBy(l) <= now || b.budget.waiting.Load() > 0:
		l.status = ready
		b.sched.enqueue(l)
	default:
		l.status = lingers
		l.wakeAt = b.sendBy(l)
		b.alarm(l, b.sched.lingers)
	}
}

// sendBy returns when the first block is sent at the latest: when it has lingered, or before the token ends.
func (b *Batcher) sendBy(l *lane) int64 {
	at := l.head.born + int64(b.cfg.Linger)
	if l.token != nil && !l.token.Expires.IsZero() {
		// A token that has ended already will be renewed anyway.
		if end := b.now() + int64(time.Until(l.token.Expires)-b.cfg.TokenRenewal); end > b.now() {
			at = min(at, end)
		}
	}
	return at
}

// send makes a lane send what it has without lingering. Its mutex is held.
func (b *Batcher) send(l *lane) {
	if l.tail == nil {
		return
	}
	l.tail.sealed = true
	if l.status == lingers {
		b.settleDown(l, b.now())
	}
}

// removeHead takes the settled first block out. The lane's mutex is held.
func (l *lane) removeHead() {
	blk := l.head
	l.head = blk.next
	if l.head == nil {
		l.tail = nil
	}
	l.leave(blk.events, blk.bytes)
}

// leave counts events out and tells those who wait for their room. The lane's mutex is held.
func (l *lane) leave(events, bytes int) {
	l.events -= events
	l.bytes -= bytes
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}
