package emulator

import (
	"strings"
	"sync"
)

// Emulator is the five services, each under its own path: SmoovenPath, FynoPath, PlaySmartPath,
// SmartSenderPath and SunshinePath. It is an http.Handler and an http.RoundTripper, and safe for
// concurrent use.
//
// Its clock is time.Now. Inside a synctest bubble it must be made inside that bubble.
type Emulator struct {
	opts     *options
	record   *record
	activity *activity
	faults   faults
	switches switches
	guard    guard

	smooven     *smooven
	fyno        *fyno
	smartSender *smartSender
	sunshine    *sunshine
	playSmart   *playSmart
	mounts      []mount

	stopOnce sync.Once
	stopped  chan struct{} // closed when the server closes: ends what hangs
}

// mount is one service under its path.
type mount struct {
	name     string
	path     string
	contract *contract
	service  service
}

// New returns an emulator with empty services.
func New(opts ...Option) *Emulator {
	o := newOptions(opts)
	counts := &activity{}
	e := &Emulator{
		opts:        o,
		activity:    counts,
		record:      newRecord(o.recordLimit, o.recordBytes),
		guard:       guard{o.hosts},
		stopped:     make(chan struct{}),
		smooven:     newSmooven(),
		fyno:        newFyno(o),
		smartSender: newSmartSender(o),
		sunshine:    newSunshine(o.sunshine),
		playSmart:   newPlaySmart(o.playSmart, counts),
	}
	e.mount(Smooven, SmoovenPath, e.smooven)
	e.mount(Fyno, FynoPath, e.fyno)
	e.mount(SmartSender, SmartSenderPath, e.smartSender)
	e.mount(Sunshine, SunshinePath, e.sunshine)
	e.mount(PlaySmart, PlaySmartPath, e.playSmart)
	return e
}

// mount puts a service under its path, behind its contract.
func (e *Emulator) mount(name, path string, s service) {
	c := contracts()[name]
	if name == PlaySmart && len(e.opts.playSmart.types) > 0 {
		c = contractWithEventTypes(e.opts.playSmart.types)
	}
	e.mounts = append(e.mounts, mount{name, path, c, s})
}

// mounted returns the service of an escaped path, and the path below it.
func (e *Emulator) mounted(escaped string) (m mount, rest string, ok bool) {
	for _, m := range e.mounts {
		if rest, ok := strings.CutPrefix(escaped, m.path); ok && strings.HasPrefix(rest, "/") {
			return m, rest, true
		}
	}
	return mount{}, "", false
}

// stop ends every delay and hang, now and from now on.
func (e *Emulator) stop() {
	e.stopOnce.Do(func() { close(e.stopped) })
}
