package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/playline/playline-go/emulator"
)

// settings are what the flags say.
type settings struct {
	addr   string
	faults []emulator.Fault
	seed   uint64
	quiet  bool
	plain  bool // no inspector

	hosts      []string // names under which clients reach the emulator
	expose     bool     // to other machines
	operations bool     // list them, and no more
}

const help = `playline-emulator serves the five services that playline talks to, in one process.

  playline-emulator [-addr host:port] [-fault script]... [-seed n] [-quiet] [-no-inspector]
  playline-emulator -operations
  playline-emulator -addr 0.0.0.0:8787 -expose -host emulator     for other containers, who call it emulator

Its inspector, a web page, shows what arrives and what the services hold, and has switches for faults.

A fault script is WHERE:WHAT, with more settings after commas:

  fireEvent:429,retry-after=2,times=3   three times "too many requests" for an operation
  playsmart:reset-after,skip=10         after ten requests, every reply of a service is lost
  *:503,p=0.1                           a tenth of all requests is refused
  *:delay=200ms                         everything takes 200 ms longer

  WHERE  an operation (fireEvent or Events.Fire; -operations lists them), a service (smooven, fyno, playsmart,
         smartsender, sunshine), or * for everything
  WHAT   a status from 200 to 599, or one of
           reset-before  the connection is reset before the request is read
           reset-after   the request is carried out, then the connection is reset
           hang          no reply, nothing carried out
           hang-after    the request is carried out, no reply
           half-body     the request is carried out, half of the reply arrives
           not-json      an HTML page instead of a reply
           delay=D       a pause of D (such as 200ms), then the usual reply
  then   skip=N          so many requests pass first
         times=N         so many are hit (default: all)
         p=0.1           the probability to be hit (default: 1)
         delay=D         a pause before
         retry-after=S   a Retry-After header of S seconds; with a status
         body=TEXT       the body to send with a status; must be the last setting, and may hold commas

Flags:
`

// parseFlags reads the command line. Mistakes come back as an error; -help prints the help and is
// flag.ErrHelp.
func parseFlags(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("playline-emulator", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error, once
	flags.StringVar(&s.addr, "addr", "127.0.0.1:8787", "the address to listen on; port 0 is any free port")
	flags.Func("fault", "a fault script; may be given several times, the first that fits acts", func(script string) error {
		fault, err := parseFault(script)
		s.faults = append(s.faults, fault)
		return err
	})
	flags.Uint64Var(&s.seed, "seed", 1, "the seed of the faults' probabilities")
	flags.BoolVar(&s.quiet, "quiet", false, "print no line for each request")
	flags.BoolVar(&s.plain, "no-inspector", false, "serve no web page at "+emulator.InspectorPath)
	flags.Func("host", "a `name` under which clients reach the emulator, beside addresses and localhost; may be given several times", func(name string) (err error) {
		defer func() {
			if recover() != nil { // WithHosts is for programs, where a wrong name is a mistake in the code
				err = errors.New("write a host's name without a port, such as emulator.internal")
			}
		}()
		emulator.WithHosts(name)
		s.hosts = append(s.hosts, name)
		return nil
	})
	flags.BoolVar(&s.expose, "expose", false, "let other machines in; -addr must name an address that they reach, such as 0.0.0.0:8787")
	flags.BoolVar(&s.operations, "operations", false, "list the operations under both of their names, and end")
	flags.Usage = func() {
		fmt.Fprint(stderr, help)
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		flags.SetOutput(io.Discard)
	}
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q: see -help", flags.Arg(0))
	}
	if !s.expose && !isLoopback(s.addr) {
		return settings{}, fmt.Errorf("-addr %s lets other machines use this emulator, whose credentials are public and whose inspector shows one-time codes: "+
			"use 127.0.0.1, or add -expose if that is meant", s.addr)
	}
	return s, nil
}

// isLoopback reports whether only this machine reaches an address. Listen refuses a text that is no
// address.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host == "" || strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// parseFault reads a fault script.
func parseFault(script string) (emulator.Fault, error) {
	where, rest, ok := strings.Cut(script, ":")
	if !ok || where == "" || rest == "" {
		return emulator.Fault{}, fmt.Errorf("fault %q: write WHERE:WHAT, such as fireEvent:503", script)
	}
	var fault emulator.Fault
	switch where {
	case "*":
	case emulator.Smooven, emulator.Fyno, emulator.PlaySmart, emulator.SmartSender, emulator.Sunshine:
		fault.Service = where
	default:
		fault.Operation = where
	}
	rest, body, hasBody := strings.Cut(rest, ",body=")
	if hasBody {
		fault.Body = body
	}
	for setting := range strings.SplitSeq(rest, ",") {
		if err := applySetting(&fault, setting); err != nil {
			return emulator.Fault{}, fmt.Errorf("fault %q: %w", script, err)
		}
	}
	if fault.String() == "" {
		return emulator.Fault{}, fmt.Errorf("fault %q: says nothing to do: add a status, a mode or delay=D", script)
	}
	return fault, fault.Validate()
}

// applySetting reads one of the comma-separated parts of a script.
func applySetting(fault *emulator.Fault, setting string) (err error) {
	name, value, hasValue := strings.Cut(setting, "=")
	if !hasValue {
		return applyAction(fault, setting)
	}
	switch name {
	case "skip":
		fault.Skip, err = strconv.Atoi(value)
	case "times":
		fault.Times, err = strconv.Atoi(value)
	case "p":
		fault.Probability, err = strconv.ParseFloat(value, 64)
		if err == nil && fault.Probability == 0 {
			return errors.New("p: must be above 0, such as 0.1")
		}
	case "delay":
		fault.Delay, err = time.ParseDuration(value)
	case "retry-after":
		var seconds uint64
		seconds, err = strconv.ParseUint(value, 10, 32)
		fault.RetryAfter = time.Duration(seconds) * time.Second
	default:
		return fmt.Errorf("no setting %q: use skip, times, p, delay, retry-after or body", name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// applyAction reads a status or the name of a mode.
func applyAction(fault *emulator.Fault, action string) error {
	if status, err := strconv.Atoi(action); err == nil {
		fault.Status = status
		return nil
	}
	for _, mode := range []emulator.Mode{
		emulator.ResetBefore, emulator.ResetAfter, emulator.Hang, emulator.HangAfter, emulator.HalfBody, emulator.NotJSON,
	} {
		if mode.String() == action {
			fault.Mode = mode
			return nil
		}
	}
	return fmt.Errorf("%q is neither a status nor a mode: see -help", action)
}
