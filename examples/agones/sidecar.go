package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// sidecar is the SDK server of Agones that runs beside the game server in its pod.
type sidecar struct {
	url    string
	client *http.Client
}

// newSidecar takes the port from AGONES_SDK_HTTP_PORT; "" is the usual one.
func newSidecar(port string) *sidecar {
	return &sidecar{
		url:    "http://localhost:" + cmp.Or(port, "9358"),
		client: &http.Client{Timeout: 5 * time.Second},
	}
}

// ready says that players may come. The sidecar can start later than the game server, so it is
// repeated until it works or ctx ends.
func (s *sidecar) ready(ctx context.Context) error {
	for {
		err := s.post(ctx, "/ready")
		if err == nil {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the sidecar was not reached before the end: %w", err)
		}
	}
}

// keepAlive says every period that the game server is well, until ctx ends. A ping that fails is
// made up for by the next one.
func (s *sidecar) keepAlive(ctx context.Context, period time.Duration) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		_ = s.post(ctx, "/health")
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// shutdown has the game server taken away, and the pod with it.
func (s *sidecar) shutdown(ctx context.Context) error { return s.post(ctx, "/shutdown") }

func (s *sidecar) post(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil { // read to its end the connection is used again
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the sidecar answered %s with %s", path, response.Status)
	}
	return nil
}
