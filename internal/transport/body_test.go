package transport_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/internal/retry"
)

// wrapper is a transport that can do anything with a request.
type wrapper struct{ http.RoundTripper }

// TestABodyIsFreeOnceItIsNotReadAnyMore: a caller that reuses a buffer must not write into it while
// a connection's goroutine reads it. The test writes into each body that is reported as free, and
// the race detector finds wrong reports.
func TestABodyIsFreeOnceItIsNotReadAnyMore(t *testing.T) {
	t.Parallel()
	const (
		taken   = iota // read whole, then answered
		early          // answered before it was read
		ignored        // neither read nor answered
	)
	for _, row := range []struct {
		name  string
		peer  int
		wraps bool
		size  int
		free  bool // surely
		taken bool // surely not free
	}{
		{"read whole, then answered", taken, false, 100, true, false},
		{"a large one, read whole", taken, false, 8 << 20, true, false},
		{"answered before it was read", early, false, 8 << 20, false, false},
		{"given up while it was written", ignored, false, 8 << 20, false, false},
		{"another transport before net/http's", taken, true, 100, false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			over := make(chan struct{})
			p := newPeer(t, func(p *peer, conn *net.TCPConn) {
				if row.peer == taken {
					serve(p, conn)
					return
				}
				_, _ = io.ReadFull(conn, make([]byte, 100))
				if row.peer == early {
					_, _ = io.WriteString(conn, okAnswer)
				}
				<-over
			})
			defer close(over)
			var next http.RoundTripper = dialer(t, nil)
			if row.wraps {
				next = wrapper{next}
			}
			ctx, cancel := t.Context(), func() {}
			if row.peer == ignored {
				ctx, cancel = soon(ctx)
			}
			defer cancel()
			body := bytes.Repeat([]byte("x"), row.size)
			answer, _ := newClient(next).Do(ctx, newRequest(t, p.url, retry.Unsent, body))
			if answer.BodyFree {
				clear(body)
			}
			assert.True(t, !row.free || answer.BodyFree, "it is free")
			assert.False(t, row.taken && answer.BodyFree, "nobody knows whether it is free")
		})
	}
}
