// Command mutants breaks the batcher on purpose. For each promise in batcher/doc.go it removes or
// inverts the code that keeps it, and runs the test that must then fail.
//
//	go run ./internal/mutants    all of them; prints the table in DESIGN.md
//	go run ./internal/mutants -only order     those whose promise or change has the word
//	go run ./internal/mutants -sim 10m        the simulation looks for each instead, so long
//
// It changes no file: it compiles each mutant from an overlay. It fails if a test passes with
// broken code, if a test fails without a mutant, and if a file no longer holds the code of its
// mutant.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const folder = "batcher"

func main() {
	only := flag.String("only", "", "a word of the promise or the change")
	sim := flag.Duration("sim", 0, "let the simulation look for each mutant for so long, in place of its test")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *only, *sim, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, sim time.Duration, out io.Writer) error {
	var chosen []mutant
	for _, m := range mutants {
		if strings.Contains(strings.ToLower(m.promise+" "+m.change), strings.ToLower(only)) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no mutant has the word %q", only)
	}
	for _, m := range chosen {
		if _, err := m.source(); err != nil {
			return err
		}
	}
	if sim > 0 {
		return simulate(ctx, chosen, sim, out)
	}
	if err := passes(ctx, chosen); err != nil {
		return err
	}
	fmt.Fprintln(out, "| promise | what is broken | in | test that fails |")
	fmt.Fprintln(out, "|---|---|---|---|")
	survived := 0
	for _, m := range chosen {
		caught, err := m.try(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", m.change, err)
		case !caught:
			survived++
			fmt.Fprintf(out, "| %s | %s | %s | **%s passes** |\n", m.promise, m.change, m.file, m.test)
		default:
			fmt.Fprintf(out, "| %s | %s | %s | %s |\n", m.promise, m.change, m.file, m.test)
		}
	}
	if survived > 0 {
		return fmt.Errorf("%d of %d mutants were not noticed", survived, len(chosen))
	}
	return nil
}

// passes runs the tests of the chosen mutants on the code as it is.
func passes(ctx context.Context, chosen []mutant) error {
	var tests []string
	for _, m := range chosen {
		tests = append(tests, m.test)
	}
	slices.Sort(tests)
	tests = slices.Compact(tests)
	out, err := test(ctx, "", tests...)
	if err != nil {
		return fmt.Errorf("without a mutant: %w\n%s", err, out)
	}
	for _, name := range tests {
		if !strings.Contains(out, "--- PASS: "+name+" ") {
			return fmt.Errorf("there is no test %s", name)
		}
	}
	return nil
}

// source returns the mutant's file as it is when the promise is broken.
func (m mutant) source() (string, error) {
	path := filepath.Join(folder, m.file)
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.code); n != 1 {
		return "", fmt.Errorf("%s: %s holds its code %d times, not once: mend the table", m.change, path, n)
	}
	return strings.Replace(string(source), m.code, m.broken, 1), nil
}

// try reports whether the mutant's test fails.
func (m mutant) try(ctx context.Context) (bool, error) {
	list, remove, err := m.overlay()
	if err != nil {
		return false, err
	}
	defer remove()
	out, err := test(ctx, list, m.test)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil: // it was ended, and so did not pass
		return false, ctx.Err()
	case err == nil:
		return false, nil
	case !errors.As(err, &exit):
		return false, err
	case strings.Contains(out, "[build failed]"):
		return false, fmt.Errorf("it does not compile:\n%s", out)
	}
	return strings.Contains(out, "--- FAIL: "+m.test+" ") || strings.Contains(out, "panic: ") || strings.Contains(out, "fatal error: "), nil
}

// overlay writes the mutant's file to a folder of its own, with a list for go build -overlay that
// puts it in place of the file.
func (m mutant) overlay() (list string, remove func(), err error) {
	source, err := m.source()
	if err != nil {
		return "", nil, err
	}
	scratch, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(scratch) }
	defer func() {
		if err != nil {
			remove()
		}
	}()
	broken := filepath.Join(scratch, m.file)
	if err := os.WriteFile(broken, []byte(source), 0o600); err != nil {
		return "", nil, err
	}
	full, err := filepath.Abs(filepath.Join(folder, m.file))
	if err != nil {
		return "", nil, err
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{full: broken}})
	if err != nil {
		return "", nil, err
	}
	list = filepath.Join(scratch, "overlay.json")
	return list, remove, os.WriteFile(list, replace, 0o600)
}

// test runs tests by name, with an overlay where there is one.
func test(ctx context.Context, overlay string, names ...string) (string, error) {
	args := []string{"test", "-count=1", "-v", "-timeout=60s", "-run", "^(" + strings.Join(names, "|") + ")$"}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+folder)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}
