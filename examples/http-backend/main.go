// Http-backend is a JSON API that logs players in with one-time passwords: Fyno sends them and
// checks them. It limits each network and the guesses at each account, lets no stranger lock an
// owner out, never says whether a number has an account, and on SIGTERM finishes running requests
// before it stops.
//
// Without arguments it plays a client against itself and an emulator of Fyno, is shut down by a
// signal, and compares totals:
//
//	go run ./examples/http-backend
//
// With an address it serves, and takes the workspace from the PLAYLINE_FYNO_... variables:
//
//	go run ./examples/http-backend -addr 127.0.0.1:8080 -accounts +61400000001,+61400000002
//	curl -d '{"phone":"+61400000001"}' http://127.0.0.1:8080/otp
//	curl -d '{"login":"...","code":"123456"}' http://127.0.0.1:8080/otp/verify
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/playline/playline-go"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "http-backend:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("http-backend", flag.ContinueOnError)
	addr := flags.String("addr", "", "serve on this address; without it a demonstration runs")
	accounts := flags.String("accounts", "", "phone numbers that have an account, separated by commas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *addr == "" {
		return demonstrate(ctx, out)
	}
	client, err := playline.NewFromEnv()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(out, nil))
	log.Info("serving", "address", listener.Addr().String())
	return serve(ctx, listener, newBackend(client, log, strings.Split(*accounts, ",")...))
}

// grace is how long requests under way may take after SIGTERM. Kubernetes gives
// 30 seconds by default before it kills, so this stays below.
const grace = 20 * time.Second

// serve answers until ctx ends, then takes no more requests, and returns when those under way are
// answered and their messages sent.
func serve(ctx context.Context, listener net.Listener, b *backend) error {
	server := &http.Server{
		Handler:           b.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	b.log.Info("shutting down")
	// ctx has ended, but running requests have not.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return fmt.Errorf("requests were still under way %s after the signal: %w", grace, err)
	}
	b.sending.Wait() // no handler runs any more, so none is added; each ends by its own timeout
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
