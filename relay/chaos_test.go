//go:build linux

package relay

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/emulator"
)

// TestChaos runs three nodes that sync always, three relays and two publishers, each a process, and
// harms them at random. What the stream acknowledged must be at the service or among the dead
// letters, in order, and at most once if it must be; every other copy must be counted by a relay,
// under its own type; and no partition may wait for longer than a minute.
//
// It runs for PLAYLINE_CHAOS, "10m" for example, and not without it. PLAYLINE_CHAOS_SEED repeats a
// choice of harm; what the processes make of it is not repeatable. Relays whose clocks differ are
// not part of it: leases use durations alone, and notes the servers' times.
func TestChaos(t *testing.T) {
	text := os.Getenv("PLAYLINE_CHAOS")
	if text == "" {
		t.Skip("chaos takes long: set PLAYLINE_CHAOS=60s")
	}
	duration, err := time.ParseDuration(text)
	require.NoError(t, err)
	seed := rand.Uint64()
	if text := os.Getenv("PLAYLINE_CHAOS_SEED"); text != "" {
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("PLAYLINE_CHAOS=%s PLAYLINE_CHAOS_SEED=%d go test -v -run TestChaos -timeout 0 ./relay", duration, seed)
	wait := time.Duration(math.MaxInt64)
	if text := os.Getenv("PLAYLINE_CHAOS_WAIT"); text != "" {
		wait, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	c := newChaos(t, seed)
	c.wait = wait
	c.begin()
	c.harm(duration)
	c.settle()
	chaosVerdict(t, c.service, c.js, c.acknowledged, c.counts)
}

const (
	chaosNodes      = 3
	chaosPartitions = 8
	chaosTTL        = 6 * time.Second
)

// chaos is the fleet and what is done to it.
type chaos struct {
	t       *testing.T
	dir     string
	random  *rand.Rand
	service *emulator.Server
	stream  StreamConfig
	js      jetstream.JetStream
	urls    string
	began   time.Time
	wait    time.Duration // the longest that an event may wait

	nodes      []*chaosProcess
	ways       [chaosNodes][chaosNodes]*chaosWay // from one node to another
	relays     []*chaosProcess
	publishers []*chaosProcess
	started    int
	fill       string // a directory on the small disk of node 0, "": it has none

	acknowledged []string // files of publishers
	counts       []string // files of relays
}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	service, err := emulator.Listen("127.0.0.1:0", emulator.WithRecordLimit(0))
	require.NoError(t, err)
	t.Cleanup(service.Close)
	for i, f := range []emulator.Fault{
		{Mode: emulator.ResetAfter, Probability: 0.01},
		{Mode: emulator.ResetBefore, Probability: 0.01},
		{Status: 503, Probability: 0.01},
		{Mode: emulator.HalfBody, Probability: 0.005},
	} {
		f.Operation, f.Seed = "ingestEvents", seed+uint64(i)
		service.Inject(f)
	}
	return &chaos{
		t: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(seed, 1)), service: service, began: time.Now(),
		stream: StreamConfig{Name: "EVENTS", Partitions: chaosPartitions, LeaseTTL: chaosTTL},
	}
}

func (c *chaos) say(format string, args ...any) {
	c.t.Logf("%6.1f s  %s", time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}

// begin starts everything.
func (c *chaos) begin() {
	c.t.Helper()
	clients, routes := chaosPorts(c.t, chaosNodes), chaosPorts(c.t, chaosNodes)
	for i := range chaosNodes {
		for j := range chaosNodes {
			if i != j {
				c.ways[i][j] = newChaosWay(c.t, fmt.Sprintf("127.0.0.1:%d", routes[j]))
			}
		}
	}
	var urls []string
	for i := range chaosNodes {
		var to []string
		for j := range chaosNodes {
			if i != j {
				to = append(to, fmt.Sprintf("%q", "nats://"+c.ways[i][j].addr()))
			}
		}
		out := filepath.Join(c.dir, fmt.Sprintf("node-%d", i))
		require.NoError(c.t, os.MkdirAll(out+"-data", 0o700))
		if i == 0 {
			c.smallDisk(out + "-data")
		}
		text := fmt.Sprintf("server_name: \"node-%d\"\nlisten: \"127.0.0.1:%d\"\nlog_file: %q\njetstream { store_dir: %q, sync_interval: always }\n"+
			"cluster { name: \"chaos\", listen: \"127.0.0.1:%d\", no_advertise: true, routes: [%s], pool_size: 1 }\n",
			i, clients[i], out+".nats", out+"-data", routes[i], strings.Join(to, ", "))
		require.NoError(c.t, os.WriteFile(out+".conf", []byte(text), 0o600))
		c.nodes = append(c.nodes, &chaosProcess{t: c.t, task: chaosTask{Role: "node", Config: out + ".conf", Out: out}})
		c.nodes[i].start()
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", clients[i]))
	}
	c.urls = strings.Join(urls, ",")
	c.t.Cleanup(func() {
		for _, p := range append(append(c.publishers, c.relays...), c.nodes...) {
			p.kill()
		}
	})
	var err error
	c.js, err = chaosConnect(c.urls)
	require.NoError(c.t, err)
	c.t.Cleanup(c.js.Conn().Close)
	c.createStreams()
	for i := range 3 {
		c.relays = append(c.relays, nil)
		c.startRelay(i)
	}
	for i := range 2 {
		c.publishers = append(c.publishers, nil)
		c.startPublisher(i)
	}
	c.say("all is up")
}

func (c *chaos) createStreams() {
	c.t.Helper()
	var err error
	require.Eventually(c.t, func() bool {
		ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
		defer cancel()
		err = CreateStream(ctx, c.js, c.stream)
		return err == nil
	}, 2*time.Minute, 300*time.Millisecond, "%v", &err)
}

// smallDisk gives a node a disk that can be full, if this machine lets a test have one.
func (c *chaos) smallDisk(dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		c.say("no small disk here (%v): a full disk is left out", err)
		return
	}
	c.fill = dir
	c.t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

func (c *chaos) startRelay(i int) {
	c.started++
	out := filepath.Join(c.dir, fmt.Sprintf("relay-%d", c.started))
	c.counts = append(c.counts, out)
	c.relays[i] = &chaosProcess{t: c.t, task: chaosTask{Role: "relay", NATS: c.urls, Service: c.service.URL, Name: filepath.Base(out), Out: out}}
	c.relays[i].start()
}

func (c *chaos) startPublisher(i int) {
	c.started++
	out := filepath.Join(c.dir, fmt.Sprintf("publisher-%d", c.started))
	c.acknowledged = append(c.acknowledged, out)
	c.publishers[i] = &chaosProcess{t: c.t, task: chaosTask{Role: "publisher", NATS: c.urls, Name: fmt.Sprintf("device-%d", c.started), Out: out, Rate: 15}}
	c.publishers[i].start()
}

// harm does one thing after the other for that long, each at least once if there is time.
func (c *chaos) harm(duration time.Duration) {
	c.t.Helper()
	pause := func(d time.Duration) { <-time.After(d) }
	some := func() time.Duration { return time.Duration(1+c.random.IntN(4)) * time.Second }
	deeds := []struct {
		name string
		do   func()
	}{
		{"a relay is killed", func() { i := c.random.IntN(len(c.relays)); c.relays[i].kill(); pause(some()); c.startRelay(i) }},
		{"the leases are purged", func() {
			ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
			defer cancel()
			if s, err := c.js.Stream(ctx, "EVENTS-leases"); err == nil {
				_ = s.Purge(ctx) // the servers may be electing a leader
			}
		}},
		{"a node is killed", func() { i := c.random.IntN(chaosNodes); c.nodes[i].kill(); pause(some()); c.nodes[i].start() }},
		{"a relay stands still, for longer than its lease", func() {
			i := c.random.IntN(len(c.relays))
			c.relays[i].signal(syscall.SIGSTOP)
			pause(chaosTTL + some())
			c.relays[i].signal(syscall.SIGCONT)
		}},
		{"all consumers are deleted", func() {
			ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
			defer cancel()
			game, _ := token(gameID)
			for n := range chaosPartitions {
				_ = c.js.DeleteConsumer(ctx, "EVENTS", consumerName(game, n))
			}
		}},
		{"a publisher is killed", func() { i := c.random.IntN(len(c.publishers)); c.publishers[i].kill(); c.startPublisher(i) }},
		{"the leases are deleted and created again", func() {
			ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
			_ = c.js.DeleteStream(ctx, "EVENTS-leases")
			cancel()
			c.createStreams()
		}},
		{"a node stands still", func() {
			i := c.random.IntN(chaosNodes)
			c.nodes[i].signal(syscall.SIGSTOP)
			pause(2 * some())
			c.nodes[i].signal(syscall.SIGCONT)
		}},
		{"a node is cut off from the others", func() {
			i := c.random.IntN(chaosNodes)
			c.cut(i, true)
			pause(3 * some())
			c.cut(i, false)
		}},
		{"all nodes are killed", func() {
			for _, n := range c.nodes {
				n.kill()
			}
			pause(some())
			for _, n := range c.nodes {
				n.start()
			}
		}},
		{"the service is down", func() {
			back := c.service.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503})
			pause(2 * some())
			back()
		}},
		{"a publisher stands still", func() {
			i := c.random.IntN(len(c.publishers))
			c.publishers[i].signal(syscall.SIGSTOP)
			pause(2 * some())
			c.publishers[i].signal(syscall.SIGCONT)
		}},
		{"the disk of a node is full", func() {
			if c.fill == "" {
				return
			}
			name := filepath.Join(c.fill, "ballast")
			_ = os.WriteFile(name, make([]byte, 64<<20), 0o600) // as much as there is room for
			pause(2 * some())
			_ = os.Remove(name)
			c.nodes[0].kill() // a node that had no room leaves JetStream until it is started again
			c.nodes[0].start()
		}},
	}
	ctx, cancel := context.WithCancel(c.t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { c.watch(ctx) })
	defer watching.Wait()
	defer cancel()
	pause(3 * time.Second)
	order := c.random.Perm(len(deeds))
	for i, until := 0, time.Now().Add(duration); time.Now().Before(until); i++ {
		deed := deeds[c.random.IntN(len(deeds))]
		if i < len(order) {
			deed = deeds[order[i]]
		}
		c.say("%s", deed.name)
		deed.do()
		pause(2 * time.Second)
	}
}

// cut takes a node's ways to the others away, as a network does: nothing arrives, and nothing is
// refused.
func (c *chaos) cut(node int, cut bool) {
	for other := range chaosNodes {
		if other != node {
			c.ways[node][other].cut.Store(cut)
			c.ways[other][node].cut.Store(cut)
		}
	}
}

// watch notes how long the oldest event of a partition waits, and fails if it may not be so long.
func (c *chaos) watch(ctx context.Context) {
	worst := time.Duration(0)
	defer func() { c.say("the oldest event that was seen had waited %s", worst.Round(100*time.Millisecond)) }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(2 * time.Second):
		}
		look, cancel := context.WithTimeout(ctx, 5*time.Second)
		if s, err := c.js.Stream(look, "EVENTS"); err == nil {
			for n := range chaosPartitions {
				m, err := s.GetMsg(look, 1, jetstream.WithGetMsgSubject(fmt.Sprintf("events.%d.*.*", n)))
				if err != nil {
					continue
				}
				waited := time.Since(m.Time)
				worst = max(worst, waited)
				assert.LessOrEqual(c.t, waited, c.wait, "partition %d", n)
			}
		}
		cancel()
	}
}

// settle ends the publishers, waits until the stream is empty, and ends the relays.
func (c *chaos) settle() {
	c.t.Helper()
	for _, p := range c.publishers {
		assert.NoError(c.t, p.end(), "%s: %s", p.task.Name, tail(p.task.Out+".log"))
	}
	c.drain()
	for _, p := range c.relays {
		assert.NoError(c.t, p.end(), "%s: %s", p.task.Name, tail(p.task.Out+".log"))
	}
}

// drain waits until the stream is empty. It fails if nothing leaves the stream for three minutes:
// a slow machine takes long, but only a partition that nobody serves stays as it is.
func (c *chaos) drain() {
	c.t.Helper()
	left, since := uint64(math.MaxUint64), time.Now()
	for left > 0 {
		ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
		s, err := c.js.Stream(ctx, "EVENTS")
		cancel()
		if err == nil && s.CachedInfo().State.Msgs < left {
			left, since = s.CachedInfo().State.Msgs, time.Now()
		}
		require.Less(c.t, time.Since(since), 3*time.Minute, "events are left in the stream: %d", left)
		<-time.After(500 * time.Millisecond)
	}
}

// tail is the end of a file.
func tail(name string) string {
	body, _ := os.ReadFile(filepath.Clean(name))
	return string(body[max(len(body)-2000, 0):])
}

func chaosPorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for len(ports) < n {
		if port := freePort(t); !strings.Contains(fmt.Sprint(ports), strconv.Itoa(port)) {
			ports = append(ports, port)
		}
	}
	return ports
}

// chaosWay is the way from one node to another, which can be cut.
type chaosWay struct {
	listener net.Listener
	to       string
	cut      atomic.Bool
}

func newChaosWay(t *testing.T, to string) *chaosWay {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	w := &chaosWay{listener: l, to: to}
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(from)
		}
	}()
	return w
}

func (w *chaosWay) addr() string { return w.listener.Addr().String() }

func (w *chaosWay) carry(from net.Conn) {
	defer from.Close()
	to, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", w.to)
	if err != nil {
		return
	}
	defer to.Close()
	ended := make(chan struct{}, 2)
	pipe := func(in, out net.Conn) {
		defer func() { ended <- struct{}{} }()
		buffer := make([]byte, 64<<10)
		for {
			n, err := in.Read(buffer)
			for w.cut.Load() {
				<-time.After(20 * time.Millisecond)
			}
			if _, failed := out.Write(buffer[:n]); err != nil || failed != nil {
				return
			}
		}
	}
	go pipe(from, to)
	go pipe(to, from)
	<-ended
}
