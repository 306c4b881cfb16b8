// Command playline-emulator serves the five emulated services until it is interrupted. It prints
// the environment lines that point a client at it, then one line for each request.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/playline/playline-go/emulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx ends, and returns the exit code: 0 for a clean end, 1 if it could not
// listen, 2 for flags that make no sense.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	settings, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, err)
		return 2
	}
	if settings.operations {
		fmt.Fprint(stdout, emulator.Operations())
		return 0
	}
	if settings.expose {
		fmt.Fprintf(stderr, "warning: every machine that reaches %s can use this emulator: its credentials are public, and the inspector shows one-time codes\n", settings.addr)
	}
	lines := &printer{out: stdout}
	var opts []emulator.Option
	if !settings.quiet {
		opts = append(opts, emulator.WithObserver(lines.request))
	}
	if !settings.plain {
		opts = append(opts, emulator.WithInspector())
	}
	opts = append(opts, emulator.WithHosts(settings.hosts...))
	server, err := emulator.Listen(settings.addr, opts...)
	if err != nil {
		fmt.Fprintf(stderr, "%v; the address comes from -addr, and -addr 127.0.0.1:0 takes a free port\n", err)
		return 1
	}
	defer server.Close()
	for i, fault := range settings.faults {
		fault.Seed = settings.seed + uint64(i) // so that two faults of one probability do not strike together
		server.Inject(fault)
	}
	lines.environment(server, !settings.plain)
	<-ctx.Done()
	return 0
}

// printer writes whole lines from many goroutines.
type printer struct {
	mu  sync.Mutex
	out io.Writer
}

// environment writes what a shell needs to point a client at the server, and where the inspector
// is. The values hold no quote.
func (p *printer) environment(server *emulator.Server, inspector bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "# the emulator listens on %s; paste these lines where your program starts\n", server.URL)
	for _, line := range server.Env() {
		name, value, _ := strings.Cut(line, "=")
		fmt.Fprintf(p.out, "export %s='%s'\n", name, value)
	}
	if inspector {
		fmt.Fprintf(p.out, "# watch it, and break it, at %s%s\n", server.URL, emulator.InspectorPath)
	}
	fmt.Fprintln(p.out, "# Ctrl-C ends it")
}

// request writes one line: time, service, operation, status, latency, and what was special about
// it. It holds no body, no header and no query: credentials and one-time passwords travel there.
func (p *printer) request(r emulator.Request) {
	service, operation, status := r.Service, r.Operation, strconv.Itoa(r.Status)
	if service == "" {
		service = "-"
	}
	if operation == "" {
		operation = r.Method
	}
	if r.Status == 0 {
		status = "---" // no reply was sent
	}
	line := fmt.Sprintf("%s %-11s %-20s %s %8s", r.Time.Format("15:04:05.000"), service, operation, status, r.Latency.Round(time.Microsecond))
	if r.Violation != "" {
		line += fmt.Sprintf("  violates: %q", r.Violation)
	}
	if r.Fault != "" {
		line += "  fault: " + r.Fault
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.out, line)
}
