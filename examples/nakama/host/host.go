// Package host is as much of a Nakama server as the gameplay module touches: it registers hooks,
// calls them as the server does, and keeps storage objects in memory. A call of anything else
// panics.
package host

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

// The hooks' types, as nakama-common writes them out.
type (
	rpc      = func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, string) (string, error)
	event    = func(context.Context, runtime.Logger, *api.Event)
	newMatch = func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error)
	shutdown = func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule)
)

// Server is a Nakama server.
type Server struct {
	runtime.Initializer  // only what is below is there
	runtime.NakamaModule // this too

	env      map[string]string
	log      logger
	rpcs     map[string]rpc
	start    event
	end      event
	match    newMatch
	shutdown shutdown

	mu      sync.Mutex // guards the following
	objects map[object]string
}

// object is a storage object's place.
type object struct{ collection, key, userID string }

// New returns a server with these variables in runtime.env, that logs to out.
func New(out io.Writer, env map[string]string) *Server {
	return &Server{env: env, log: logger{out: out, mu: new(sync.Mutex)}, rpcs: map[string]rpc{}, objects: map[object]string{}}
}

// Load calls a module's InitModule.
func (s *Server) Load(ctx context.Context, init func(context.Context, runtime.Logger, runtime.NakamaModule, runtime.Initializer) error) error {
	return init(s.context(ctx, ""), s.log, s, s)
}

// context is what hooks get: the server's keys are plain strings.
func (s *Server) context(ctx context.Context, userID string) context.Context {
	ctx = context.WithValue(ctx, runtime.RUNTIME_CTX_ENV, maps.Clone(s.env)) //nolint:staticcheck // these are Nakama's keys
	if ctx.Value(runtime.RUNTIME_CTX_CLIENT_IP) == nil {                     // every player is at home
		home := fnv.New32a()
		_, _ = home.Write([]byte(userID))
		address := fmt.Sprintf("2001:db8:%x:%x::1", home.Sum32()>>16, home.Sum32()&0xffff)
		ctx = context.WithValue(ctx, runtime.RUNTIME_CTX_CLIENT_IP, address) //nolint:staticcheck // as above
	}
	return context.WithValue(ctx, runtime.RUNTIME_CTX_USER_ID, userID) //nolint:staticcheck // these are Nakama's keys
}

// RPC calls a function as a player does.
func (s *Server) RPC(ctx context.Context, userID, id, payload string) (string, error) {
	return s.rpcs[id](s.context(ctx, userID), s.log, nil, s, payload)
}

// Connect begins a player's session.
func (s *Server) Connect(ctx context.Context, userID string) {
	s.start(s.context(ctx, userID), s.log, &api.Event{Name: "session_start"})
}

// Disconnect ends it.
func (s *Server) Disconnect(ctx context.Context, userID string) {
	s.end(s.context(ctx, userID), s.log, &api.Event{Name: "session_end"})
}

// Shutdown tells the server to end: the module's function and the end of the matches run side by
// side, as in Nakama.
func (s *Server) Shutdown(ctx context.Context, grace time.Duration, matches ...*Match) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	var ending sync.WaitGroup
	ending.Go(func() { s.shutdown(s.context(ctx, ""), s.log, nil, s) })
	for _, m := range matches {
		m.Terminate(ctx, grace)
	}
	ending.Wait()
}

// RegisterRpc implements runtime.Initializer, as the others do.
func (s *Server) RegisterRpc(id string, fn rpc) error { //nolint:revive // the interface's name
	s.rpcs[id] = fn
	return nil
}

// RegisterEventSessionStart keeps the hook.
func (s *Server) RegisterEventSessionStart(fn event) error { s.start = fn; return nil }

// RegisterEventSessionEnd keeps the hook.
func (s *Server) RegisterEventSessionEnd(fn event) error { s.end = fn; return nil }

// RegisterMatch keeps the handler; there is one.
func (s *Server) RegisterMatch(_ string, fn newMatch) error { s.match = fn; return nil }

// RegisterShutdown keeps the hook.
func (s *Server) RegisterShutdown(fn shutdown) error { s.shutdown = fn; return nil }

// StorageRead implements runtime.NakamaModule, as StorageWrite does.
func (s *Server) StorageRead(_ context.Context, reads []*runtime.StorageRead) ([]*api.StorageObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*api.StorageObject
	for _, r := range reads {
		if value, ok := s.objects[object{r.Collection, r.Key, r.UserID}]; ok {
			found = append(found, &api.StorageObject{Collection: r.Collection, Key: r.Key, UserId: r.UserID, Value: value})
		}
	}
	return found, nil
}

// StorageWrite refuses objects that players could read.
func (s *Server) StorageWrite(_ context.Context, writes []*runtime.StorageWrite) ([]*api.StorageObjectAck, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range writes {
		if w.PermissionRead != 0 || w.PermissionWrite != 0 {
			return nil, fmt.Errorf("%s/%s can be read by players", w.Collection, w.Key)
		}
		s.objects[object{w.Collection, w.Key, w.UserID}] = w.Value
	}
	return nil, nil
}

// logger prints what is a warning or worse, and information.
type logger struct {
	runtime.Logger
	out io.Writer
	mu  *sync.Mutex // guards out
}

func (l logger) print(level, format string, values []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "  nakama %s: %s\n", level, fmt.Sprintf(format, values...))
}

func (l logger) Info(format string, values ...any)  { l.print("info", format, values) }
func (l logger) Warn(format string, values ...any)  { l.print("warn", format, values) }
func (l logger) Error(format string, values ...any) { l.print("error", format, values) }
