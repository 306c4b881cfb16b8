package main

import (
	"time"
)

// weather is how well the network and the service work at the moment. Each number is a chance in
// percent per request.
type weather struct {
	name      string
	late      int           // the request or its answer takes up to slow
	slow      time.Duration // the longest delay of a late one
	lost      int           // the request never arrives
	deaf      int           // it arrives, and its answer is lost
	cut       int           // half of its answer arrives
	throttles int           // 429
	down      int           // 503
	strange   int           // somebody else answers, and the request may have arrived
	refuses   int           // 401
}

var weathers = []weather{
	{name: "calm"},
	{name: "lossy", late: 30, slow: 3 * time.Second, lost: 20, deaf: 20, cut: 10},
	{name: "slow", late: 80, slow: 50 * time.Second},
	{name: "down", down: 100},
	{name: "gone", lost: 100},
	{name: "deaf", deaf: 100},
	{name: "throttled", throttles: 60},
	{name: "behind a strange proxy", strange: 100},
	{name: "half behind a strange proxy", strange: 40, late: 20, slow: time.Second},
	{name: "strict", refuses: 50},
	{name: "everything", late: 20, slow: 40 * time.Second, lost: 10, deaf: 10, cut: 5, throttles: 10, down: 10, strange: 10, refuses: 3},
}

// makeTrouble changes the world for the worse and for the better, some times.
func (w *world) makeTrouble() {
	draw := w.draws("trouble")
	count := draw.IntN(8)
	switch limit := w.plan.troubles; {
	case limit < 0:
		count = 0
	case limit > 0:
		count = min(count, limit)
	}
	for range count {
		time.Sleep(w.span(40 * time.Second))
		switch what := draw.IntN(10); {
		case what < 5:
			next := weathers[draw.IntN(len(weathers))]
			w.mu.Lock()
			w.weather = next
			w.trace.step("the network is %s", next.name)
			w.mu.Unlock()
		case what < 6:
			user := w.users[draw.IntN(len(w.users))]
			w.mu.Lock()
			w.pauses[user] = !w.pauses[user]
			w.trace.step("%s has a token: %t", user, !w.pauses[user])
			w.mu.Unlock()
		case what < 8:
			w.servers[draw.IntN(len(w.servers))].kill()
		case what < 9:
			w.servers[draw.IntN(len(w.servers))].restart()
		default:
			if d := w.servers[draw.IntN(len(w.servers))].disk; d != nil {
				d.fill(w.span(30 * time.Second))
			}
		}
	}
}

// heal ends every trouble: from now on everything works.
func (w *world) heal() {
	w.mu.Lock()
	w.weather, w.healed = weathers[0], true
	clear(w.pauses)
	w.trace.step("everything works from now on")
	w.mu.Unlock()
	for _, s := range w.servers {
		if s.disk != nil {
			s.disk.fill(0)
		}
		for _, user := range w.users {
			s.now().b.Resume(user)
		}
	}
}
