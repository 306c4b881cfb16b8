package playline

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
)

// ImportOptions change Players.ImportAll. The zero value imports two chunks at a time and keeps every failure in the summary.
type ImportOptions struct {
	// Concurrency is how many requests are under way at once: 1 to 64, default 2. As many chunks of 1000 players are in memory.
	Concurrency int
	// Progress is called after each chunk, never twice at once, and after OnFailure for the chunk's
	// failures. It must not block for long: the import waits for it.
	Progress func(ImportProgress)
	// OnFailure is called for each failed player, never twice at once, in place of collecting them in the summary: with it memory
	// does not grow even where every player fails.
	OnFailure func(ImportFailure)
	// Resume is ImportProgress.Resume of an earlier import of the same players in the same order. The
	// players that it settled are skipped.
	Resume ImportPoint
}

// ImportProgress is how far an import has come, in players of the input.
type ImportProgress struct {
	Read     int // taken from the input, the skipped ones included
	Imported int // by this import
	Failed   int // by this import
	// Unaccounted is how many players of this import the service's answers count neither as imported nor as failed. They are settled, and
	// not sent again: the vendor does not say whether its count has players that existed and were updated.
	Unaccounted int
	// Resume is where to go on. Keep it, for example as JSON in a file, after each call of
	// ImportOptions.Progress: a process that is killed then sends at most the players again that it
	// imported since. Every player before it was imported or passed to ImportOptions.OnFailure.
	Resume ImportPoint
}

// ImportPoint is a place in an import from which another one can go on. It can be kept as JSON, and does
// not change when the import continues.
type ImportPoint struct {
	// Next is the place of the first player that is not settled: everything before it was imported or reported as failed.
	Next int `json:"next"`
	// Done are chunks behind Next that were settled out of order.
	Done []ImportRange `json:"done,omitempty"`
}

// ImportRange is the players from First up to, not including, End.
type ImportRange struct {
	First int `json:"first"`
	End   int `json:"end"`
}

// ImportFailure is a player that was not imported.
type ImportFailure struct {
	Index  int // its place in the input, from 0
	Player Player
	Err    error // a *ValidationError, an ItemError, or why its whole chunk failed; ErrOutcomeUnknown where that is not known
}

// Error says which player failed, and why.
func (f ImportFailure) Error() string { return fmt.Sprintf("player %d: %v", f.Index, f.Err) }

// Unwrap returns the cause.
func (f ImportFailure) Unwrap() error { return f.Err }

// GoString is Error: the default would print the player's addresses.
func (f ImportFailure) GoString() string { return f.Error() }

// LogValue logs the place and the cause: the player's addresses belong in no log.
func (f ImportFailure) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("index", f.Index), slog.Any("err", f.Err))
}

// ImportSummary is the result of an import: every player was imported, is among the failures, is unaccounted
// for, or is at or behind Resume.
type ImportSummary struct {
	ImportProgress
	Failures []ImportFailure // in the order of the input; empty if ImportOptions.OnFailure is set
}

// LogValue logs the numbers: the failures hold the players' addresses.
func (s *ImportSummary) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("read", s.Read), slog.Int("imported", s.Imported), slog.Int("failed", s.Failed), slog.Int("unaccounted", s.Unaccounted),
		slog.Int("resume_next", s.Resume.Next))
}

// ImportAll registers any number of players, in requests of 1000, and says what became of each.
//
// A player that is invalid, or whose external id came before in its chunk of 1000, fails alone. An id that
// comes again in another chunk is sent twice, and the service keeps what arrived last: with Concurrency 1
// that is the later player, with more it can be either, because their requests are under way at once. A chunk that the service refuses as a
// whole fails with all its players, and the import goes on. It stops where going on would not help: the context ended, the
// credentials are refused, the service is unavailable or throttles after all retries. Then the summary comes with the error, and
// ImportOptions.Resume goes on from there. The players of a chunk whose outcome is not known are failures that match
// ErrOutcomeUnknown; resuming does not send them again.
//
// Memory holds the chunks under way and the failures.
//
// Class unsent, for each request.
// Vendor: https://docs.smooven.io
func (s *PlayersService) ImportAll(ctx context.Context, players iter.Seq[Player], o ImportOptions, opts ...RequestOption) (*ImportSummary, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	co, err := newCallOptions(opts)
	if err != nil {
		return nil, err
	}
	in := &importer{service: s, options: o, opts: opts, capture: co.capture, summary: &ImportSummary{ImportProgress: ImportProgress{Resume: o.Resume}}}
	return in.run(ctx, players)
}

func (o *ImportOptions) validate() error {
	if o.Concurrency == 0 {
		o.Concurrency = 2
	}
	if err := firstOf(
		check{"Concurrency", ruleIf(o.Concurrency < 0 || o.Concurrency > 64, "must be from 1 to 64")},
		check{"Resume.Next", ruleIf(o.Resume.Next < 0, "must not be negative")},
	); err != nil {
		return err
	}
	end := o.Resume.Next
	for _, r := range o.Resume.Done {
		if r.First < end || r.End <= r.First {
			return &ValidationError{"Resume.Done", "must be ranges behind Next, in order and apart"}
		}
		end = r.End
	}
	return nil
}

// importer is one ImportAll under way.
type importer struct {
	service *PlayersService
	options ImportOptions
	opts    []RequestOption

	mu      sync.Mutex // guards the following, and is held during the callbacks
	summary *ImportSummary
	stopped error
	capture *Response // of the caller, nil for none; requests under way at once must not write it at once
}

// placed is a player and its place in the input.
type placed struct {
	index  int
	player Player
}

func (in *importer) run(ctx context.Context, players iter.Seq[Player]) (*ImportSummary, error) {
	slots := make(chan struct{}, in.options.Concurrency)
	var workers sync.WaitGroup
	read, chunk := 0, make([]placed, 0, MaxImport)
	send := func() bool {
		if len(chunk) == 0 {
			return true
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		if in.err() != nil {
			return false
		}
		mine, upTo := chunk, read
		chunk = make([]placed, 0, MaxImport)
		workers.Go(func() {
			defer func() { <-slots }()
			in.chunk(ctx, mine, upTo)
		})
		return true
	}
	complete := true
	for player := range players {
		place := read
		if !in.skips(place) {
			chunk = append(chunk, placed{place, player})
		}
		read++
		// A chunk ends where something settled follows, too: its players stand side by side in the input.
		if len(chunk) == MaxImport || len(chunk) > 0 && in.skips(read) {
			if complete = send(); !complete {
				break
			}
		}
	}
	if complete {
		complete = send()
	}
	workers.Wait()
	return in.finish(ctx, read, complete)
}

// skips reports whether an earlier import settled the player at that place. Resume does not change, so no lock is needed.
func (in *importer) skips(place int) bool {
	if place < in.options.Resume.Next {
		return true
	}
	return slices.ContainsFunc(in.options.Resume.Done, func(r ImportRange) bool { return r.First <= place && place < r.End })
}

func (in *importer) err() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.stopped
}

func (in *importer) finish(ctx context.Context, read int, complete bool) (*ImportSummary, error) {
	in.summary.Read = read // also where the last players were skipped or not sent
	slices.SortFunc(in.summary.Failures, func(a, b ImportFailure) int { return a.Index - b.Index })
	err := in.stopped
	if err == nil && !complete {
		err = ctx.Err()
	}
	if err != nil {
		return in.summary, fmt.Errorf("playline: Players.ImportAll stopped before player %d: %w", in.summary.Resume.Next, err)
	}
	return in.summary, nil
}
