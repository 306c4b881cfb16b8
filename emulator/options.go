package emulator

import (
	"fmt"
	"time"
)

// Option changes how an emulator behaves; New, Start and Listen take any number.
type Option func(*options)

// options is what the options set. A service with settings of its own keeps them together in one
// field.
type options struct {
	recordLimit int
	recordBytes int
	hosts       []string
	observer    func(Request)
	inspector   bool
	fyno        fynoOptions
	smartSender smartSenderOptions
	playSmart   playSmartOptions
	sunshine    sunshineOptions
}

// playSmartOptions are PlaySmart's settings.
type playSmartOptions struct {
	tokenTTL  time.Duration
	drainRate float64  // events per second
	types     []string // beside those of the contract
}

// sunshineOptions are Sunshine's settings.
type sunshineOptions struct {
	linkDelay time.Duration
}

// newOptions returns the defaults with opts applied in order.
func newOptions(opts []Option) *options {
	o := &options{
		recordLimit: 10_000,
		recordBytes: 64 << 20,
		playSmart:   playSmartOptions{tokenTTL: 30 * 24 * time.Hour, drainRate: 1000},
		sunshine:    sunshineOptions{linkDelay: 50 * time.Millisecond},
	}
	for _, opt := range opts {
		opt(o)
	}
	return o
}

// WithRecordLimit caps how many requests the record keeps, the newest; the default is 10,000.
// Counts stay exact beyond it, and [WithRecordBytes] may keep fewer. It panics where n is negative;
// 0 keeps none.
func WithRecordLimit(n int) Option {
	if n < 0 {
		panic(fmt.Sprintf("emulator: WithRecordLimit(%d): must be 0 or more", n))
	}
	return func(o *options) { o.recordLimit = n }
}

// WithRecordBytes caps how much memory the record takes, in bytes; the default is 64 MiB. The
// oldest requests go first, whole. A request that is larger by itself is not kept. It panics where
// n is negative.
func WithRecordBytes(n int) Option {
	if n < 0 {
		panic(fmt.Sprintf("emulator: WithRecordBytes(%d): must be 0 or more", n))
	}
	return func(o *options) { o.recordBytes = n }
}

// WithHosts allows names under which clients reach the emulator, such as that of a container.
// Without it the emulator answers to addresses and to localhost only, because a site can let its
// own name resolve to your machine. It panics if a name is not a host's name, or has a port.
func WithHosts(names ...string) Option {
	for _, name := range names {
		if !hostName.MatchString(name) {
			panic(fmt.Sprintf("emulator: WithHosts(%q): must be a host's name without a port, such as emulator.internal", name))
		}
	}
	return func(o *options) { o.hosts = append(o.hosts, names...) }
}

// WithObserver calls fn after each request, with what the record keeps of it. It is called from
// many goroutines, and the request's end waits for it. The request shares memory with the record:
// fn must not change it.
func WithObserver(fn func(Request)) Option {
	return func(o *options) { o.observer = fn }
}

// WithInspector serves a web page at InspectorPath that shows what the emulator does, see
// [Emulator.Inspector]. It is for Listen and Start: an embedded Emulator serves no page.
func WithInspector() Option {
	return func(o *options) { o.inspector = true }
}

// WithTokenTTL sets how long a PlaySmart access token lives from register or login on; the default
// is 30 days. A JWT counts in whole seconds, so less than a second may be none at all. It panics
// where ttl is not positive.
func WithTokenTTL(ttl time.Duration) Option {
	if ttl <= 0 {
		panic(fmt.Sprintf("emulator: WithTokenTTL(%s): must be positive; Emulator.Token makes an expired token", ttl))
	}
	return func(o *options) { o.playSmart.tokenTTL = ttl }
}

// WithDrainRate sets how many events per second leave PlaySmart's buffer; the default is 1000. It
// panics where rate is negative or not a number; with 0 the buffer only grows.
func WithDrainRate(rate float64) Option {
	if !(rate >= 0) {
		panic(fmt.Sprintf("emulator: WithDrainRate(%v): must be 0 or more", rate))
	}
	return func(o *options) { o.playSmart.drainRate = rate }
}

// WithEventTypes lets PlaySmart take event types beside those of its contract, as one that the
// vendor has added since.
func WithEventTypes(types ...string) Option {
	return func(o *options) { o.playSmart.types = append(o.playSmart.types, types...) }
}

// WithLinkDelay sets how long a Sunshine client with an immediate confirmation stays pending; the
// default is 50 ms. It panics where delay is negative.
func WithLinkDelay(delay time.Duration) Option {
	if delay < 0 {
		panic(fmt.Sprintf("emulator: WithLinkDelay(%s): must be 0 or more", delay))
	}
	return func(o *options) { o.sunshine.linkDelay = delay }
}
