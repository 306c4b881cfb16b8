package spool

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/playline/playline-go/batcher"
)

// broken closes the last segment's file under the spool, so that every write fails, and returns
// what mends it.
func broken(t *testing.T, s *Spool) (mend func()) {
	t.Helper()
	s.disk.Lock()
	defer s.disk.Unlock()
	seg := s.segments[len(s.segments)-1]
	if seg.db == nil {
		require.NoError(t, seg.open())
	}
	require.NoError(t, seg.db.Close())
	return func() {
		s.disk.Lock()
		defer s.disk.Unlock()
		require.NoError(t, seg.open())
	}
}

func one(text string) batcher.StoredEvent {
	return batcher.StoredEvent{UserID: "ace", Accepted: time.UnixMilli(1), JSON: []byte(text)}
}

func texts(t *testing.T, s *Spool) (out []string) {
	t.Helper()
	for e, err := range s.walk() {
		require.NoError(t, err)
		out = append(out, string(e.JSON))
	}
	return out
}

func TestAFailedWriteRefusesWithAlways(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Every: time.Hour})
	require.NoError(t, err)
	first, err := s.Append(t.Context(), one(`"first"`))
	require.NoError(t, err)
	held := s.size
	mend := broken(t, s)
	_, err = s.Append(t.Context(), one(`"refused"`))
	require.ErrorContains(t, err, "spool: cannot write")
	require.NotErrorIs(t, err, ErrFull)
	assert.Equal(t, held, s.size, "what is refused takes no room")
	require.Error(t, s.Sending(t.Context(), []uint64{first}), "an event that must not be sent twice must not be sent now")
	require.NoError(t, s.Settled(t.Context(), []uint64{first}), "this is remembered")
	mend()
	_, err = s.Append(t.Context(), one(`"second"`))
	require.NoError(t, err)
	require.NoError(t, s.Close())

	s, err = Open(dir, Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{`"second"`}, texts(t, s))
	require.NoError(t, s.Close())
}

// An engine may fail although it has written. The refused events are then in the file, and must not
// come back.
func TestRefusedEventsDoNotComeBack(t *testing.T) {
	for name, after := range map[string][]string{"another is kept after it": {`"kept"`}, "nothing comes after it": nil} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(dir, Options{Every: time.Hour})
			require.NoError(t, err)
			mend := broken(t, s)
			_, err = s.Append(t.Context(), one(`"refused"`))
			require.Error(t, err)
			mend()
			s.disk.Lock()
			require.NoError(t, s.segments[0].update(repack([]batcher.StoredEvent{{ID: 1, JSON: []byte(`"refused"`)}}, 1, ""), nil, nil))
			s.disk.Unlock()
			for _, text := range after {
				_, err = s.Append(t.Context(), one(text))
				require.NoError(t, err)
			}
			require.NoError(t, s.Close())

			s, err = Open(dir, Options{})
			require.NoError(t, err)
			assert.Equal(t, after, texts(t, s))
			require.NoError(t, s.Close())
		})
	}
}

// A disk can be broken for hours while a game continues, so the spool must not remember refused
// events.
func TestRefusedEventsTakeNoMemory(t *testing.T) {
	s, err := Open(t.TempDir(), Options{Every: time.Hour})
	require.NoError(t, err)
	mend := broken(t, s)
	for range 1000 {
		_, err := s.Append(t.Context(), one(`"refused"`))
		require.Error(t, err)
	}
	s.mu.Lock()
	assert.Empty(t, s.settled)
	assert.Empty(t, s.sending)
	s.mu.Unlock()
	mend()
	require.NoError(t, s.Close())
}

// A note may have been written with a refused event. No other event may get its id.
func TestAnIDThatANoteNamesIsNotGivenOutAgain(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Every: time.Hour})
	require.NoError(t, err)
	s.disk.Lock()
	require.NoError(t, s.segments[0].write(&batch{}, nil, []run{{1, 2}}))
	s.disk.Unlock()
	require.NoError(t, s.Close())
	for n := 1; n <= 2; n++ { // an event that shared its id with the note would be gone the second time
		s, err = Open(dir, Options{})
		require.NoError(t, err)
		assert.Len(t, texts(t, s), n-1)
		_, err = s.Append(t.Context(), one(`"kept"`))
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
}

func TestAFailedWriteIsTriedAgainWithInterval(t *testing.T) {
	for name, mended := range map[string]bool{"in time": true, "never": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(dir, Options{Sync: Interval, Every: time.Millisecond})
			require.NoError(t, err)
			mend := broken(t, s)
			var want []string
			large := `"` + string(make([]byte, 200_000)) + `"`
			for err = error(nil); err == nil; {
				if _, err = s.Append(t.Context(), one(large)); err == nil {
					want = append(want, large)
				}
			}
			require.ErrorContains(t, err, "spool: cannot write")
			assert.Greater(t, len(want), stageBytes/200_000, "while one stage waits to be written the other fills")
			if mended {
				mend()
				require.NoError(t, s.Close())
			} else {
				require.Error(t, s.Close())
			}
			s, err = Open(dir, Options{})
			require.NoError(t, err)
			assert.Len(t, texts(t, s), len(want), "whether it could be written or not")
			require.NoError(t, s.Close())
		})
	}
}

// A rewritten file cannot be opened for a while. The notes about its events wait, and go to the
// file that has the name.
func TestNotesOfARewrittenFileAreNotLost(t *testing.T) {
	dir := t.TempDir()
	o := Options{Every: time.Hour, SegmentBytes: 2000}
	s, err := Open(dir, o)
	require.NoError(t, err)
	var ids []uint64
	for range 100 {
		id, err := s.Append(t.Context(), one(`"an event of some length"`))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	first := s.segments[0]
	most := first.members.size - 5
	require.NoError(t, s.Settled(t.Context(), ids[:most]))
	_, err = s.Append(t.Context(), one(`"commits the notes"`))
	require.NoError(t, err)
	require.NotSame(t, first, s.segments[0], "it is rewritten")
	require.Nil(t, s.segments[0].db)

	other, err := bbolt.Open(first.path, 0o600, nil) // it is locked
	require.NoError(t, err)
	require.Error(t, s.Sending(t.Context(), ids[most:most+2]))
	require.NoError(t, s.Settled(t.Context(), ids[most:most+1]))
	_, err = s.Append(t.Context(), one(`"goes elsewhere"`))
	require.NoError(t, err)
	require.NoError(t, other.Close())
	_, err = s.Append(t.Context(), one(`"commits what waits"`))
	require.NoError(t, err)

	s.disk.Lock()
	now, err := loadSegment(s.dir, first.first, nil)
	s.disk.Unlock()
	require.NoError(t, err)
	require.NoError(t, now.damage)
	assert.Equal(t, 4, now.members.left)
	assert.False(t, now.members.waits(ids[most]))
	assert.True(t, now.members.doubtful(ids[most+1]))
	assert.False(t, now.members.doubtful(ids[most+2]))
	require.NoError(t, s.Close())
}

// Not all file systems have hard links.
func TestSecondName(t *testing.T) {
	dir, err := openDirectory(t.TempDir(), false)
	require.NoError(t, err)
	defer dir.close()
	require.NoError(t, os.WriteFile(dir.at("from"), []byte("the bytes"), 0o600))
	seg := &segment{dir: dir, name: "from", path: dir.at("missing")} // no second name is possible, but a copy is
	require.NoError(t, seg.secondName(dir.at("to")))
	data, err := os.ReadFile(dir.at("to"))
	require.NoError(t, err)
	assert.Equal(t, "the bytes", string(data))
	seg.name = "missing"
	require.Error(t, seg.secondName(dir.at("other")))
	assert.NoFileExists(t, dir.at("other"))
}

// A file that cannot be removed is tried again, and one that cannot be read again at a later time
// gives what it can.
func TestDamageWhileItIsOpen(t *testing.T) {
	dir := t.TempDir()
	o := Options{Every: time.Hour, SegmentBytes: 2000}
	s, err := Open(dir, o)
	require.NoError(t, err)
	for range 100 {
		_, err := s.Append(t.Context(), one(`"an event of some length"`))
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	var found []Damage
	o.Report = func(d Damage) { found = append(found, d) }
	s, err = Open(dir, o)
	require.NoError(t, err)
	seg := s.segments[0]
	require.NoError(t, seg.close())
	data, err := os.ReadFile(seg.path)
	require.NoError(t, err)
	data[20] ^= 1 // a meta page
	require.NoError(t, os.WriteFile(seg.path, data, 0o600))
	assert.Len(t, texts(t, s), 100, "the disk lost a page behind our back")
	_, err = s.Append(t.Context(), one(`"goes on"`))
	require.NoError(t, err)
	assert.Len(t, texts(t, s), 101)
	require.NoError(t, s.Close())
	require.Len(t, found, 1)
	assert.Equal(t, seg.members.size, found[0].Salvaged)
	assert.FileExists(t, found[0].Path)
}
