package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// worldPackage is what the host builds.
const worldPackage = "github.com/playline/playline-go/sim/world"

// host runs the world, each time in a memory of its own.
type host struct {
	runtime wazero.Runtime
	world   wazero.CompiledModule
	scratch string
}

// plan is what a world is made from; see the flags of the world.
type plan struct {
	seed     uint64
	players  int
	actions  int
	troubles int
}

// String is the plan as flags of this command.
func (p plan) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "-seed %d", p.seed)
	for _, f := range []struct {
		name  string
		value int
	}{{"players", p.players}, {"actions", p.actions}, {"troubles", p.troubles}} {
		if f.value != 0 {
			fmt.Fprintf(&s, " -%s %d", f.name, f.value)
		}
	}
	return s.String()
}

// The verdicts on a run.
const (
	ok     = "ok"
	broken = "broken" // a check failed
	died   = "dead"   // a panic, a deadlock, or a loop without end
)

// result is how a run ended.
type result struct {
	verdict string
	hash    string // of the trace
	steps   int
	events  int
	virtual time.Duration
	took    time.Duration
	words   string // what the world printed, without the verdict
}

// newHost builds the world and compiles it. Go's build cache and wazero's keep both for the next
// time.
func newHost(ctx context.Context, overlay string) (_ *host, err error) {
	h := &host{}
	if h.scratch, err = os.MkdirTemp("", "playline-sim"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.close(ctx)
		}
	}()
	path := filepath.Join(h.scratch, "world.wasm")
	args := []string{"build", "-o", path}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	build := exec.CommandContext(ctx, "go", append(args, worldPackage)...)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the world does not build (run this in the repository): %w\n%s", err, out)
	}
	wasm, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	config := wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(false)
	if folder, err := os.UserCacheDir(); err == nil && overlay == "" {
		cache, err := wazero.NewCompilationCacheWithDir(filepath.Join(folder, "playline-sim"))
		if err != nil {
			return nil, err
		}
		config = config.WithCompilationCache(cache)
	}
	h.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	wasi_snapshot_preview1.MustInstantiate(ctx, h.runtime)
	if h.world, err = h.runtime.CompileModule(ctx, wasm); err != nil {
		return nil, fmt.Errorf("the world does not compile: %w", err)
	}
	return h, nil
}

func (h *host) close(ctx context.Context) {
	if h.runtime != nil {
		_ = h.runtime.Close(context.WithoutCancel(ctx))
	}
	_ = os.RemoveAll(h.scratch)
}

// clocks are the time of one run. It passes when the world reads it, and when the world sleeps.
type clocks struct {
	now   int64
	wall  int64 // how far the wall clock is from now
	reads int
	jumps *rand.Rand
}

// maxReads is how often a world may read the clocks. A world that reads them more often spins.
const maxReads = 200_000_000

var errSpins = errors.New("the world spins: it has read the clock too often")

func (c *clocks) tick() int64 {
	if c.reads++; c.reads > maxReads {
		panic(errSpins)
	}
	c.now += 1000
	return c.now
}

// walltime is the wall clock, which somebody sets now and then, by up to a minute.
func (c *clocks) walltime() (int64, int32) {
	t := c.tick()
	if c.jumps.IntN(20_000) == 0 {
		c.wall = c.jumps.Int64N(int64(2*time.Minute)) - int64(time.Minute)
	}
	t += c.wall
	return t / 1e9, int32(t % 1e9)
}

// play runs the world once.
func (h *host) play(ctx context.Context, p plan, all bool) (result, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "seed %d", p.seed))
	c := &clocks{now: 1_790_000_000_000_000_000, jumps: rand.New(rand.NewPCG(p.seed, 2))}
	var out bytes.Buffer
	config := wazero.NewModuleConfig().WithName("").WithStdout(&out).WithStderr(&out).
		WithRandSource(rand.NewChaCha8(key)).
		WithWalltime(c.walltime, sys.ClockResolution(1)).
		WithNanotime(c.tick, sys.ClockResolution(1)).
		WithNanosleep(func(ns int64) { c.now += max(ns, 0) }).
		WithOsyield(func() { c.now += 1000 }).
		WithArgs("world", fmt.Sprintf("-seed=%d", p.seed), fmt.Sprintf("-players=%d", p.players), fmt.Sprintf("-actions=%d", p.actions),
			fmt.Sprintf("-troubles=%d", p.troubles), fmt.Sprintf("-all=%t", all))
	began := time.Now()
	module, err := h.runtime.InstantiateModule(ctx, h.world, config)
	if module != nil {
		_ = module.Close(ctx)
	}
	r := result{took: time.Since(began), verdict: died}
	lines := strings.SplitAfter(out.String(), "\n")
	exit, exited := errors.AsType[*sys.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return r, ctx.Err()
	case err != nil && !exited:
		r.words = out.String() + err.Error() + "\n"
		return r, nil
	case exited && exit.ExitCode() > 1, len(lines) < 2:
		r.words = out.String()
		return r, nil
	}
	last := lines[len(lines)-2]
	if _, err := fmt.Sscanf(last, "verdict %s %s %d %d %d", &r.verdict, &r.hash, &r.steps, &r.virtual, &r.events); err != nil {
		return r, fmt.Errorf("the world printed no verdict but %q", last)
	}
	r.words = strings.Join(lines[:len(lines)-2], "")
	return r, nil
}
