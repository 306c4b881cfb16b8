package proxytest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go"
)

// TestCallsRandom makes calls of every retry class, several at once, over a line on which something
// else is wrong each time. Warm connections are taken over from one step to the next, toxics come
// and go while calls are under way, and contexts end.
func TestCallsRandom(t *testing.T) {
	t.Parallel()
	eachSeed(t, 6, func(t *testing.T, r *rand.Rand) {
		l := newLine(t)
		client := l.client(playline.RetryPolicy{
			MaxAttempts: 3, BaseDelay: 2 * time.Millisecond, MaxDelay: 20 * time.Millisecond, AttemptTimeout: 150 * time.Millisecond,
		})
		var calls []*call
		for step := range 25 {
			toxics := drawToxics(r)
			if r.IntN(10) == 0 {
				l.cut()
			}
			l.add(toxics...)
			var underWay sync.WaitGroup
			for i := range 1 + r.IntN(5) {
				c := operations[r.IntN(len(operations))].prepareOn(t, l, fmt.Sprintf("device-%d-%d", step, i))
				calls = append(calls, c)
				limit, cancelled := time.Duration(10+r.IntN(600))*time.Millisecond, r.IntN(8) == 0
				underWay.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					if cancelled {
						defer time.AfterFunc(limit/4, cancel).Stop()
					}
					c.run(t, ctx, client)
				})
			}
			<-time.After(time.Duration(r.IntN(200)) * time.Millisecond)
			l.heal()
			underWay.Wait()
		}
		said := map[string]int{}
		l.hangUp()
		settle(calls)
		for _, c := range calls {
			c.agrees(t)
			said[c.says()]++
		}
		t.Logf("%d calls, of which the client says: %v; %d proxies put aside", len(calls), said, l.aside)
		assert.NotEmpty(t, calls)
	})
}
