package proxytest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
)

// TestCallsCutAtEveryByte cuts the connection after each byte of the request, then after each byte
// of the answer: of what may be sent only once (Ingest.Send), and of what carries a key
// (Events.Fire).
func TestCallsCutAtEveryByte(t *testing.T) {
	t.Parallel()
	// Longer than a request and its answer are, so that the last offsets cut nothing.
	longest := map[string]int{upstream: 660, downstream: 420}
	for _, name := range []string{"Ingest.Send", "Events.Fire"} {
		o := operations[slices.IndexFunc(operations, func(o operation) bool { return o.name == name })]
		for _, stream := range []string{upstream, downstream} {
			t.Run(name+" "+stream, func(t *testing.T) {
				t.Parallel()
				l := newLine(t)
				client := l.client(playline.RetryPolicy{MaxAttempts: 1, AttemptTimeout: hung})
				calls := make([]*call, longest[stream])
				for offset := range calls {
					calls[offset] = o.prepareOn(t, l, fmt.Sprintf("device-%04d", offset))
					l.transport.CloseIdleConnections() // bytes are counted from the connection's first on
					l.add(toxic{"limit_data", stream, map[string]int{"bytes": offset}})
					calls[offset].run(t, t.Context(), client)
				}
				l.heal()
				require.NoError(t, o.prepareOn(t, l, "device-last").send(t.Context(), client), "the line is well again")
				l.hangUp()
				settle(calls)

				// Numbers and times in them have more or fewer digits, so the length differs a
				// little from one call to the next.
				const spread = 24
				whole := slices.IndexFunc(calls, func(c *call) bool { return c.times > 0 })
				if stream == downstream {
					assert.Zero(t, whole, "the request was whole, however little came back")
					whole = slices.IndexFunc(calls, func(c *call) bool { return c.err == nil })
				}
				assert.Greater(t, whole, 100)
				require.Less(t, whole+spread, len(calls), "the offsets end before the exchange does")
				for offset, c := range calls {
					c.agrees(t)
					about := fmt.Sprintf("cut %s after %d bytes: stored %d times, %v", stream, offset, c.times, c.err)
					if stream == downstream {
						assert.Equal(t, 1, c.times, about)
					}
					if offset < whole {
						assert.Error(t, c.err, about)
					}
					if offset >= whole+spread {
						assert.Equal(t, 1, c.times, about)
					}
				}
				assert.NoError(t, calls[len(calls)-1].err)
			})
		}
	}
}
