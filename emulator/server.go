package emulator

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Server is an emulator that listens.
type Server struct {
	*Emulator
	URL string // http://127.0.0.1:8787, without a path

	http      *http.Server
	inspector http.Handler   // nil without WithInspector
	served    chan struct{}  // closed when no connection is accepted any more
	conns     sync.WaitGroup // connections that net/http serves
	handlers  sync.WaitGroup // requests under way, those whose connection was taken over for a reset included
	closeOnce sync.Once
}

// TB is what Start needs of a *testing.T, *testing.B or *testing.F.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start starts a server on a free loopback port and closes it when the test ends.
func Start(t TB, opts ...Option) *Server {
	t.Helper()
	s, err := Listen("127.0.0.1:0", opts...)
	if err != nil {
		t.Fatalf("emulator: %v", err)
		return nil
	}
	t.Cleanup(s.Close)
	return s
}

// Listen starts a server on a TCP address. Without a host it is the loopback interface: the
// credentials are public, so an emulator is reachable from elsewhere only if its address says so. A
// client that reaches it by a name needs [WithHosts].
func Listen(addr string, opts ...Option) (*Server, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("emulator: address %q: %w: use host:port, such as 127.0.0.1:8787", addr, err)
	}
	//nolint:noctx // a loopback listener is there at once or not at all
	listener, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port))
	if err != nil {
		return nil, fmt.Errorf("emulator: %w%s", err, wayOut(err, port))
	}
	s := &Server{Emulator: New(opts...), URL: "http://" + listener.Addr().String(), served: make(chan struct{})}
	if s.opts.inspector {
		s.inspector = s.Inspector()
	}
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // it would report the connections that faults break
		ConnState:         s.track,
	}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.stop() // the listener broke: what is held back ends, new connections are refused
		}
	}()
	return s, nil
}

// wayOut says what to do where a listener could not be had.
func wayOut(err error, port string) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return ": another program has port " + port + ", perhaps an emulator that still runs: end it, or use port 0 for any free one"
	case errors.Is(err, syscall.EACCES):
		return ": port " + port + " takes rights that this program does not have: use one of 1024 and above, or 0 for any free one"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return ": this machine does not have that address: use 127.0.0.1"
	}
	return ""
}

// serve counts the requests under way. A connection is in conns when its handler starts, so the
// count cannot rise from 0 while Close waits for it: Close waits for conns first.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.handlers.Add(1)
	defer s.handlers.Done()
	if s.inspector != nil && (r.URL.Path == InspectorPath || strings.HasPrefix(r.URL.Path, InspectorPath+"/")) {
		s.inspector.ServeHTTP(w, r)
		return
	}
	s.Emulator.ServeHTTP(w, r)
}

// track counts connections.
func (s *Server) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	}
}

// Close stops listening, breaks the connections, ends what hangs, and waits for all of it. It may
// be called any number of times. The services' data and the record stay readable.
func (s *Server) Close() {
	s.closeOnce.Do(func() {
		s.stop()
		_ = s.http.Close() // the listener's error: it is closed one way or the other
	})
	<-s.served
	s.conns.Wait()
	s.handlers.Wait()
}

// Env returns NAME=value for every setting that points a client at this server, ready for os.Setenv
// or a shell.
func (s *Server) Env() []string { return environment(s.URL) }

// environment is Env for a base URL.
func environment(base string) []string {
	return []string{
		"PLAYLINE_SMOOVEN_KEY=" + SmoovenKey,
		"PLAYLINE_SMOOVEN_APP_ID=" + SmoovenAppID,
		"PLAYLINE_SMOOVEN_URL=" + base + SmoovenPath,
		"PLAYLINE_FYNO_WORKSPACE=" + FynoWorkspace,
		"PLAYLINE_FYNO_VERSION=" + FynoVersion,
		"PLAYLINE_FYNO_KEY=" + FynoKey,
		"PLAYLINE_FYNO_URL=" + base + FynoPath,
		"PLAYLINE_PLAYSMART_URL=" + base + PlaySmartPath,
		"PLAYLINE_SMARTSENDER_TOKEN=" + SmartSenderToken,
		"PLAYLINE_SMARTSENDER_URL=" + base + SmartSenderPath,
		"PLAYLINE_SUNSHINE_APP_ID=" + SunshineAppID,
		"PLAYLINE_SUNSHINE_KEY_ID=" + SunshineKeyID,
		"PLAYLINE_SUNSHINE_SECRET=" + SunshineSecret,
		"PLAYLINE_SUNSHINE_URL=" + base + SunshinePath,
	}
}
