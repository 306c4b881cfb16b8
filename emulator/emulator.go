// Package emulator is the five services of playline in one process: stateful, strict against their contracts, with
// faults by script and a record of every request. It is made for testing code that talks to them.
//
// Start gives a server for a test, Listen one for a program, and New an Emulator that is both a handler to embed and an
// http.RoundTripper that needs no socket, which makes it fit for testing/synctest bubbles.
package emulator

import (
	"sync"
)

// Emulator is the five services, each under its own path: SmoovenPath, FynoPath, PlaySmartPath, SmartSenderPath and
// SunshinePath. It is an http.Handler and an http.RoundTripper, and safe for concurrent use.
//
// Its clock is time.Now. Inside a synctest bubble it must be made inside that bubble.
type Emulator struct {
	record *record
	opts   *options

	stopOnce sync.Once
	stopped  chan struct{} // closed when the server closes: ends what hangs
}

// New returns an emulator with empty services.
func New(opts ...Option) *Emulator {
	o := newOptions(opts)
	return &Emulator{record: newRecord(o.recordLimit), opts: o, stopped: make(chan struct{})}
}

// stop ends every delay and hang, now and from now on.
func (e *Emulator) stop() {
	e.stopOnce.Do(func() { close(e.stopped) })
}
