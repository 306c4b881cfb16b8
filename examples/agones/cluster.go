package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// A small Agones: the sidecar's HTTP interface, and the signal that ends a pod.

const (
	playing = 1500 * time.Millisecond // from /ready to the SIGTERM
	outage  = time.Second             // of PlaySmart, from the SIGTERM on
)

// cluster plays the part of Agones and Kubernetes: a sidecar, and a node that is drained.
type cluster struct {
	url       string
	server    *http.Server
	playSmart *emulator.Server
	out       io.Writer
	signalled sync.Once

	mu      sync.Mutex // guards the following
	calls   []string
	arrived int // events that PlaySmart had at the call of /shutdown
}

func startCluster(ctx context.Context, playSmart *emulator.Server, out io.Writer) (*cluster, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cluster{url: "http://" + listener.Addr().String(), playSmart: playSmart, out: out}
	mux := http.NewServeMux()
	for _, call := range []string{"/ready", "/health", "/shutdown"} {
		mux.HandleFunc("POST "+call, c.answer)
	}
	c.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = c.server.Serve(listener) }()
	fmt.Fprintf(out, "agones: a sidecar at %s; SIGTERM comes after %s, and PlaySmart answers 503 for %s from then on\n", c.url, playing, outage)
	return c, nil
}

func (c *cluster) close() { _ = c.server.Close() }

// answer is the sidecar: every call is answered with {}.
func (c *cluster) answer(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.calls = append(c.calls, r.URL.Path)
	if r.URL.Path == "/shutdown" {
		c.arrived = c.playSmart.EventCount()
	}
	c.mu.Unlock()
	if r.URL.Path == "/ready" {
		c.signalled.Do(func() { time.AfterFunc(playing, c.drain) })
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}")
}

// drain is the node that is taken away, in the same moment in which PlaySmart fails.
func (c *cluster) drain() {
	heal := c.playSmart.Inject(emulator.Fault{Operation: "ingestEvents", Status: http.StatusServiceUnavailable})
	time.AfterFunc(outage, heal)
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(syscall.SIGTERM)
	}
	if err != nil {
		panic(err) // a process can signal itself
	}
}

// check holds the order of the calls, and the events that had arrived before the last one, against
// the report.
func (c *cluster) check(report batcher.Report) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.out, "  the sidecar heard %v; PlaySmart had %d events at the call of /shutdown\n", c.calls, c.arrived)
	last := len(c.calls) - 1
	if c.calls[0] != "/ready" || slices.Index(c.calls, "/shutdown") != last {
		return fmt.Errorf("the sidecar heard %v: /ready must come first and /shutdown last, once", c.calls)
	}
	if int64(c.arrived) != report.Accepted {
		return fmt.Errorf("PlaySmart had %d of %d events at the call of /shutdown", c.arrived, report.Accepted)
	}
	return nil
}
