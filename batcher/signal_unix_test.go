//go:build unix

package batcher

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestASecondSignalEndsTheProgram lets a process of its own send itself the signal twice. The second
// one comes while Close waits for a service that never answers.
func TestASecondSignalEndsTheProgram(t *testing.T) { //nolint:paralleltest // its process must not run the other tests
	if os.Getenv("PLAYLINE_SECOND_SIGNAL") != "" {
		r := newRig(t, Config{Linger: time.Hour})
		sent := make(chan struct{})
		r.service.answers(func(q request) error { close(sent); return hangs(q) })
		ctx, stop := NotifyContext(t.Context(), r.Batcher)
		defer stop()
		r.track("ace")
		require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
		<-ctx.Done()
		<-sent // what follows the signal has happened
		require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
		_, _ = r.Close(t.Context())
		t.Fatal("the program goes on after the second signal")
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestASecondSignalEndsTheProgram$")
	again.Env = append(os.Environ(), "PLAYLINE_SECOND_SIGNAL=1")
	out, err := again.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	require.True(t, ok, "%v: %s", err, out)
	status, ok := exit.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	assert.True(t, status.Signaled(), "%s", out)
	assert.Equal(t, syscall.SIGTERM, status.Signal())
}

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
