package otelplayline_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheLibraryNeedsTheAPIAlone: an SDK or an exporter of ours would be one too many in a program
// that has its own.
func TestTheLibraryNeedsTheAPIAlone(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			rest, ours := strings.CutPrefix(path, "go.opentelemetry.io/otel")
			if !ours {
				assert.True(t, !strings.Contains(path, ".") || strings.HasPrefix(path, "github.com/playline/playline-go"), "%s imports %s", name, path)
				continue
			}
			seen++
			assert.False(t, strings.HasPrefix(rest, "/sdk") || strings.HasPrefix(rest, "/exporters"), "%s imports %s", name, path)
		}
	}
	assert.Positive(t, seen)
}
