// Quickstart plays one evening of a small game through all five services: accounts, players,
// profiles, a one-time password, a contact, a linked client, and a recorded session of 1,000
// gameplay events.
//
// Without settings it talks to an emulator inside this process and compares totals with the
// emulator's own record at the end. With PLAYLINE_... variables (see playline.NewFromEnv) it talks
// to the real services.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "\nquickstart:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	events, err := readSession()
	if err != nil {
		return err
	}
	started := time.Now()
	var client *playline.Client
	var server *emulator.Server
	if configured() {
		fmt.Println("playline quickstart: PLAYLINE_... is set, so these are the services that it names")
		client, err = playline.NewFromEnv()
	} else {
		if server, err = emulator.Listen("127.0.0.1:0"); err != nil {
			return err
		}
		defer server.Close()
		fmt.Println("playline quickstart: an emulator of the five services at", server.URL)
		client, err = playline.New(server.Options()...)
	}
	if err != nil {
		return err
	}
	e := &evening{client: client, server: server, calls: map[string]int{}}
	if err := e.play(ctx, events); err != nil {
		return err
	}
	if server != nil {
		if err := e.compare(events); err != nil {
			return err
		}
	}
	fmt.Printf("\ndone in %s\n", time.Since(started).Round(time.Millisecond))
	return nil
}

// configured reports whether the environment names a service.
func configured() bool {
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, "PLAYLINE_") {
			return true
		}
	}
	return false
}

// step runs one step and prints what came of it, and how long it took. A service that is not
// configured is skipped: with real credentials few people have all five.
func (e *evening) step(ctx context.Context, title string, do func(context.Context) (string, error)) error {
	began := time.Now()
	said, err := do(ctx)
	took := time.Since(began)
	switch {
	case errors.Is(err, playline.ErrNotConfigured):
		fmt.Printf("  %-34s skipped: not configured\n", title)
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", strings.ToLower(title), err)
	}
	fmt.Printf("  %-34s %8s   %s\n", title, took.Round(10*time.Microsecond), said)
	return nil
}
