package spool_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// The power-cut model. A workload runs on real files, one call after the other with Always, so that
// each call that waits is one commit. After every commit the directory is copied. A cut during
// commit k is then made of copy k-1, copy k and chance:
//
//   - of a segment's pages that differ, some are new, some old, some torn (new and old sectors of
//     512 bytes mixed). They were written and not synced yet: the meta page that makes them count
//     is still the old one;
//   - or the pages are synced, and the new meta page is new, old, or torn;
//   - the file has its new length or its old one, if the pages are not synced;
//   - the stages, which are never synced, have of each page any version that they ever had;
//   - a file that is new in k is missing, or torn under its temporary name, or whole; one that is
//     gone in k may be back.
//
// Between two syncs the model therefore loses, tears and reorders writes. It has no disk that loses
// synced data, no damage to a sector that nobody was writing, no directory that loses more than its
// last change (TestDamage has these), and no other fault while a new file is made.
const (
	page       = 4096
	sector     = 512
	stageStart = 64 << 10 // more than the workload writes to a stage: the rest is zeros
)

type copied struct {
	data []byte
	info fs.FileInfo // by which os.SameFile tells whether another file took the name
}

// step is a call of the workload that made a commit, and the directory behind it.
type step struct {
	files    map[string]copied
	appended int            // events so far
	sent     map[int]bool   // Sending returned
	settled  map[int]bool   // Settled was called
	ids      map[int]uint64 // by number
}

func snapshot(t *testing.T, dir string) map[string]copied {
	t.Helper()
	out := map[string]copied{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		data := make([]byte, info.Size())
		if strings.HasPrefix(entry.Name(), "stage-") {
			data = data[:stageStart]
		}
		f, err := os.Open(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		_, err = io.ReadFull(f, data)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		c := copied{data, info}
		out[entry.Name()] = c
	}
	return out
}

// workload returns the steps; the first is the freshly opened directory.
func workload(t *testing.T, seed uint64) []step {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, spool.Options{SegmentBytes: 6000, Every: time.Hour})
	random := rand.New(rand.NewPCG(seed, 0))
	now := step{files: snapshot(t, dir), sent: map[int]bool{}, settled: map[int]bool{}, ids: map[int]uint64{}}
	steps := []step{now}
	waiting := []int{}
	for len(steps) < 60 {
		next := step{appended: now.appended, sent: clone(now.sent), settled: clone(now.settled), ids: clone(now.ids)}
		switch n := random.IntN(5); {
		case n == 0 && len(waiting) > 3:
			some := waiting[:random.IntN(len(waiting))]
			require.NoError(t, s.Settled(t.Context(), idsOf(some, now.ids)))
			waiting = waiting[len(some):]
			for _, n := range some {
				next.settled[n] = true
			}
			now = next
			continue // it waits for no commit
		case n == 1 && len(waiting) > 0:
			some := waiting[:1+random.IntN(len(waiting))]
			require.NoError(t, s.Sending(t.Context(), idsOf(some, now.ids)))
			for _, n := range some {
				next.sent[n] = true
			}
		default:
			id, err := s.Append(t.Context(), padded(now.appended, random.IntN(900)))
			require.NoError(t, err)
			next.ids[now.appended] = id
			waiting = append(waiting, now.appended)
			next.appended++
		}
		next.files = snapshot(t, dir)
		now = next
		steps = append(steps, now)
	}
	for _, name := range []string{"stage-a", "stage-b"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, len(data)-stageStart, bytes.Count(data[stageStart:], []byte{0}), "the snapshots do not have what is there")
	}
	return steps
}

func clone[V any](m map[int]V) map[int]V {
	out := map[int]V{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

func idsOf(numbers []int, ids map[int]uint64) (out []uint64) {
	for _, n := range numbers {
		out = append(out, ids[n])
	}
	return out
}

// cut writes the directory as a power cut during a commit may leave it.
func cut(t *testing.T, dir string, steps []step, k int, random *rand.Rand) {
	t.Helper()
	before, after := steps[k-1].files, steps[k].files
	synced := random.IntN(2) == 0
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	for name, a := range after {
		b, old := before[name]
		switch {
		case strings.HasPrefix(name, "stage-"):
			data := make([]byte, 2<<20)
			for at := 0; at < stageStart; at += page {
				copy(data[at:at+page], steps[random.IntN(k+1)].files[name].data[at:])
			}
			write(name, data)
		case name == "lock":
			write(name, a.data)
		case old && os.SameFile(a.info, b.info):
			write(name, torn(b.data, a.data, synced, random))
		case old: // another file took its name: one of the two
			write(name, [][]byte{a.data, b.data}[random.IntN(2)])
		default:
			// The spool creates, syncs and names an empty segment before the commit writes to it.
			// If the segment exists, it is as the commit left it. If not, the commit has not begun.
			switch random.IntN(3) {
			case 0:
				write(name, a.data)
			case 1:
				write(name+".tmp", torn(nil, a.data, false, random))
			}
		}
	}
	for name, b := range before {
		if _, still := after[name]; !still && random.IntN(2) == 0 {
			write(name, b.data)
		}
	}
}

// torn mixes a segment's two states.
func torn(before, after []byte, synced bool, random *rand.Rand) []byte {
	data := slices.Clone(after)
	if !synced && random.IntN(2) == 0 {
		data = data[:max(len(before), min(len(after), 2*page))]
	}
	for at := 0; at < len(data); at += page {
		meta := at < 2*page
		if meta != synced { // synced pages are new, and so not mixed; a meta page that is not yet written is old
			if meta {
				blend(data[at:at+page], before, at, 0, random)
			}
			continue
		}
		blend(data[at:at+page], before, at, random.IntN(3), random)
	}
	return data
}

// blend makes a page old (0), leaves it new (1), or tears it (2).
func blend(p, before []byte, at, how int, random *rand.Rand) {
	for i := 0; i < page; i += sector {
		if how == 0 || how == 2 && random.IntN(2) == 0 {
			clear(p[i : i+sector])
			if at+i < len(before) {
				copy(p[i:i+sector], before[at+i:])
			}
		}
	}
}

func TestPowerCut(t *testing.T) {
	const workloads = 10
	cuts := seeds(t) / workloads
	undone := 0
	for w := range uint64(workloads) {
		steps := workload(t, w)
		for c := range uint64(cuts) {
			random := rand.New(rand.NewPCG(w, c+1))
			k := 1 + random.IntN(len(steps)-1)
			dir := t.TempDir()
			cut(t, dir, steps, k, random)
			if !checkCut(t, dir, steps, k) {
				undone++
			}
			require.False(t, t.Failed(), "workload %d, cut %d, in commit %d", w, c, k)
		}
	}
	t.Logf("%d of %d commits came back as if they had not been", undone, workloads*cuts)
	assert.Positive(t, undone)
	assert.Less(t, undone, workloads*cuts)
}

// seeds is how many a test with random damage tries: 30, or PLAYLINE_SPOOL_SEEDS.
func seeds(t *testing.T) int {
	t.Helper()
	text, ok := os.LookupEnv("PLAYLINE_SPOOL_SEEDS")
	if !ok {
		return 30
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// checkCut opens what a cut left and reports whether the commit is there as a whole. Either way
// what was before it must be.
func checkCut(t *testing.T, dir string, steps []step, k int) bool {
	t.Helper()
	before, after := steps[k-1], steps[k]
	s, err := spool.Open(dir, spool.Options{SegmentBytes: 6000, Every: time.Hour, Report: func(d spool.Damage) {
		assert.Fail(t, "a cut is no damage", "%s", d)
	}})
	require.NoError(t, err)
	there := map[uint64]batcher.StoredEvent{}
	last := uint64(0)
	for e, err := range s.Recover(t.Context()) {
		require.NoError(t, err)
		assert.Greater(t, e.ID, last, "order")
		last = e.ID
		there[e.ID] = e
	}
	whole := true
	for n := range after.appended {
		id := after.ids[n]
		e, ok := there[id]
		delete(there, id)
		switch {
		case !ok && n >= before.appended:
			whole = false
		case !ok:
			assert.True(t, after.settled[n], "event %d is lost", n)
		default:
			want := numbered(n)
			assert.Equal(t, want.UserID, e.UserID)
			assert.Equal(t, string(want.JSON), strings.TrimRight(string(e.JSON), " "))
			if before.sent[n] {
				assert.True(t, e.InDoubt, "event %d may have been sent", n)
			}
			whole = whole && (e.InDoubt || !after.sent[n])
			assert.True(t, after.sent[n] || !e.InDoubt, "nobody was about to send event %d", n)
		}
	}
	assert.Empty(t, there, "never appended")
	require.NoError(t, s.Close())
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	require.NoError(t, err)
	assert.Empty(t, left)
	return whole
}

// Damage to what was synced long ago is another matter: nothing promises those events, but
// everything else must go on.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	o := spool.Options{SegmentBytes: 6000, Sync: spool.Interval, Every: time.Hour}
	s := open(t, dir, o)
	const events = 300
	appendAll(t, s, 0, events/2)
	require.NoError(t, s.Close()) // a file, because a commit is not cut in two
	s = open(t, dir, o)
	ids := appendAll(t, s, events/2, events)
	require.NoError(t, s.Sending(t.Context(), ids[:10]))
	require.NoError(t, s.Close())
	files := snapshot(t, dir)
	var names []string
	for name := range files {
		if strings.HasSuffix(name, ".spool") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	require.Len(t, names, 2)

	for name, row := range map[string]struct {
		damage func([]byte, *rand.Rand) []byte
		seeds  uint64
	}{
		"empty":             {func([]byte, *rand.Rand) []byte { return nil }, 1},
		"no meta page":      {func(b []byte, _ *rand.Rand) []byte { clear(b[:2*page]); return b }, 1},
		"cut short":         {func(b []byte, _ *rand.Rand) []byte { return b[:4*page] }, 1},
		"behind the metas":  {func(b []byte, _ *rand.Rand) []byte { return b[:2*page] }, 1},
		"another file":      {func([]byte, *rand.Rand) []byte { return bytes.Repeat([]byte("hello "), 5000) }, 1},
		"a page of zeros":   {func(b []byte, r *rand.Rand) []byte { clear(somePage(b, r)); return b }, 30},
		"a page of noise":   {func(b []byte, r *rand.Rand) []byte { noise(somePage(b, r), r); return b }, 30},
		"a sector of noise": {func(b []byte, r *rand.Rand) []byte { noise(somePage(b, r)[:sector], r); return b }, 30},
		"a bit": {func(b []byte, r *rand.Rand) []byte {
			b[2*page+r.IntN(len(b)-2*page)] ^= 1 << r.IntN(8)
			return b
		}, 30},
	} {
		t.Run(name, func(t *testing.T) {
			reported := 0
			for seed := range row.seeds {
				random := rand.New(rand.NewPCG(seed, 1))
				dir := t.TempDir()
				for file, c := range files {
					data := slices.Clone(c.data)
					switch {
					case file == names[0]:
						data = row.damage(data, random)
					case strings.HasPrefix(file, "stage-"):
						continue // so that nothing is there a second time
					}
					require.NoError(t, os.WriteFile(filepath.Join(dir, file), data, 0o600))
				}
				reported += openDamaged(t, dir, names, events)
				require.False(t, t.Failed(), "seed %d", seed)
			}
			assert.Positive(t, reported)
			t.Logf("%d of %d were damage; the others hit what is not in use", reported, row.seeds)
		})
	}
}

func somePage(b []byte, r *rand.Rand) []byte {
	at := 2*page + r.IntN(len(b)/page-2)*page
	return b[at : at+page]
}

func noise(b []byte, r *rand.Rand) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

func openDamaged(t *testing.T, dir string, names []string, events int) (reported int) {
	t.Helper()
	var found []spool.Damage
	o := spool.Options{SegmentBytes: 6000, Every: time.Hour, Report: func(d spool.Damage) { found = append(found, d) }}
	v, err := spool.Inspect(dir)
	require.NoError(t, err)
	seen := len(v.Damage)
	require.NoError(t, v.Close())

	s, err := spool.Open(dir, o)
	require.NoError(t, err)
	assert.Len(t, found, seen, "who only looks sees the same")
	back, last := 0, uint64(0)
	for e, err := range s.Recover(t.Context()) {
		require.NoError(t, err)
		assert.Greater(t, e.ID, last)
		last = e.ID
		want := numbered(int(e.ID) - 1)
		assert.Equal(t, want.JSON, e.JSON)
		back++
	}
	_, err = s.Append(t.Context(), numbered(0))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	assert.GreaterOrEqual(t, back, events/2, "the other file's events are there")
	if len(found) == 0 {
		assert.Equal(t, events, back, "no damage, and nothing is missing")
		return 0
	}
	require.Len(t, found, 1)
	assert.Equal(t, back-events/2, found[0].Salvaged)
	assert.Contains(t, found[0].String(), fmt.Sprintf("%d waiting events", found[0].Salvaged))
	_, err = os.Stat(found[0].Path)
	require.NotErrorIs(t, err, fs.ErrNotExist, "the damaged file is kept")
	assert.Equal(t, names[0]+".damaged", filepath.Base(found[0].Path))

	found = nil
	require.NoError(t, open(t, dir, o).Close())
	assert.Empty(t, found, "the next time all is well")
	return 1
}
