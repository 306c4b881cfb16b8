package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/relay"
)

// nodes are NATS servers in this process, a cluster.
type nodes struct {
	dir     string
	servers []*server.Server
}

// nodeConfig has the settings that a real server needs too. With sync_interval a node acknowledges
// only synced messages. The accounts are those of relay.ServerConfig: each program has the rights
// of its role alone. A real server takes the passwords from its environment.
const nodeConfig = `
server_name: %q
listen: "127.0.0.1:-1"
jetstream { store_dir: %q, sync_interval: always }
cluster { name: "fleet", listen: %q, routes: [%s] }
EVENTS_SETUP_PASSWORD: "secret"
EVENTS_RELAY_PASSWORD: "secret"
EVENTS_SUPPORT_PASSWORD: "secret"
EVENTS_GAME_SERVER_PASSWORD: "secret"
accounts {
  SYS { users: [{user: "system", password: "secret"}] }
%s}
system_account: SYS
`

// streams carry the fleet's events.
var streams = relay.StreamConfig{Name: stream, Partitions: 12, LeaseTTL: 3 * time.Second}

func startNodes(n int) (*nodes, error) {
	dir, err := os.MkdirTemp("", "playline-fleet-")
	if err != nil {
		return nil, err
	}
	c := &nodes{dir: dir}
	ports, err := freePorts(n)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	var routes []string
	for _, at := range ports {
		routes = append(routes, `"nats://`+at+`"`)
	}
	accounts, err := relay.ServerConfig(streams, gameID)
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	for i, at := range ports {
		name := fmt.Sprintf("node-%d", i+1)
		file := filepath.Join(dir, name+".conf")
		text := fmt.Sprintf(nodeConfig, name, filepath.Join(dir, name), at, strings.Join(routes, ", "), accounts)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, errors.Join(err, c.stop())
		}
		options, err := server.ProcessConfigFile(file)
		if err != nil {
			return nil, errors.Join(err, c.stop())
		}
		options.NoLog, options.NoSigs = true, true
		s, err := server.NewServer(options)
		if err != nil {
			return nil, errors.Join(err, c.stop())
		}
		c.servers = append(c.servers, s)
		s.Start()
	}
	for _, s := range c.servers {
		if !s.ReadyForConnections(20 * time.Second) {
			return nil, errors.Join(fmt.Errorf("%s does not come up", s.Name()), c.stop())
		}
	}
	return c, nil
}

// freePorts returns addresses on loopback that nobody listens on. They lie below the ports that
// systems hand out by themselves: one of those could be the end of somebody's connection a moment
// later, and the node that should listen there would never be part of its cluster.
func freePorts(n int) ([]string, error) {
	var out []string
	for range 100 * n {
		if len(out) == n {
			break
		}
		at := "127.0.0.1:" + strconv.Itoa(20_000+rand.IntN(12_000))
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", at)
		if err != nil {
			continue
		}
		defer l.Close() //nolint:gocritic // held until all are found, so that none is found twice
		out = append(out, at)
	}
	if len(out) < n {
		return nil, errors.New("no free ports on loopback")
	}
	return out, nil
}

func (c *nodes) urls() string {
	var out []string
	for _, s := range c.servers {
		out = append(out, s.ClientURL())
	}
	return strings.Join(out, ",")
}

// connect returns a connection that finds its way to whichever node is up.
func (c *nodes) connect(role relay.Role) (jetstream.JetStream, error) { return connect(c.urls(), role) }

func connect(urls string, role relay.Role) (jetstream.JetStream, error) {
	permission, err := relay.Permissions(role, streams, gameID)
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(urls, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond),
		nats.UserInfo("events-"+string(role), "secret"), nats.CustomInboxPrefix(permission.Inbox))
	if err != nil {
		return nil, err
	}
	return jetstream.New(nc)
}

// system returns a connection that may look at the servers themselves.
func (c *nodes) system() (*nats.Conn, error) {
	return nats.Connect(c.servers[0].ClientURL(), nats.UserInfo("system", "secret"))
}

// killLeader ends the node that leads the stream.
func (c *nodes) killLeader(ctx context.Context, js jetstream.JetStream) {
	leader := ""
	if s, err := js.Stream(ctx, stream); err == nil && s.CachedInfo().Cluster != nil {
		leader = s.CachedInfo().Cluster.Leader
	}
	for _, s := range c.servers {
		if s.Name() == leader {
			s.Shutdown()
			return
		}
	}
	c.servers[0].Shutdown()
}

// stop ends all nodes and removes their files.
func (c *nodes) stop() error {
	for _, s := range c.servers {
		s.Shutdown()
		s.WaitForShutdown()
	}
	return os.RemoveAll(c.dir)
}
