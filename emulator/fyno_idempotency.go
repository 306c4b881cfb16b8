package emulator

import (
	"maps"
	"time"
)

// idempotencyAge is how long Fyno remembers an Idempotency-Key.
const idempotencyAge = 24 * time.Hour

// fynoReplays are the first answers given under idempotency keys, and when each was given.
type fynoReplays struct {
	answers map[string]reply
	order   []fynoReplay // oldest first
}

type fynoReplay struct {
	key string
	at  time.Time
}

// onceAKey lets an operation happen once an Idempotency-Key: the same key gets the first answer
// again, whatever the body. Keys count on the live version only, and each operation has its own.
func (f *fyno) onceAKey(operation func(*call) reply) func(*call) reply {
	return func(c *call) reply {
		key, version := c.header.Get("Idempotency-Key"), f.version(c)
		if key == "" || version.name != "live" {
			return operation(c)
		}
		key = c.operation + " " + key
		version.replayed.forget(time.Now().Add(-idempotencyAge))
		first, ok := version.replayed.answers[key]
		if !ok {
			first = operation(c)
			version.replayed.answers[key] = first
			version.replayed.order = append(version.replayed.order, fynoReplay{key: key, at: time.Now()})
		}
		first.header = maps.Clone(first.header)
		return first
	}
}

// forget drops the answers given before oldest.
func (r *fynoReplays) forget(oldest time.Time) {
	for len(r.order) > 0 && !r.order[0].at.After(oldest) {
		delete(r.answers, r.order[0].key)
		r.order = r.order[1:]
	}
}
