package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// nodesRole is the role of a process with NATS servers. It is separate from the worker, so that the
// CPU of each side counts for itself.
const nodesRole = "nodes-process"

// nodeConfig configures a node that writes to its disk before it acknowledges, as package relay
// requires.
const nodeConfig = `
server_name: "node-%[1]d"
listen: "127.0.0.1:-1"
jetstream { store_dir: %[2]q, sync_interval: always }
cluster { name: "bench", listen: %[3]q, routes: [%[4]s] }
`

// nodesUsage is the resources that the nodes have used so far.
type nodesUsage struct {
	CPU  float64 `json:"cpu"`  // seconds, of all of them
	Disk int64   `json:"disk"` // bytes, of all of them
}

// serveNodes starts a cluster and prints its URLs. It answers each line from stdin with its usage,
// until stdin is closed.
func serveNodes(count string) (err error) {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "playline-bench-nats-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ports, err := freePorts(n)
	if err != nil {
		return err
	}
	var servers []*server.Server
	defer func() {
		for _, s := range servers {
			s.Shutdown()
			s.WaitForShutdown()
		}
	}()
	var urls []string
	for i, at := range ports {
		s, err := startNode(dir, i, at, ports)
		if err != nil {
			return err
		}
		servers, urls = append(servers, s), append(urls, s.ClientURL())
	}
	for _, s := range servers {
		if !s.ReadyForConnections(20 * time.Second) {
			return fmt.Errorf("NATS: %s does not come up", s.Name())
		}
	}
	fmt.Fprintln(os.Stdout, strings.Join(urls, ","))
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		used := nodesUsage{CPU: usageNow().cpu.Seconds()}
		if used.Disk, err = size(dir); err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(used); err != nil {
			return err
		}
	}
	return nil
}

func startNode(dir string, i int, at string, ports []string) (*server.Server, error) {
	file := filepath.Join(dir, fmt.Sprintf("node-%d.conf", i))
	text := fmt.Sprintf(nodeConfig, i, filepath.Join(dir, fmt.Sprintf("node-%d", i)), at, `"nats://`+strings.Join(ports, `", "nats://`)+`"`)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		return nil, err
	}
	options.NoLog, options.NoSigs = true, true
	s, err := server.NewServer(options)
	if err != nil {
		return nil, err
	}
	s.Start()
	return s, nil
}

// freePorts returns free addresses on loopback. They are below the range of ephemeral ports. A
// connection could take an ephemeral port a moment later, and the node that should listen on it
// would never join its cluster.
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

func size(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a file that was deleted meanwhile
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes, err
}

// nodesProcess is a running cluster.
type nodesProcess struct {
	urls  string
	stdin io.WriteCloser
	out   *bufio.Reader
	wait  func() error
}

func startNodes(ctx context.Context, n int) (*nodesProcess, error) {
	cmd, stdin, stdout, err := start(ctx, nodesRole, strconv.Itoa(n))
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	p := &nodesProcess{stdin: stdin, out: bufio.NewReader(stdout), wait: cmd.Wait}
	urls, err := p.out.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start NATS: %w", err), p.stop())
	}
	p.urls = strings.TrimSpace(urls)
	return p, nil
}

// used asks the nodes for their usage.
func (p *nodesProcess) used() (u nodesUsage, err error) {
	if _, err := io.WriteString(p.stdin, "\n"); err != nil {
		return u, err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return u, fmt.Errorf("NATS: %w", err)
	}
	err = json.Unmarshal(line, &u)
	return u, err
}

// stop ends the nodes, and waits until they have removed their files.
func (p *nodesProcess) stop() error {
	return errors.Join(p.stdin.Close(), p.wait())
}

// untilReady repeats its question until the cluster has elected a leader. Before that the cluster
// does not answer.
func untilReady(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		once, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := do(once)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}
