//go:build unix

package batcher

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNotifyContextOnSIGTERM sends the signal to this process. It cannot run in a bubble, and not beside others.
func TestNotifyContextOnSIGTERM(t *testing.T) { //nolint:paralleltest // a signal reaches the whole process
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			// Whatever happens, the signal must not end the process.
			safe := make(chan os.Signal, 1)
			signal.Notify(safe, sig)
			defer signal.Stop(safe)
			r := newRig(t, Config{Linger: time.Hour})
			sent := make(chan struct{})
			r.service.answers(func(request) error { close(sent); return nil })
			ctx, stop := NotifyContext(t.Context(), r.Batcher)
			defer stop()
			r.track("ace")
			require.NoError(t, ctx.Err())
			require.NoError(t, syscall.Kill(syscall.Getpid(), sig))
			<-ctx.Done()
			<-sent
			r.track("ace") // it still takes events; the program ends by Close
			r.service.answers(nil)
			report, err := r.Close(t.Context())
			require.NoError(t, err)
			assert.Equal(t, int64(2), report.Delivered)
		})
	}
}
