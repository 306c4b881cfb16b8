package spool_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// event160 is an event of 160 bytes.
func event160(n int) batcher.StoredEvent {
	e := batcher.StoredEvent{UserID: fmt.Sprintf("device-%07d", n), Accepted: time.Now()}
	e.JSON = []byte(`{"type":"LevelCompleted","timestamp":"2026-01-01T10:00:00.000+10:00","customdata":{"level":5,"pad":"`)
	e.JSON = append(e.JSON, strings.Repeat("x", 160-3-len(e.JSON))...)
	e.JSON = append(e.JSON, `"}}`...)
	return e
}

// BenchmarkAppend: go test -run '^$' -bench Append ./spool
func BenchmarkAppend(b *testing.B) {
	for _, row := range []struct {
		name      string
		sync      spool.Sync
		producers int
	}{{"always-1", spool.Always, 1}, {"always-64", spool.Always, 64}, {"always-1000", spool.Always, 1000}, {"interval-1", spool.Interval, 1}, {"interval-64", spool.Interval, 64}} {
		b.Run(row.name, func(b *testing.B) {
			s, err := spool.Open(b.TempDir(), spool.Options{Sync: row.sync, MaxBytes: 1 << 40})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			e := event160(1)
			b.ReportAllocs()
			b.SetParallelism(row.producers / 2) // times two processors
			if row.producers == 1 {
				for b.Loop() {
					if _, err := s.Append(b.Context(), e); err != nil {
						b.Fatal(err)
					}
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := s.Append(b.Context(), e); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkLife appends a million events, opens them again, walks them and settles them: go test
// -run '^$' -bench Life -benchtime 1x ./spool
func BenchmarkLife(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		dir := b.TempDir()
		o := spool.Options{Sync: spool.Interval}
		s := must(spool.Open(dir, o))
		var encoded atomic.Int64
		for i := range n {
			e := event160(i)
			encoded.Add(int64(len(e.JSON)))
			must(s.Append(b.Context(), e))
		}
		check(b, s.Close())
		b.ReportMetric(float64(onDisk(b, dir))/float64(encoded.Load()), "disk/encoded")

		started := time.Now()
		s = must(spool.Open(dir, o))
		b.ReportMetric(time.Since(started).Seconds(), "s-open")
		var ids []uint64
		for e, err := range s.Recover(b.Context()) {
			check(b, err)
			ids = append(ids, e.ID)
		}
		b.ReportMetric(time.Since(started).Seconds(), "s-open-and-recover")
		if len(ids) != n {
			b.Fatal(len(ids))
		}
		started = time.Now()
		for at := 0; at < n; at += 200 {
			check(b, s.Sending(b.Context(), ids[at:at+200]))
			check(b, s.Settled(b.Context(), ids[at:at+200]))
		}
		check(b, s.Close())
		b.ReportMetric(time.Since(started).Seconds(), "s-settle")
		b.ReportMetric(float64(onDisk(b, dir))/(1<<20), "MB-left")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
