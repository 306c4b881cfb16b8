package spool

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// TestName: a spool keeps its name, and no other has it.
func TestName(t *testing.T) {
	t.Parallel()
	nameOf := func(dir string) string {
		t.Helper()
		s, err := Open(dir, Options{})
		require.NoError(t, err)
		var named batcher.NamedStore = s
		name := named.Name()
		require.NoError(t, s.Close())
		return name
	}
	one, other := t.TempDir(), t.TempDir()
	name := nameOf(one)
	assert.Regexp(t, goodName, name)
	assert.Equal(t, name, nameOf(one), "it stays")
	assert.NotEqual(t, name, nameOf(other))
	lock := filepath.Join(one, "lock")
	for what, text := range map[string]string{"empty": "", "torn": name[:7], "foreign": "not a name at all, and longer than one", "longer": name + "A"} {
		require.NoError(t, os.WriteFile(lock, []byte(text), 0o600))
		renamed := nameOf(one)
		assert.NotEqual(t, name, renamed, what)
		assert.Equal(t, renamed, nameOf(one), what)
	}
	require.NoError(t, os.Remove(lock))
	assert.NotEqual(t, name, nameOf(one), "removed")
}
