package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/playline/playline-go"
)

// One import: rows in, progress and failures out, and the place to go on from.

var errInterrupted = errors.New("interrupted; the same command goes on from here")

// job imports files.
type job struct {
	client      *playline.Client
	concurrency int
	out         io.Writer
	bar         bool
	progress    func(playline.ImportProgress) // nil for none

	mu     sync.Mutex        // guards the following
	broken map[int]brokenRow // rows that cannot be read, by index, until they are reported
}

type brokenRow struct {
	line string
	err  error
}

// run imports a file from where an earlier run of it stopped, and returns what became of its rows over all runs. The end of ctx stops
// the reading; requests under way are waited for, so that no player's outcome is left open.
func (j *job) run(ctx context.Context, path string) (state, error) {
	input, err := openRows(path)
	if err != nil {
		return state{}, err
	}
	from, err := loadState(path)
	if err != nil {
		return from, err
	}
	total, err := input.count()
	if err != nil {
		return from, err
	}
	failed, err := openFailed(input, from)
	if err != nil {
		return from, err
	}
	bar := progressbar.NewOptions(total-from.Imported-from.Failed,
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(j.bar), progressbar.OptionSetWidth(30),
		progressbar.OptionSetDescription("players"), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("players"), progressbar.OptionThrottle(100*time.Millisecond),
	)
	j.broken = map[int]brokenRow{}
	var readErr error
	began := time.Now()
	summary, err := j.client.Players.ImportAll(context.WithoutCancel(ctx), j.players(ctx, input, from.Point.Next, &readErr), playline.ImportOptions{
		Concurrency: j.concurrency,
		Resume:      from.Point,
		Progress: func(p playline.ImportProgress) {
			_ = bar.Set(p.Imported + p.Failed) // it shows, and nothing depends on it
			if j.progress != nil {
				j.progress(p)
			}
		},
		OnFailure: func(f playline.ImportFailure) { j.report(input, failed, f) },
	})
	if summary == nil { // an option was wrong, and nothing was begun
		_, closeErr := failed.close()
		if !from.resumed {
			closeErr = errors.Join(closeErr, os.Remove(failedPath(path)))
		}
		return from, errors.Join(err, closeErr)
	}
	took := time.Since(began)
	if j.bar {
		fmt.Fprintln(os.Stderr) // the bar's line ends, full or not
	}
	at := from
	at.Point, at.Imported, at.Failed = summary.Resume, at.Imported+summary.Imported, at.Failed+summary.Failed
	var closeErr error
	if at.Bytes, closeErr = failed.close(); closeErr != nil {
		// The state stays as it was: these rows are sent again rather than forgotten.
		return from, errors.Join(err, closeErr)
	}
	fmt.Fprintf(j.out, "  %d of %d rows settled: %d imported, %d failed; %.0f players/s\n",
		at.Imported+at.Failed, total, at.Imported, at.Failed, float64(summary.Imported+summary.Failed)/took.Seconds())
	if err = errors.Join(err, readErr); err == nil && at.Imported+at.Failed < total {
		err = errInterrupted
	}
	if err != nil {
		return at, errors.Join(err, at.save(path))
	}
	return at, j.finish(at, path)
}

// finish leaves behind only what is of use.
func (j *job) finish(at state, path string) error {
	if err := os.Remove(statePath(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if at.Failed == 0 {
		return os.Remove(failedPath(path))
	}
	fmt.Fprintf(j.out, "  mend %s and import it\n", failedPath(path))
	return nil
}

// players yields the players of a file until ctx ends. A row that cannot be read is a player without an id: ImportAll refuses it in its
// place, so that the places of all others stay the same from run to run. Those before next were settled by an earlier run; ImportAll only
// counts them.
func (j *job) players(ctx context.Context, input *rows, next int, failed *error) iter.Seq[playline.Player] {
	return func(yield func(playline.Player) bool) {
		index := 0
		for line, err := range input.all() {
			if err != nil {
				*failed = err
				return
			}
			var player playline.Player
			if index >= next {
				if player, err = input.parse(line); err != nil {
					player = playline.Player{}
					j.mu.Lock()
					j.broken[index] = brokenRow{line, err}
					j.mu.Unlock()
				}
			}
			if ctx.Err() != nil || !yield(player) {
				return
			}
			index++
		}
	}
}

// report writes a row that failed, so that it can be mended, and why it failed.
func (j *job) report(input *rows, failed *failedRows, f playline.ImportFailure) {
	j.mu.Lock()
	row, broken := j.broken[f.Index]
	delete(j.broken, f.Index)
	j.mu.Unlock()
	if broken {
		row.line = input.raw(row.line)
	} else {
		var err error
		if row.line, err = input.line(f.Player); err != nil {
			row.line = "# " + err.Error()
		}
		row.err = f.Err
	}
	failed.add(f.Index+1, row.err, row.line)
}
