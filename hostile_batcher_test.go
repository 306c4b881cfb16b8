package playline

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// seenEvents are the numbers of the events in request bodies.
type seenEvents struct {
	mu sync.Mutex
	ns map[int]int
}

// add counts the events of a body, and those of records as a body of their own.
func (s *seenEvents) add(body []byte) {
	var in struct {
		Events []struct {
			CustomData struct {
				N int `json:"n"`
			} `json:"customdata"`
		} `json:"events"`
	}
	if json.Unmarshal(body, &in) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range in.Events {
		s.ns[e.CustomData.N]++
	}
}

// TestSecurityHostileServersCostABatcherNoEvent: every server of the table takes the first connections, then an honest one answers at the
// same address. Every event is told once; what is told as delivered was in a request that a server read.
func TestSecurityHostileServersCostABatcherNoEvent(t *testing.T) {
	t.Parallel()
	for _, test := range hostilePlays {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var honest atomic.Bool
			read, told := seenEvents{ns: map[int]int{}}, seenEvents{ns: map[int]int{}}
			first := make(chan struct{}) // the first hostile connection has ended
			var once sync.Once
			server := newHostileServer(t, func(c *hostileConn) {
				c.read = read.add
				if !honest.Load() {
					test.play(c)
					once.Do(func() { close(first) })
					return
				}
				for c.request() {
					_, _ = io.WriteString(c, "HTTP/1.1 202 Accepted\r\nContent-Length: 34\r\n\r\n{\"success\":true,\"message\":\"taken\"}")
				}
			})
			client, err := New(WithPlaySmart(), WithBaseURL(PlaySmart, server.url), WithMaxResponseBytes(1<<20))
			require.NoError(t, err)
			timeout := 20 * time.Second
			if test.slow {
				timeout = 100 * time.Millisecond
			}
			b, err := client.NewBatcher(batcher.Config{
				GameID: "com.example.stackblaster", Linger: time.Millisecond, SendTimeout: timeout,
				Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
					return batcher.Token{Value: batcher.Secret(tokenPlayer)}, nil
				}),
				OnOutcome: func(o batcher.Outcome) {
					assert.Contains(t, []batcher.Result{batcher.Delivered, batcher.Rejected}, o.Result)
					assert.True(t, o.Result == batcher.Delivered || strings.Contains(test.want, "400"), "rejected without a 400")
					for _, record := range o.Records {
						told.add([]byte(`{"events":[` + string(record.JSON) + `]}`))
					}
				},
			})
			require.NoError(t, err)
			const events = 20
			for n := range events {
				user := []string{"ace", "blitz"}[n%2]
				require.NoError(t, b.Player(user).TrackAttrs(t.Context(), batcher.LevelCompleted, slog.Int("n", n)))
			}
			<-first
			honest.Store(true)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			report, err := b.Close(ctx)
			require.NoError(t, err)
			assert.Equal(t, int64(events), report.Accepted)
			assert.Equal(t, int64(events), report.Delivered+report.Rejected, report.String())
			require.Len(t, told.ns, events, "events that were told")
			read.mu.Lock()
			defer read.mu.Unlock()
			for n, times := range told.ns {
				assert.Equal(t, 1, times, "event %d", n)
				if !strings.HasPrefix(test.name, "an answer before") {
					assert.NotZero(t, read.ns[n], "event %d was told and not sent", n)
				}
			}
		})
	}
}
