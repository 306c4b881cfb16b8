package main

import (
	"bufio"
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/emulator"
)

// The program: its flags, its output, its end.

func TestRunServesUntilInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-fault", "getPlayer:503,skip=1", "-seed", "3"}, write, io.Discard)
		write.Close()
	}()
	out := bufio.NewScanner(read)
	env := make(map[string]string)
	page := ""
	for out.Scan() && out.Text() != "# Ctrl-C ends it" {
		if _, address, ok := strings.Cut(out.Text(), "break it, at "); ok {
			page = address
		}
		if line, ok := strings.CutPrefix(out.Text(), "export "); ok {
			name, value, _ := strings.Cut(line, "=")
			env[name] = strings.Trim(value, "'")
		}
	}
	require.Len(t, env, 14)

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	get := func(target string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+env["PLAYLINE_SMOOVEN_KEY"])
		status := make(chan int)
		go func() { // the line is written before the reply, and the pipe has no buffer
			resp, err := transport.RoundTrip(r)
			if assert.NoError(t, err) {
				resp.Body.Close()
				status <- resp.StatusCode
			}
			close(status)
		}()
		require.True(t, out.Scan())
		return <-status
	}
	assert.Equal(t, 404, get(env["PLAYLINE_SMOOVEN_URL"]+"/players/ply_1"))
	assert.Regexp(t, `^\d\d:\d\d:\d\d\.\d{3} smooven     getPlayer            404 +\S+s$`, out.Text())
	assert.Equal(t, 503, get(env["PLAYLINE_SMOOVEN_URL"]+"/players/ply_1"))
	assert.Regexp(t, `getPlayer +503 +\S+s  fault: status 503$`, out.Text())
	assert.Equal(t, 404, get(env["PLAYLINE_SUNSHINE_URL"]+"/v2?otp=123456"))
	assert.Regexp(t, `^\S+ sunshine +GET +404`, out.Text())
	assert.NotContains(t, out.Text(), "123456")

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page+"/", nil)
	require.NoError(t, err)
	resp, err := transport.RoundTrip(r)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 200, resp.StatusCode, "the inspector is there, and its requests are no lines")

	cancel()
	assert.False(t, out.Scan())
	assert.Equal(t, 0, <-ended)
}

func TestRunRefuses(t *testing.T) {
	taken := httptest.NewServer(nil)
	defer taken.Close()
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"help", []string{"-help"}, 0, "WHERE:WHAT"},
		{"an unknown flag", []string{"-port", "1"}, 2, "-port"},
		{"an argument", []string{"start"}, 2, `unexpected argument "start"`},
		{"a bad fault", []string{"-fault", "fireEvnt:500"}, 2, `no operation "fireEvnt"`},
		{"a bad address", []string{"-addr", "127.0.0.1"}, 1, "missing port"},
		{"all interfaces", []string{"-addr", "0.0.0.0:0"}, 2, "-addr 0.0.0.0:0 lets other machines use this emulator"},
		{"it says which flag", []string{"-addr", "0.0.0.0:0"}, 2, "add -expose if that is meant"},
		{"all interfaces in IPv6", []string{"-addr", "[::]:0"}, 2, "-expose"},
		{"an address of the network", []string{"-addr", "192.0.2.7:0"}, 2, "-expose"},
		{"a name", []string{"-addr", "game.example.com:0"}, 2, "-expose"},
		{"a host with a port", []string{"-host", "emulator:8787"}, 2, "without a port"},
		{"a host with a quote", []string{"-host", "emulator'"}, 2, "without a port"},
		{"an address of another machine", []string{"-addr", "192.0.2.7:0", "-expose"}, 1, "this machine does not have that address"},
		{"a fault of no operation", []string{"-fault", "Verify.Valid:500"}, 2, "validateOTP (Verify.Validate)"},
		{"a taken port says what to do", []string{"-addr", taken.Listener.Addr().String()}, 1, "perhaps an emulator that still runs"},
		{"an address that is taken", []string{"-addr", taken.Listener.Addr().String()}, 1, "-addr 127.0.0.1:0 takes a free port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			assert.Equal(t, tt.code, run(t.Context(), tt.args, &stdout, &stderr))
			assert.Contains(t, stderr.String(), tt.says)
			assert.Empty(t, stdout.String())
		})
	}
}

func TestParseFault(t *testing.T) {
	tests := []struct {
		script string
		want   emulator.Fault
	}{
		{"fireEvent:429,retry-after=2,times=3", emulator.Fault{Operation: "fireEvent", Status: 429, RetryAfter: 2 * time.Second, Times: 3}},
		{"playsmart:reset-after,skip=10", emulator.Fault{Service: "playsmart", Mode: emulator.ResetAfter, Skip: 10}},
		{"*:503,p=0.1", emulator.Fault{Status: 503, Probability: 0.1}},
		{"*:delay=200ms", emulator.Fault{Delay: 200 * time.Millisecond}},
		{"login:not-json,502,delay=1s", emulator.Fault{Operation: "login", Mode: emulator.NotJSON, Status: 502, Delay: time.Second}},
		{`login:500,body={"a":1,"b":2}`, emulator.Fault{Operation: "login", Status: 500, Body: `{"a":1,"b":2}`}},
		{"Verify.Validate:429,retry-after=2", emulator.Fault{Operation: "Verify.Validate", Status: 429, RetryAfter: 2 * time.Second}},
		{"sunshine:half-body", emulator.Fault{Service: "sunshine", Mode: emulator.HalfBody}},
	}
	for _, tt := range tests {
		t.Run(tt.script, func(t *testing.T) {
			got, err := parseFault(tt.script)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
	for script, says := range map[string]string{
		"503":                      "write WHERE:WHAT",
		":503":                     "write WHERE:WHAT",
		"login:":                   "write WHERE:WHAT",
		"login:explode":            `"explode" is neither a status nor a mode`,
		"login:700":                "Status (700)",
		"login:500,often=1":        `no setting "often"`,
		"login:500,times=x":        "times: ",
		"login:500,times=-1":       "Times (-1)",
		"login:500,p=2":            "Probability (2)",
		"login:500,p=0":            "p: must be above 0",
		"login:500,retry-after=1s": "retry-after: ",
		"login:hang,500":           "takes no Status",
		"login:delay=soon":         "delay: ",
		"login:skip=1":             "says nothing to do",
		"login:retry-after=1,hang": "set Status too",
	} {
		t.Run(script, func(t *testing.T) {
			_, err := parseFault(script)
			assert.ErrorContains(t, err, says)
		})
	}
}

func TestExposeWarnsAndHostsAreAllowed(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "127.8.8.8:0", "[::1]:0", "localhost:0", ":0", "[::ffff:127.0.0.1]:0"} {
		_, err := parseFlags([]string{"-addr", addr}, io.Discard)
		assert.NoError(t, err, addr)
	}
	got, err := parseFlags([]string{"-addr", "0.0.0.0:0", "-expose", "-host", "emulator", "-host", "emulator.internal"}, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, []string{"emulator", "emulator.internal"}, got.hosts)

	var stdout, stderr strings.Builder
	over, cancel := context.WithCancel(t.Context())
	cancel()
	// all traffic stays on loopback: it ends as soon as it listens
	assert.Equal(t, 0, run(over, []string{"-addr", "127.0.0.1:0", "-expose", "-host", "emulator"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "warning: every machine that reaches 127.0.0.1:0 can use this emulator")
	stdout.Reset()
	stderr.Reset()
	assert.Equal(t, 0, run(t.Context(), []string{"-operations"}, &stdout, &stderr))
	assert.Equal(t, emulator.Operations(), stdout.String())
	assert.Empty(t, stderr.String())
}

func TestQuietPrintsNoRequests(t *testing.T) {
	got, err := parseFlags([]string{"-quiet", "-no-inspector"}, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, settings{addr: "127.0.0.1:8787", seed: 1, quiet: true, plain: true}, got)
	_, err = parseFlags([]string{"-h"}, io.Discard)
	assert.ErrorIs(t, err, flag.ErrHelp)
}
