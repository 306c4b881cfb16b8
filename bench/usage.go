package main

import (
	"runtime"
	"syscall"
	"time"
)

// usage is the time that a process has used so far.
type usage struct {
	at  time.Time
	cpu time.Duration // user and system, of all threads, by the operating system's account
}

func usageNow() usage {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err) // it cannot fail with these arguments
	}
	return usage{time.Now(), time.Duration(r.Utime.Nano() + r.Stime.Nano())}
}

// since returns the seconds of the clock and of the CPU between two readings.
func (u usage) since(start usage) (clock, cpu float64) {
	return u.at.Sub(start.at).Seconds(), (u.cpu - start.cpu).Seconds()
}

// liveHeap returns the size of the reachable heap in bytes. It collects twice, because the first
// collection only moves a sync.Pool's content aside.
func liveHeap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// mallocs returns how many objects the process has allocated.
func mallocs() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.Mallocs)
}
