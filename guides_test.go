package playline_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lines returns the lines of a text without their indentation, which may be deeper in the source.
func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, strings.TrimSpace(line))
	}
	return out
}

// sources are the Go files of the module, by lines.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, pattern := range []string{
		"*.go", "batcher/*.go", "emulator/*.go", "examples/*/*.go", "spool/*.go", "relay/*.go", "otelplayline/*.go",
	} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, path := range paths {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			out[path] = lines(string(source))
		}
	}
	return out
}

// pages are the README and the guides.
func pages(t *testing.T) []string {
	t.Helper()
	guides, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, guides)
	return append(guides, "README.md")
}

// holdsBlock reports whether a source has the lines of a block, one after the other.
func holdsBlock(source, block []string) bool {
	for i := range source {
		if i+len(block) <= len(source) && slices.Equal(source[i:i+len(block)], block) {
			return true
		}
	}
	return false
}

var (
	goBlock   = regexp.MustCompile("(?s)```go\n(.*?)```")
	testNamed = regexp.MustCompile("`(Test|Example|Benchmark|Fuzz)([A-Za-z0-9_]+)`")
)

// TestTheCodeOfTheGuidesIsCompiled: the code of the README and of each guide is in a source file, where
// it is compiled and, in a test, run.
func TestTheCodeOfTheGuidesIsCompiled(t *testing.T) {
	t.Parallel()
	guides := pages(t)
	all := sources(t)
	blocks := 0
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		require.NoError(t, err)
		for _, block := range goBlock.FindAllStringSubmatch(string(text), -1) {
			blocks++
			found := false
			for _, source := range all {
				found = found || holdsBlock(source, lines(block[1]))
			}
			assert.True(t, found, "%s: no source file has this block as it is:\n%s", guide, block[1])
		}
	}
	assert.GreaterOrEqual(t, blocks, 25)
	assert.False(t, holdsBlock([]string{"a", "b", "c"}, []string{"b", "d"}))
	assert.True(t, holdsBlock([]string{"a", "b", "c"}, []string{"b", "c"}))
}

// TestTheGuidesNameTestsThatAreThere: a claim in a guide names the test that shows it.
func TestTheGuidesNameTestsThatAreThere(t *testing.T) {
	t.Parallel()
	guides := pages(t)
	var tests strings.Builder
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "internal/*/*_test.go", "examples/*/*_test.go", "examples/*/*/*_test.go"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, path := range paths {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			tests.Write(source)
		}
	}
	named := 0
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		require.NoError(t, err)
		for _, name := range testNamed.FindAllStringSubmatch(string(text), -1) {
			named++
			assert.Contains(t, tests.String(), "func "+name[1]+name[2]+"(", guide)
		}
	}
	assert.NotZero(t, named)
}

// TestTheGracePeriodsOfTheGuideAddUp: a copied manifest must not kill a process that is still delivering.
func TestTheGracePeriodsOfTheGuideAddUp(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/production.md")
	require.NoError(t, err)
	number := func(pattern string) []int {
		var out []int
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			n, err := strconv.Atoi(m[1])
			require.NoError(t, err)
			out = append(out, n)
		}
		require.NotEmpty(t, out, pattern)
		return out
	}
	preStop, grace := number(`sleep: \{seconds: (\d+)\}`)[0], number(`-grace=(\d+)s`)
	assert.Len(t, grace, 2)
	assert.Greater(t, number(`terminationGracePeriodSeconds: (\d+)`)[0], preStop+grace[0])
	assert.Greater(t, number(`TimeoutStopSec=(\d+)`)[0], grace[1])
}
