package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be a sink or a worker, as the program itself is.
func TestMain(m *testing.M) {
	if mine, err := child(os.Args); mine {
		exit(err)
	}
	// With the race detector every process sleeps for a second before it ends, to report late
	// races. That would add minutes here.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		exit(err)
	}
	os.Exit(m.Run())
}

// TestRowsRun runs every row for a fraction of a second. It fails only on errors: the figures of
// such a short run mean nothing.
func TestRowsRun(t *testing.T) {
	t.Parallel()
	o := options{smoke: true}
	for _, r := range allRows(o) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			verdicts, err := r.measure(t.Context(), 1, &out, io.Discard)
			require.NoError(t, err)
			assert.Len(t, verdicts, len(r.targets))
			for _, s := range r.subjects {
				assert.Contains(t, out.String(), "| "+s.label+" |")
			}
			for _, v := range verdicts {
				assert.NotEqual(t, "not measured", v.value, v.text)
			}
		})
	}
}

// TestFaultCasesRun runs every case with every adapter, small and short. An adapter may lose events
// in such a short run. But every event must be accounted for, and playline must report each one
// that it loses.
func TestFaultCasesRun(t *testing.T) {
	t.Parallel()
	runs, err := faultRuns(options{smoke: true, players: 20})
	require.NoError(t, err)
	for _, r := range runs {
		t.Run(r.name+"/"+r.label, func(t *testing.T) {
			t.Parallel()
			got, err := r.run(t.Context())
			require.NoError(t, err)
			assert.Equal(t, got.attempted, got.delivered+got.lost)
			assert.Positive(t, got.attempted)
			if r.job.Adapter == "playline" {
				assert.Equal(t, got.lost, got.reported)
				assert.GreaterOrEqual(t, got.counted, got.duplicated)
			}
		})
	}
}

func TestUnknownNamesAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		o    options
		want string
	}{
		{"row", options{runs: 1, only: "closed,open"}, `-only: no "open"; there are track, players, store`},
		{"case", options{runs: 1, faults: true, cases: "404"}, `-case: no "404"; there are 503, reset`},
		{"adapter", options{runs: 1, faults: true, adapters: "kafka"}, `-adapter: no "kafka"; there are playline, segment`},
		{"runs", options{}, "-runs must be positive"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, run(t.Context(), tt.o, io.Discard, io.Discard), tt.want)
		})
	}
}

// TestEIDs reads the eids back from a body of each encoding; the OTLP one comes from the exporter
// itself.
func TestEIDs(t *testing.T) {
	t.Parallel()
	var own []byte
	for _, eid := range []int{0, 7, 123456} {
		own = append(appendEvent(own, time.Now().UTC(), eid), ',')
	}
	for _, tt := range []struct {
		name string
		body []byte
		want []int
	}{
		{"none", []byte(`{"events":[]}`), nil},
		{"ours", own, []int{0, 7, 123456}},
		{"spaces", []byte(`{"eid": 5, "x": 1}`), []int{5}},
		{"not a number", []byte(`{"eid":"five"}`), nil},
		{"OTLP", []byte("\n\x03eid\x12\x02\x18\x05\n\x03eid\x12\x04\x18\xc0\xc4\x07"), []int{5, 123456}},
		{"cut off", []byte("eid"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, eids(tt.body))
		})
	}
}

// TestEveryAdapterArrives sends through each adapter and finds every event at the sink exactly
// once.
func TestEveryAdapterArrives(t *testing.T) {
	t.Parallel()
	for _, name := range faultAdapters {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const events = 450
			s, err := startSink(t.Context(), events)
			require.NoError(t, err)
			defer s.stop()
			a, err := newAdapter(name, setup{Base: s.control.base, Players: 3, Outcomes: true})
			require.NoError(t, err)
			for eid := range events {
				require.NoError(t, a.Track(t.Context(), eid%3, eid))
			}
			require.NoError(t, a.Close(context.WithoutCancel(t.Context())))
			seen, err := s.control.report(t.Context())
			require.NoError(t, err)
			assert.Empty(t, seen.Missing)
			assert.Equal(t, int64(events), seen.Events, "no event twice")
			assert.Empty(t, a.Reported())
			assert.Zero(t, a.Outstanding(), "%s has settled all", name)
		})
	}
}
