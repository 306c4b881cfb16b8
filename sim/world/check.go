package main

import (
	"context"
	"runtime"
	"time"

	"github.com/playline/playline-go/batcher"
)

// liveness is how long everything may take to be delivered when every trouble has ended: the
// longest pause of a player, a request that hangs, and some more for the backlog.
const liveness = 5 * time.Minute

// settle waits until everything is delivered, and closes the batchers.
func (w *world) settle() {
	for _, s := range w.servers {
		ctx, cancel := context.WithTimeout(context.Background(), liveness)
		if err := s.now().b.Flush(ctx); err != nil {
			w.fail("server %d: everything has worked for %s, and there are events that wait: %v; %s", s.index, liveness, err, s.now().b.Ledger())
		}
		cancel()
		s.close(s.now(), time.Minute)
	}
	w.underway.Wait()
	time.Sleep(time.Minute) // goroutines that end by themselves
}

// check holds the service's record, the outcomes and the disks against each other.
func (w *world) check() {
	if n := runtime.NumGoroutine(); n > w.rest {
		buf := make([]byte, 1<<16)
		w.fail("%d goroutines are left, and %d were there at first\n%s", n, w.rest, buf[:runtime.Stack(buf, true)])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.servers {
		if s.disk != nil {
			if n := s.disk.left(); n > 0 {
				w.failLocked("server %d: %d events are left on the disk", s.index, n)
			}
		}
	}
	for _, e := range w.events {
		stored := w.stored[e.number]
		switch {
		case e.accepted && e.told == 0 && !e.killed:
			w.failLocked("event %d of %s was accepted by server %d, and has no result", e.number, e.user, e.server)
		case !e.accepted && e.told != 0 && !w.servers[e.server].wasKilled(e.process):
			w.failLocked("event %d of %s was refused, and is %s", e.number, e.user, e.result)
		case stored > 1 && e.told != 0 && e.result == batcher.Delivered && !e.flagged:
			w.failLocked("the service has event %d %d times, and nobody said so", e.number, stored)
		case stored > 0 && !e.accepted && e.told == 0 && !w.servers[e.server].wasKilled(e.process):
			w.failLocked("event %d of %s was refused, and the service has it", e.number, e.user)
		}
	}
	for stream, numbers := range w.order {
		latest := &event{}
		for _, n := range numbers {
			e := w.events[n-1]
			switch {
			case e.result != batcher.Delivered || e.told == 0:
				continue // it may come late: nobody waits for it
			case e.ended <= latest.begun: // calls of Track that overlap have no order
				w.failLocked("stream %s: event %d came after event %d", stream, n, latest.number)
			}
			if e.begun > latest.begun {
				latest = e
			}
		}
	}
	total := 0
	for _, user := range w.users {
		total += len(w.emu.Events(user))
	}
	for _, n := range w.stored {
		total -= n
	}
	if total != 0 {
		w.failLocked("the service's record has %d events more than went by", total)
	}
}

func (s *server) wasKilled(process int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return process <= len(s.ended) && s.ended[process-1].isDead()
}
