package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheTableFitsTheCode fails at once if somebody changes a line that a mutant breaks. Running
// all mutants takes minutes.
func TestTheTableFitsTheCode(t *testing.T) {
	t.Chdir("../..")
	paths, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	require.NoError(t, err)
	var tests strings.Builder
	for _, path := range paths {
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		tests.Write(source)
	}
	require.NotEmpty(t, mutants)
	for _, m := range mutants {
		_, err := m.source()
		assert.NoError(t, err)
		assert.NotEqual(t, m.code, m.broken, m.change)
		if !strings.Contains(tests.String(), "func "+m.test+"(") { // assert.Contains would print all of them
			t.Errorf("%s: there is no test %s", m.change, m.test)
		}
	}
}
