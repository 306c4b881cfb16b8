package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/spool"
)

// Files that the disk damages while the spool has them open.

// rot changes the bytes of a file in its place.
func rot(path string, change func(data []byte)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before := bytes.Clone(data)
	change(data)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for at := 0; at < len(data) && err == nil; at += page { // no other page: a full disk may have no room for it
		if end := min(at+page, len(data)); !bytes.Equal(before[at:end], data[at:end]) {
			_, err = f.WriteAt(data[at:end], int64(at))
		}
	}
	return errors.Join(err, f.Close())
}

// The damage is found when the file is to be made smaller.
func TestAFileThatRotsIsNotMadeSmaller(t *testing.T) {
	dir := t.TempDir()
	var found []spool.Damage
	o := spool.Options{SegmentBytes: 20_000, Every: time.Hour, Report: func(d spool.Damage) { found = append(found, d) }}
	s := open(t, dir, o)
	var ids []uint64
	for n := range 200 {
		id, err := s.Append(t.Context(), padded(n, 200))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	require.NoError(t, s.Close())
	s = open(t, dir, o)
	require.NoError(t, rot(filepath.Join(dir, fmt.Sprintf("%016x.spool", 1)), func(data []byte) {
		for at := 0; ; at++ { // one event that waits
			next := bytes.Index(data[at:], []byte(`{"n":2}`))
			if next < 0 {
				return
			}
			at += next
			data[at+5] ^= 1
		}
	}))
	require.NoError(t, s.Settled(t.Context(), ids[4:150]))
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.Close())
	require.Len(t, found, 1)
	assert.Equal(t, 3, found[0].Salvaged)
	assert.FileExists(t, found[0].Path)
	want := append([]uint64{ids[0], ids[1], ids[3]}, ids[150:]...)
	back := []uint64{}
	for _, e := range recovered(t, open(t, dir, o)) {
		back = append(back, e.ID)
	}
	assert.Equal(t, want, back)
}

// The engine trips over the file that is written to, and keeps its locks. The process goes on, or
// the engine takes it along: a goroutine of its own may still read the file (which the race
// detector sees). But it must not hang.
func TestTheLastFileRots(t *testing.T) {
	for _, sync := range []string{"always", "interval"} {
		t.Run(sync, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0])
			cmd.Env = append(os.Environ(), "SPOOL_ROT="+dir, "SPOOL_SYNC="+sync, "GORACE=exitcode=0")
			out, err := cmd.Output()
			require.NoError(t, ctx.Err(), "it hangs")
			var ids []uint64
			told := 0
			for line := range strings.Lines(string(out)) {
				var id uint64
				switch n, _ := fmt.Sscanf(line, "appended %d", &id); {
				case n == 1:
					ids = append(ids, id)
				case line == "damaged, 300 can be read\n":
					told++
				}
			}
			assert.GreaterOrEqual(t, len(ids), 300)
			if err == nil {
				assert.Len(t, ids, 301, "it went on")
				assert.Equal(t, 1, told)
			}
			s := open(t, dir, spool.Options{Report: func(spool.Damage) { told++ }})
			back := []uint64{}
			for _, e := range recovered(t, s) {
				back = append(back, e.ID)
			}
			if err != nil && len(back) == len(ids)+1 { // it died before it could refuse the last one
				back = back[:len(ids)]
			}
			assert.Equal(t, ids, back)
			assert.Positive(t, told)
		})
	}
}

// rotten is the process in which that happens. It tells what was appended.
func rotten(dir string, o spool.Options) error {
	o.SegmentBytes = 0 // one file
	o.Report = func(d spool.Damage) { fmt.Fprintf(os.Stdout, "damaged, %d can be read\n", d.Salvaged) }
	s, err := spool.Open(dir, o)
	if err != nil {
		return err
	}
	ctx := context.Background()
	add := func(n int) error {
		id, err := s.Append(ctx, padded(n, 2000))
		if err == nil {
			fmt.Fprintln(os.Stdout, "appended", id)
		}
		return err
	}
	for n := range 300 {
		if err := add(n); err != nil {
			return err
		}
	}
	if err := s.Sync(ctx); err != nil {
		return err
	}
	if err := rot(filepath.Join(dir, fmt.Sprintf("%016x.spool", 1)), func(data []byte) {
		for at := 2 * page; at < len(data); at += page {
			if data[at+8] == 1 { // a branch
				clear(data[at+16 : at+page])
			}
		}
	}); err != nil {
		return err
	}
	for add(300) != nil { // one is refused with Always; with Interval it is written a little later
		_ = s.Sync(ctx)
	}
	for s.Sync(ctx) != nil { // it is the next commit that goes to another file
		continue
	}
	return s.Close()
}
