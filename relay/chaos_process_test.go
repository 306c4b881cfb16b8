//go:build linux

package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// The processes of the chaos: this test program, started again as a node, a relay or a publisher.
// Each ends when its standard input does, so that none outlives the test.

const chaosEnv = "PLAYLINE_CHAOS_PROCESS"

// chaosTask is what a process is told.
type chaosTask struct {
	Role    string // node, relay, publisher
	Config  string // of a node: its configuration file
	NATS    string
	Service string
	Name    string
	Out     string // where it writes what it saw
	Rate    int    // bursts per second of a publisher
}

// chaosProcess is one process.
type chaosProcess struct {
	t     *testing.T
	task  chaosTask
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

func (p *chaosProcess) start() {
	p.t.Helper()
	self, err := os.Executable()
	require.NoError(p.t, err)
	task, err := json.Marshal(p.task)
	require.NoError(p.t, err)
	p.cmd = exec.CommandContext(context.WithoutCancel(p.t.Context()), self)
	p.cmd.Env = append(os.Environ(), chaosEnv+"="+string(task))
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.OpenFile(p.task.Out+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(p.t, err)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, p.cmd.Start())
	require.NoError(p.t, log.Close())
}

func (p *chaosProcess) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends it as a crash does.
func (p *chaosProcess) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// end lets it end in good order.
func (p *chaosProcess) end() error {
	_ = p.stdin.Close()
	return p.cmd.Wait()
}

// chaosMain runs this process's role, if it has one.
func chaosMain() bool {
	text := os.Getenv(chaosEnv)
	if text == "" {
		return false
	}
	signal.Ignore(os.Interrupt)
	var task chaosTask
	err := json.Unmarshal([]byte(text), &task)
	if err == nil {
		err = map[string]func(chaosTask) error{"node": chaosNode, "relay": chaosRelay, "publisher": chaosPublisher}[task.Role](task)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
	return true
}

// stdinEnds is closed when this process is to end.
func stdinEnds() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	return ended
}

func chaosNode(task chaosTask) error {
	options, err := server.ProcessConfigFile(task.Config)
	if err != nil {
		return err
	}
	options.NoSigs = true
	s, err := server.NewServer(options)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	<-stdinEnds()
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

func chaosConnect(urls string) (jetstream.JetStream, error) {
	nc, err := nats.Connect(urls, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.RetryOnFailedConnect(true),
		nats.Timeout(2*time.Second), nats.PingInterval(2*time.Second), nats.MaxPingsOutstanding(2))
	if err != nil {
		return nil, err
	}
	return jetstream.New(nc)
}

// again tries until it works or the process is to end.
func again(ended <-chan struct{}, try func(context.Context) error) error {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := try(ctx)
		cancel()
		if err == nil {
			return nil
		}
		fmt.Fprintln(os.Stderr, time.Now().Format(time.StampMilli), err)
		select {
		case <-ended:
			return err
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func chaosRelay(task chaosTask) error {
	ended := stdinEnds()
	js, err := chaosConnect(task.NATS)
	if err != nil {
		return err
	}
	client, err := playline.New(playline.WithPlaySmart(), playline.WithBaseURL(playline.PlaySmart, task.Service+emulator.PlaySmartPath))
	if err != nil {
		return err
	}
	sender, err := client.BatchSender()
	if err != nil {
		return err
	}
	tokens := emulator.New()
	var r *Relay
	err = again(ended, func(ctx context.Context) (err error) {
		r, err = Start(ctx, js, Config{
			Stream: "EVENTS", Sender: sender, Name: task.Name, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
			Batcher: batcher.Config{
				GameID: gameID, Linger: 100 * time.Millisecond, AtMostOnce: []batcher.EventType{batcher.IAPPurchase},
				Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
					return batcher.Token{Value: batcher.Secret(tokens.Token(userID, time.Hour))}, nil
				}),
			},
		})
		return err
	})
	if err != nil {
		return nil // the chaos ended before the streams answered
	}
	write := func() {
		s := r.Stats()
		s.LastError, s.StreamError = nil, nil // interfaces have no way through JSON
		if body, err := json.Marshal(s); err == nil && os.WriteFile(task.Out+".tmp", body, 0o600) == nil {
			_ = os.Rename(task.Out+".tmp", task.Out+".json")
		}
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for open := true; open; {
		select {
		case <-tick.C:
			write()
		case <-ended:
			open = false
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err = r.Close(ctx)
	write()
	return err
}

// chaosTypes are the types that a publisher sends; the first is sent at most once.
var chaosTypes = []batcher.EventType{batcher.IAPPurchase, batcher.LevelCompleted, batcher.GameEnd}

// chaosPlayers is how many players a publisher has.
const chaosPlayers = 20

// chaosPublisher plays until it is to end. Each event that the stream has acknowledged is a line of
// its file, written when the publisher learns it.
func chaosPublisher(task chaosTask) error {
	ended := stdinEnds()
	js, err := chaosConnect(task.NATS)
	if err != nil {
		return err
	}
	acknowledged, err := os.OpenFile(filepath.Clean(task.Out), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	cfg := batcher.Config{GameID: gameID, OnOutcome: func(o batcher.Outcome) {
		if o.Result != batcher.Delivered {
			return
		}
		var lines []byte
		for _, r := range o.Records {
			n, typ := chaosNumber(r.JSON)
			lines = fmt.Appendf(lines, "%s %d %s\n", o.UserID, n, typ)
		}
		_, _ = acknowledged.Write(lines)
	}}
	var p *Publisher
	if err := again(ended, func(ctx context.Context) (err error) {
		p, err = NewPublisher(ctx, js, "EVENTS", cfg)
		return err
	}); err != nil {
		return err
	}
	tick := time.NewTicker(time.Second / time.Duration(task.Rate))
	defer tick.Stop()
	var next [chaosPlayers]int
	for open := true; open; {
		select {
		case <-tick.C:
		case <-ended:
			open = false
			continue
		}
		player := rand.IntN(chaosPlayers)
		for range 1 + rand.IntN(6) {
			n := next[player]
			typ := chaosTypes[min(n%10, 2)] // a tenth is sent at most once, a tenth the second, the others the third
			err := p.TryTrack(fmt.Sprintf("%s-%02d", task.Name, player), batcher.Event{Type: typ, Data: []slog.Attr{slog.Int("n", n)}})
			if err != nil {
				break // memory is full while NATS is gone
			}
			next[player]++
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = p.Close(ctx)
	return errors.Join(err, acknowledged.Close())
}

// chaosNumber returns the number and the type of an event.
func chaosNumber(event []byte) (int, batcher.EventType) {
	var in struct {
		Type batcher.EventType `json:"type"`
		Data struct {
			N int `json:"n"`
		} `json:"customdata"`
	}
	if json.Unmarshal(event, &in) != nil {
		return -1, ""
	}
	return in.Data.N, in.Type
}
