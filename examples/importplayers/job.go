package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/playline/playline-go"
)

// One import: rows in, progress and failed rows out, and the place to go on from.

var errInterrupted = errors.New("interrupted; the same command goes on from here")

// job imports files, one after the other.
type job struct {
	client      *playline.Client
	columns     map[string]string // of -map
	concurrency int
	out         io.Writer
	bar         bool
	progress    func(playline.ImportProgress) // nil for none
	every       time.Duration                 // between two states on the disk
}

// run is one run of a job.
type run struct {
	table *table
	rows  *failures
	file  *os.File // of failed rows
	every time.Duration

	mu       sync.Mutex // guards the following
	begin    state      // where this run began
	at       state      // where it is
	saved    time.Time
	underWay map[int]row // rows that were read and are not settled, by place
	failed   error       // why the state or a failed row could not be written
}

// run imports a file from where an earlier run of it stopped, and returns the result over all runs.
// The end of ctx stops the reading. Requests under way are waited for, so that every result is
// known.
func (j *job) run(ctx context.Context, path string) (state, error) {
	t := &table{path, j.columns}
	total, err := t.count()
	if err != nil {
		return state{}, err
	}
	from, note, err := loadState(t)
	if err != nil {
		return from, err
	}
	if note != "" {
		fmt.Fprintln(j.out, "  "+note)
	}
	r := &run{table: t, every: j.every, underWay: map[int]row{}}
	if r.rows, err = t.failures(); err != nil {
		return from, err
	}
	if r.file, err = openFailed(t, &from); err != nil {
		return from, err
	}
	defer r.file.Close()
	r.begin, r.at = from, from
	if !from.resumed {
		if err := r.start(); err != nil {
			return from, errors.Join(err, r.file.Close(), os.Remove(r.at.failedFile(path)))
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	bar := progressbar.NewOptions(total-from.settled(),
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(j.bar), progressbar.OptionSetWidth(30),
		progressbar.OptionSetDescription("players"), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("players"), progressbar.OptionThrottle(100*time.Millisecond),
	)
	var readErr error
	began := time.Now()
	summary, err := j.client.Players.ImportAll(context.WithoutCancel(ctx), r.players(ctx, &readErr), playline.ImportOptions{
		Concurrency: j.concurrency,
		Resume:      from.Point,
		OnFailure:   r.fail,
		Progress: func(p playline.ImportProgress) {
			_ = bar.Set(p.Imported + p.Failed + p.Unaccounted) // it shows, and nothing depends on it
			if r.progress(p) != nil {
				stop()
			}
			if j.progress != nil {
				j.progress(p)
			}
		},
	})
	if j.bar {
		fmt.Fprintln(os.Stderr) // the bar's line ends, full or not
	}
	if summary == nil { // an option is wrong, and nothing was begun
		if !from.resumed {
			err = errors.Join(err, r.file.Close(), os.Remove(r.at.failedFile(path)), removeState(path))
		}
		return from, err
	}
	at, saveErr := r.end(summary.ImportProgress)
	fmt.Fprintf(j.out, "  %d of %d rows settled: %d imported, %d failed; %.0f players/s\n", at.settled(), total,
		at.Imported, at.Failed, float64(at.settled()-from.settled())/time.Since(began).Seconds())
	if at.Unaccounted > 0 {
		fmt.Fprintf(j.out, "  the service's answers count %d more neither as imported nor as failed: perhaps they existed\n", at.Unaccounted)
	}
	if err = errors.Join(err, readErr, saveErr); err == nil && at.settled() < total {
		err = errInterrupted
	}
	if err != nil {
		return at, err
	}
	return at, j.finish(at, r)
}

// finish leaves behind only what is of use.
func (j *job) finish(at state, r *run) error {
	if err := errors.Join(r.file.Close(), removeState(r.table.path)); err != nil {
		return err
	}
	path := at.failedFile(r.table.path)
	if at.Failed == 0 {
		return os.Remove(path)
	}
	fmt.Fprintf(j.out, "  correct %s and import it\n", path)
	return nil
}

// start writes the first state, so that a run that is killed at any later moment can go on.
func (r *run) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.writeLocked(r.rows.header()); err != nil {
		return err
	}
	return r.saveLocked()
}

// players yields the players of the file until ctx ends. A row that cannot be read is a player
// without an id: ImportAll refuses it in its place, so that every row has the same place in every
// run.
func (r *run) players(ctx context.Context, failed *error) iter.Seq[playline.Player] {
	return func(yield func(playline.Player) bool) {
		place := 0
		for row, err := range r.table.all() {
			if err != nil {
				*failed = err
				return
			}
			if row.err != nil {
				row.player = playline.Player{}
			}
			if !settled(r.begin.Point, place) {
				r.mu.Lock()
				r.underWay[place] = row
				r.mu.Unlock()
			}
			if ctx.Err() != nil || !yield(row.player) {
				return
			}
			place++
		}
	}
}

// settled reports whether the row at a place was imported or failed.
func settled(point playline.ImportPoint, place int) bool {
	return place < point.Next || slices.ContainsFunc(point.Done, func(r playline.ImportRange) bool {
		return r.First <= place && place < r.End
	})
}

// fail keeps a failed row until all rows before it are settled.
func (r *run) fail(f playline.ImportFailure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed, cause := r.underWay[f.Index], f.Err
	if failed.err != nil {
		cause = failed.err
	}
	if r.at.Later == nil {
		r.at.Later = map[int]string{}
	}
	r.at.Later[f.Index] = r.rows.row(failed, cause)
}

// progress writes the failed rows whose turn it is, and the state if it is time.
func (r *run) progress(p playline.ImportProgress) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settleLocked(p)
	if r.failed == nil && time.Since(r.saved) >= r.every {
		r.failed = r.saveLocked()
	}
	return r.failed
}

// end writes the last state.
func (r *run) end(p playline.ImportProgress) (state, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settleLocked(p)
	if r.failed == nil {
		r.failed = r.saveLocked()
	}
	return r.at, r.failed
}

// settleLocked moves the state to p. mu is held.
func (r *run) settleLocked(p playline.ImportProgress) {
	r.at.Point = p.Resume
	r.at.Imported, r.at.Failed = r.begin.Imported+p.Imported, r.begin.Failed+p.Failed
	r.at.Unaccounted = r.begin.Unaccounted + p.Unaccounted
	maps.DeleteFunc(r.underWay, func(place int, _ row) bool { return settled(p.Resume, place) })
	for _, place := range slices.Sorted(maps.Keys(r.at.Later)) {
		if place >= p.Resume.Next || r.failed != nil {
			break
		}
		r.failed = r.writeLocked(r.at.Later[place])
		delete(r.at.Later, place)
	}
}

// writeLocked adds to the file of failed rows. mu is held.
func (r *run) writeLocked(text string) error {
	n, err := io.WriteString(r.file, text)
	r.at.FailedBytes += int64(n)
	return err
}

// saveLocked writes the state, after the failed rows that it speaks of. mu is held.
func (r *run) saveLocked() error {
	r.saved = time.Now()
	return errors.Join(r.file.Sync(), r.at.save(r.table.path))
}
