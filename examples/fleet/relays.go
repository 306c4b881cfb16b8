package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/relay"
)

// relayMode is this program's first argument in a relay's process.
const relayMode = "-relay-process"

// relays are processes of this program, so that one can be killed as a machine would do it.
type relays struct {
	nodes   *nodes
	service string
	running []*process
}

type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser // ends the relay when it is closed, also where this process is killed
	stdout *bufio.Reader
}

func (r *relays) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, relayMode, r.nodes.urls(), r.service)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p := &process{cmd, stdin, bufio.NewReader(stdout)}
	r.running = append(r.running, p)
	if _, err := p.stdout.ReadString('\n'); err != nil {
		return fmt.Errorf("a relay did not start: %w", err)
	}
	return nil
}

// killOne ends the first relay without a warning.
func (r *relays) killOne() {
	p := r.running[0]
	r.running = r.running[1:]
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // that it was killed is no news
}

func (r *relays) kill() {
	for len(r.running) > 0 {
		r.killOne()
	}
}

// close shuts the relays down and returns the sum of their counts.
func (r *relays) close() (relay.Stats, error) {
	sum := relay.Stats{DeadLetters: map[string]int64{}}
	var errs []error
	for _, p := range r.running {
		errs = append(errs, p.stdin.Close())
	}
	for _, p := range r.running {
		var s relay.Stats
		errs = append(errs, json.NewDecoder(p.stdout).Decode(&s), p.cmd.Wait())
		sum.Delivered += s.Delivered
		sum.PossibleDuplicates += s.PossibleDuplicates
		sum.Requests += s.Requests
		for result, n := range s.DeadLetters {
			sum.DeadLetters[result] += n
		}
	}
	r.running = nil
	return sum, errors.Join(errs...)
}

// serveRelay is the main function of a relay: it delivers until its standard input ends.
func serveRelay(nodes, service string) error {
	signal.Ignore(os.Interrupt) // Ctrl-C is for the first process, whose end closes the pipe
	js, err := connect(nodes, relay.RoleRelay)
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	client, err := playline.New(playline.WithPlaySmart(), playline.WithBaseURL(playline.PlaySmart, service+emulator.PlaySmartPath))
	if err != nil {
		return err
	}
	sender, err := client.BatchSender()
	if err != nil {
		return err
	}
	// A real relay asks the game's session service. The emulator takes tokens of any emulator.
	tokens := emulator.New()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := relay.Start(ctx, js, relay.Config{
		Stream: stream, Sender: sender,
		Batcher: batcher.Config{
			GameID: gameID, Linger: 200 * time.Millisecond,
			Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
				return batcher.Token{Value: batcher.Secret(tokens.Token(userID, time.Hour))}, nil
			}),
		},
	})
	if err != nil {
		return err
	}
	fmt.Println("up")
	_, _ = io.Copy(io.Discard, os.Stdin)
	closing, cancelClosing := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancelClosing()
	if err := r.Close(closing); err != nil {
		return err
	}
	s := r.Stats()
	s.LastError = nil // an interface has no way through JSON
	return json.NewEncoder(os.Stdout).Encode(s)
}
