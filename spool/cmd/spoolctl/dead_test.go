package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// deadDir returns a directory with three dead letters of two players.
func deadDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	letter := func(user string, r batcher.Result, cause string, doubts int) batcher.DeadLetter {
		return batcher.DeadLetter{
			GameID: "com.example.stackblaster", UserID: user, Result: r, Cause: cause, Accepted: time.UnixMilli(1), Died: time.UnixMilli(2), Attempts: 3, InDoubt: doubts,
			JSON: []byte(`{"type":"GameEnd","customdata":{"of":"` + user + `"}}`),
		}
	}
	require.NoError(t, s.KeepDead(t.Context(), []batcher.DeadLetter{
		letter("ace", batcher.Rejected, "400: level is no number", 0), letter("blitz", batcher.Rejected, "400: level is no number", 0),
	}))
	require.NoError(t, s.KeepDead(t.Context(), []batcher.DeadLetter{letter("ace", batcher.Unknown, "timeout", 1)}))
	require.NoError(t, s.Close())
	return dir
}

func TestDeadLettersAreListedAndShown(t *testing.T) {
	dir := deadDir(t)
	before := contents(t, dir)
	out, err := spoolctl(t, "dead", "ls", dir)
	require.NoError(t, err)
	assert.Regexp(t, `^3 dead letters, numbers 1 to 3\.\n`, out)
	assert.Regexp(t, `(?m)^ +2 +2 +\d+d\d+h +rejected "400: level is no number"$`, out)
	assert.Regexp(t, `(?m)^ +1 +1 +\d+d\d+h +unknown "timeout"$`, out)
	const third = `{"number":3,"game_id":"com.example.stackblaster","user_id":"ace","result":"unknown","cause":"timeout","accepted":"1970-01-01T00:00:00.001Z",` +
		`"died":"1970-01-01T00:00:00.002Z","attempts":3,"in_doubt":1,"event":{"type":"GameEnd","customdata":{"of":"ace"}}}` + "\n"
	for _, chosen := range [][]string{{"-number", "3"}, {"-result", "unknown"}, {"-player", "ace", "-result", "unknown"}} {
		out, err := spoolctl(t, append(append([]string{"dead", "show"}, chosen...), dir)...)
		require.NoError(t, err)
		assert.Equal(t, third, out)
	}
	out, err = spoolctl(t, "dead", "show", "-player", "nobody", dir)
	require.NoError(t, err)
	assert.Empty(t, out)
	out, err = spoolctl(t, "dead", "ls", "-result", "expired", dir)
	require.NoError(t, err)
	assert.Equal(t, "No dead letters.\n", out)
	out, err = spoolctl(t, "dead", "replay", "-dry-run", dir)
	require.NoError(t, err)
	assert.Equal(t, "3 dead letters would be put back among the events that wait; 1 of them may be stored already and would be there twice\n", out)
	assert.Equal(t, before, contents(t, dir), "nothing is changed")
}

func TestDeadLettersAreReplayed(t *testing.T) {
	dir := deadDir(t)
	out, err := spoolctl(t, "dead", "replay", "-player", "ace", dir)
	require.NoError(t, err)
	assert.Equal(t, "2 dead letters wait again, 1 of them in doubt: the next process that opens the directory sends them\n", out)
	s, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	var doubts []bool
	for e, err := range s.Recover(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, "ace", e.UserID)
		assert.Equal(t, "com.example.stackblaster", e.GameID)
		assert.False(t, e.Once)
		assert.WithinDuration(t, time.Now(), e.Accepted, time.Hour, "its age begins anew")
		doubts = append(doubts, e.InDoubt)
	}
	assert.Equal(t, []bool{false, true}, doubts, "what may be stored already is a possible duplicate")
	require.NoError(t, s.Close())
	out, err = spoolctl(t, "dead", "ls", dir)
	require.NoError(t, err)
	assert.Contains(t, out, "1 dead letters, numbers 2 to 2.", "the other player's stays")
}

func TestDeadLettersArePurged(t *testing.T) {
	dir := deadDir(t)
	before, err := os.Open(dir + "/dead") // the bytes, not the name
	require.NoError(t, err)
	defer before.Close()
	out, err := spoolctl(t, "dead", "purge", "-result", "rejected", dir)
	require.NoError(t, err)
	assert.Equal(t, "2 dead letters removed and overwritten\n", out)
	info, err := before.Stat()
	require.NoError(t, err)
	data := make([]byte, info.Size())
	_, err = before.ReadAt(data, 0)
	require.NoError(t, err)
	assert.Equal(t, make([]byte, len(data)), data)
	out, err = spoolctl(t, "purge", "-player", "ace", dir)
	require.NoError(t, err)
	assert.Equal(t, "0 events and 1 dead letters of player \"ace\" forgotten, and overwritten in 0 files; 0 of other players wait\n", out)
	out, err = spoolctl(t, "dead", "ls", dir)
	require.NoError(t, err)
	assert.Equal(t, "No dead letters.\n", out)
}
