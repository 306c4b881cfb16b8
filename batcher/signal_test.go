package batcher

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Signals of the process: what is sent at once, and what a second one does.

func TestNotifyContextEndsWithItsParent(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{Linger: time.Hour})
	sent := make(chan struct{})
	r.service.answers(func(request) error { close(sent); return nil })
	parent, cancel := context.WithCancel(t.Context())
	ctx, stop := NotifyContext(parent, r.Batcher)
	defer stop()
	r.track("ace")
	cancel()
	<-ctx.Done()
	<-sent
	_, err := r.Close(t.Context())
	require.NoError(t, err)
}

func TestNotifyContextStopped(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{Linger: time.Hour})
	ctx, stop := NotifyContext(t.Context(), r.Batcher)
	r.track("ace")
	stop()
	<-ctx.Done()
	stop()
	assert.Empty(t, r.service.requests(), "stop sends nothing")
	_, err := r.Close(t.Context())
	require.NoError(t, err)
}

func TestShutdownHook(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{Linger: time.Hour})
	sent := make(chan struct{})
	r.service.answers(func(request) error { close(sent); return nil })
	server := &http.Server{ReadHeaderTimeout: time.Second}
	server.RegisterOnShutdown(r.ShutdownHook())
	r.track("ace")
	require.NoError(t, server.Shutdown(t.Context()))
	<-sent
	_, err := r.Close(t.Context())
	require.NoError(t, err)
}
