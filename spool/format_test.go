package spool

import (
	"archive/tar"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/playline/playline-go/batcher"
)

// Files of other versions, and files that no version writes.

// unpack lays out a directory that an earlier version left.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Open(archive)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), data, 0o600))
	}
}

// TestFilesOfVersion1: a process of the first version appended 100 events, noted the first 30 and
// some of the last as about to be sent, settled 20 and 2, and was killed. Ten events are in a stage
// alone.
func TestFilesOfVersion1(t *testing.T) {
	dir := unpack(t, "testdata/version-1.tar.gz")
	check := func(events []batcher.StoredEvent) {
		t.Helper()
		require.Len(t, events, 78)
		for n, e := range events {
			id := uint64(21 + n)
			if n >= 69 {
				id += 2 // 90 and 91 are settled
			}
			assert.Equal(t, id, e.ID)
			assert.Empty(t, e.GameID, "it was not kept")
			assert.Equal(t, []string{"ace", "blitz", "device-abc-123"}[(id-1)%3], e.UserID)
			assert.Equal(t, int64(1_700_000_000_000+id-1), e.Accepted.UnixMilli())
			assert.JSONEq(t, `{"type":"GameEnd","customdata":{"n":`+strconv.FormatUint(id-1, 10)+`}}`, string(e.JSON))
			assert.Equal(t, (id-1)%5 == 0, e.Once)
			assert.Equal(t, id <= 30 || id >= 89 && id <= 93, e.InDoubt, "event %d", id)
		}
	}
	v, err := Inspect(dir)
	require.NoError(t, err)
	var events []batcher.StoredEvent
	for e, err := range v.Events() {
		require.NoError(t, err)
		events = append(events, e)
	}
	check(events)
	require.NoError(t, v.Close())

	noDamage := Options{Report: func(d Damage) { assert.Fail(t, "damage", "%s", d) }}
	for range 2 { // the first Open commits the stage
		s, err := Open(dir, noDamage)
		require.NoError(t, err)
		check(all(t, s))
		require.NoError(t, s.Close())
	}
	s, err := Open(dir, noDamage)
	require.NoError(t, err)
	e := one(`"new"`)
	e.GameID = "com.example.stackblaster"
	id, err := s.Append(t.Context(), e)
	require.NoError(t, err)
	assert.EqualValues(t, 101, id)
	require.NoError(t, s.Close())
	s, err = Open(dir, noDamage)
	require.NoError(t, err)
	events = all(t, s)
	check(events[:78])
	assert.Equal(t, "com.example.stackblaster", events[78].GameID)
	require.NoError(t, s.Close())
}

func all(t *testing.T, s *Spool) (events []batcher.StoredEvent) {
	t.Helper()
	for e, err := range s.walk() {
		require.NoError(t, err)
		events = append(events, e)
	}
	return events
}

// filled returns a directory with three events in a segment and two in a stage.
func filled(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(dir, Options{Sync: Interval, Every: time.Hour})
	require.NoError(t, err)
	for range 3 {
		_, err := s.Append(t.Context(), one(`"segment"`))
		require.NoError(t, err)
	}
	require.NoError(t, s.Sync(t.Context()))
	for range 2 {
		_, err := s.Append(t.Context(), one(`"stage"`))
		require.NoError(t, err)
	}
	killed := t.TempDir() // as a kill leaves it
	require.NoError(t, os.CopyFS(killed, os.DirFS(dir)))
	require.NoError(t, s.Close())
	return killed
}

// change changes the notes of a segment, as another program may.
func change(t testing.TB, path string, put func(events, notes *bbolt.Bucket) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error { return put(tx.Bucket(eventsBucket), tx.Bucket(notesBucket)) }))
	require.NoError(t, db.Close())
}

func putHead(h head) func(events, notes *bbolt.Bucket) error {
	return func(_, notes *bbolt.Bucket) error { return notes.Put(headKey, h.encode()) }
}

// A later version may write what this one does not understand. It is left alone.
func TestFilesOfALaterVersion(t *testing.T) {
	for name, write := range map[string]func(t *testing.T, dir string){
		"a stage": func(t *testing.T, dir string) {
			f, err := os.OpenFile(filepath.Join(dir, "stage-b"), os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteAt(binary.BigEndian.AppendUint32([]byte(stageMagic), formatVersion+1), 0)
			require.NoError(t, errors.Join(err, f.Close()))
		},
		"a segment": func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "0000000000000001.spool"), putHead(head{formatVersion + 1, "x"}))
		},
		"a segment with records that are not known": func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "0000000000000001.spool"), func(events, notes *bbolt.Bucket) error {
				return errors.Join(notes.Put(headKey, head{formatVersion + 7, ""}.encode()), events.Put([]byte("new"), []byte("?")))
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			write(t, dir)
			before := snapshotOf(t, dir)
			_, err := Open(dir, Options{Report: func(d Damage) { assert.Fail(t, "damage", "%s", d) }})
			require.ErrorIs(t, err, ErrNewer)
			require.ErrorContains(t, err, "its format is")
			require.ErrorContains(t, err, dir)
			_, err = Inspect(dir)
			require.ErrorIs(t, err, ErrNewer)
			assert.Equal(t, before, snapshotOf(t, dir), "nothing is changed")
		})
	}
}

func snapshotOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		out[entry.Name()] = string(data)
	}
	return out
}

// putStage writes a stage whose records have valid checksums.
func putStage(t testing.TB, dir, name string, generation uint64, records func(mem []byte, seed uint32) []byte) {
	t.Helper()
	mem := records(appendStageHead(nil, generation), seedOf(generation))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), append(mem, make([]byte, max(stageBytes-len(mem), 0))...), 0o600))
}

// A checksum is not a signature. A crafted file costs time and memory by its size, whatever it
// contains.
func TestCraftedFiles(t *testing.T) {
	event := func(id uint64) func([]byte, uint32) []byte {
		return func(mem []byte, seed uint32) []byte { e := one(`"x"`); return appendEvent(mem, seed, id, &e) }
	}
	segment := func(put func(events, notes *bbolt.Bucket) error) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) { change(t, filepath.Join(dir, "0000000000000001.spool"), put) }
	}
	putEvent := func(events *bbolt.Bucket, id uint64) error {
		key := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, id), 7)
		return events.Put(key, event(id)(nil, seedOf(7)))
	}
	for name, row := range map[string]struct {
		write  func(t *testing.T, dir string)
		damage bool
	}{
		"a stage with an id of 2^35": {func(t *testing.T, dir string) { putStage(t, dir, "stage-a", 1<<20, event(1<<35)) }, false},
		"a stage with ids that are far apart": {func(t *testing.T, dir string) {
			putStage(t, dir, "stage-a", 1<<20, func(mem []byte, seed uint32) []byte { return event(1<<35)(event(6)(mem, seed), seed) })
		}, true},
		"a stage with the greatest id": {func(t *testing.T, dir string) { putStage(t, dir, "stage-a", 1<<20, event(1<<64-1)) }, true},
		"a stage with the id nought":   {func(t *testing.T, dir string) { putStage(t, dir, "stage-a", 1<<20, event(0)) }, true},
		"a stage full of notes, each about many ids": {func(t *testing.T, dir string) {
			putStage(t, dir, "stage-a", 1<<20, func(mem []byte, seed uint32) []byte {
				for n := uint64(0); len(mem) < stageBytes-64; n++ {
					mem = appendNote(mem, seed, settled, []run{{1 + n*1_000_003, 1_000_000}})
				}
				return mem
			})
		}, false},
		"a note about every id": {func(t *testing.T, dir string) {
			putStage(t, dir, "stage-a", 1<<20, func(mem []byte, seed uint32) []byte {
				return appendNote(mem, seed, sending, []run{{1 << 40, 1<<62 - 1}})
			})
		}, false},
		"a note that goes round": {func(t *testing.T, dir string) {
			putStage(t, dir, "stage-a", 1<<20, func(mem []byte, seed uint32) []byte { return appendNote(mem, seed, sending, []run{{5, 1<<64 - 1}}) })
		}, true},
		"two stages with the same ids": {func(t *testing.T, dir string) {
			for n, name := range stageNames {
				putStage(t, dir, name, 1<<20+uint64(n), func(mem []byte, seed uint32) []byte { return event(5)(event(4)(mem, seed), seed) })
			}
		}, true},
		"no stage": {func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "stage-a"), []byte("hello, this is no stage at all"), 0o600))
		}, true},
		"a segment with ids that are far apart": {segment(func(events, notes *bbolt.Bucket) error {
			sum := total{events: 4}
			return errors.Join(putEvent(events, 1<<32-2), notes.Put(totalKey, sum.encode()))
		}), false},
		"a segment with an id beyond it": {segment(func(events, _ *bbolt.Bucket) error { return putEvent(events, 1<<40) }), true},
		"a segment with a note about many ids": {segment(func(_, notes *bbolt.Bucket) error {
			key := append(binary.BigEndian.AppendUint64(nil, 99), byte(sending))
			sum := total{events: 3, notes: 1 << 61}
			return errors.Join(notes.Put(key, appendNote(nil, seedOf(99), sending, []run{{1, 1 << 61}})), notes.Put(totalKey, sum.encode()))
		}), false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			for _, stage := range stageNames {
				require.NoError(t, os.Remove(filepath.Join(dir, stage)))
			}
			row.write(t, dir)
			damaged := 0
			spent := costs(t, dir, func(Damage) { damaged++ })
			assert.Equal(t, row.damage, damaged > 0)
			assert.Less(t, spent, uint64(100<<20), "bytes allocated")
		})
	}
}

// costs looks into a directory, opens it, walks it, appends, closes it and opens it again, and
// returns how many bytes that allocated. Time goes with them: each is written once.
func costs(t testing.TB, dir string, report func(Damage)) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	v, err := Inspect(dir)
	require.NoError(t, err)
	for _, err := range v.Events() {
		require.NoError(t, err)
	}
	require.NoError(t, v.Close())
	s, err := Open(dir, Options{Report: report})
	require.NoError(t, err)
	defer s.Close()
	last := uint64(0)
	for e, err := range s.Recover(t.Context()) {
		require.NoError(t, err)
		require.Greater(t, e.ID, last)
		last = e.ID
	}
	more := one(`"more"`)
	more.GameID = s.game.id
	id, err := s.Append(t.Context(), more)
	require.NoError(t, err)
	require.Greater(t, id, last)
	require.NoError(t, s.Close())
	written := 0
	s, err = Open(dir, Options{Report: func(Damage) { written++ }})
	require.NoError(t, err)
	assert.Zero(t, written, "damage that this process wrote")
	found := false
	for e, err := range s.Recover(t.Context()) {
		require.NoError(t, err)
		found = found || e.ID == id
	}
	require.True(t, found, "an event that was appended is lost")
	require.NoError(t, s.Close())
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A page of 4 KiB whose elements all lead to the same bytes would hold a hundred times as many.
func TestElementsThatOverlap(t *testing.T) {
	page := make([]byte, 4096)
	native.PutUint16(page[8:], leafPage)
	const count = 200
	native.PutUint16(page[10:], count)
	for i := range count {
		element := page[pageHead+i*elementHead:]
		native.PutUint32(element[4:], uint32(pageHead+count*elementHead-(pageHead+i*elementHead)))
		native.PutUint32(element[8:], 1)
		native.PutUint32(element[12:], 500)
	}
	n, err := nodeOf(page)
	require.NoError(t, err)
	p := &pages{}
	require.ErrorContains(t, p.descend(n, nil, nil, 0, func(element) error { return nil }), "overlaps")
	visited := 0
	p.leaf(n, func(_, value []byte) { visited += len(value) })
	assert.Equal(t, 500, visited, "only the first is taken")
}

// FuzzOpen opens directories whose stage and segment hold any records, with checksums that match:
// time and memory are bounded by the files' size, what is walked is in order, and what is appended
// then comes back.
func FuzzOpen(f *testing.F) {
	e := one(`"x"`)
	body := func(record []byte) []byte { return record[5:] }
	f.Add(body(appendEvent(nil, 0, 4, &e)), body(appendNote(nil, 0, settled, []run{{1, 1 << 40}})), body(appendEvent(nil, 0, 1<<32-2, &e)), uint64(4))
	f.Add(body(appendEvent(nil, 0, 1<<35, &e)), body(appendEvent(nil, 0, 1<<35+1, &e)), body(appendNote(nil, 0, sending, []run{{2, 2}})), uint64(3))
	f.Add(body(appendGame(nil, 0, "com.example.stackblaster")), body(appendEvent(nil, 0, 9, &e)), []byte{}, uint64(1))
	f.Add([]byte{'d', 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, []byte{'s'}, []byte{'e'}, uint64(1<<63))
	template := filled(f)
	f.Fuzz(func(t *testing.T, first, second, stored []byte, events uint64) {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(template)))
		framed := func(mem []byte, seed uint32, body []byte) []byte {
			return appendRecord(mem, seed, len(body), func(b []byte) []byte { return append(b, body...) })
		}
		putStage(t, dir, "stage-a", 1<<20, func(mem []byte, seed uint32) []byte { return framed(framed(mem, seed, first), seed, second) })
		change(t, filepath.Join(dir, "0000000000000001.spool"), func(inEvents, notes *bbolt.Bucket) error {
			key := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, events), 50)
			note := append(binary.BigEndian.AppendUint64(nil, 50), byte(sending))
			value := framed(nil, seedOf(50), stored)
			return errors.Join(inEvents.Put(key, value), notes.Put(note, value), notes.Put(totalKey, total{events: events}.encode()))
		})
		// 2 MiB for each stage, and as much to empty it, four times; the reserve; and the memory of
		// the engine.
		require.Less(t, costs(t, dir, func(Damage) {}), uint64(100<<20+100*(len(first)+len(second)+len(stored))))
	})
}
