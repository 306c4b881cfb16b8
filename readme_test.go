package playline

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The README's length, programs and variables; the table of operations; and the links of all pages.

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// TestReadmeProgram compares the README's program with the one that is compiled and run: the README
// shows all of main, in pieces, in its order.
func TestReadmeProgram(t *testing.T) {
	source := readFile(t, "examples/hello/main.go")
	start, end := strings.Index(source, "func main()"), strings.Index(source, "func check(")
	require.Positive(t, start)
	require.Greater(t, end, start)
	var pieces []string
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readFile(t, "README.md"), -1) {
		if strings.Contains(source, block[1]) {
			pieces = append(pieces, block[1])
		}
	}
	assert.Len(t, pieces, 2, "a client and a batcher")
	assert.Equal(t, source[start:end-1], strings.Join(pieces, "\n"), "copy main from examples/hello/main.go")
}

// TestReadmeIsShort: one screen to be convinced, five to be at work.
func TestReadmeIsShort(t *testing.T) {
	readme := readFile(t, "README.md")
	assert.LessOrEqual(t, len(strings.Fields(readme)), 1500, "words")
	assert.LessOrEqual(t, strings.Count(readme, "\n"), 230, "lines")
}

// TestReadmeNamesEveryVariable compares the table of configuration with what NewFromEnv reads.
func TestReadmeNamesEveryVariable(t *testing.T) {
	readme := readFile(t, "README.md")
	for _, service := range envServices {
		for _, name := range append(service.required, service.optional...) {
			assert.Contains(t, readme, "`"+name+"`")
		}
		assert.Regexp(t, `^PLAYLINE_[A-Z]+_URL$`, service.url)
	}
	assert.Contains(t, readme, "`PLAYLINE_<SERVICE>_URL`")
}

// TestTheDocsNameEveryMethod compares the table of operations with the services.
func TestTheDocsNameEveryMethod(t *testing.T) {
	table := readFile(t, "docs/operations.md")
	eachMethod(t, func(t *testing.T, service string, m reflect.Method) {
		link := "[" + m.Name + "](https://pkg.go.dev/github.com/playline/playline-go#" + service + "Service." + m.Name + ")"
		assert.Contains(t, table, link)
	})
}

// TestTheIndexListsEveryPage: each page of docs/ is in the index, and each example in its table.
func TestTheIndexListsEveryPage(t *testing.T) {
	index := readFile(t, "docs/README.md")
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" {
			assert.Contains(t, index, "]("+name)
		}
	}
	examples, err := filepath.Glob("examples/*")
	require.NoError(t, err)
	for _, example := range examples {
		assert.Contains(t, index, "| "+filepath.Base(example)+" |")
	}
	assert.GreaterOrEqual(t, len(pages), 10)
	assert.GreaterOrEqual(t, len(examples), 10)
}

// TestDocsPointToWhatIsThere follows the relative links, and the folders of the commands, of every page.
func TestDocsPointToWhatIsThere(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fenced := regexp.MustCompile("(?s)```.*?```")
	command := regexp.MustCompile(`go (?:run|test)[^\n` + "`" + `|#]* (\./[\w./-]+)`)
	for _, page := range append(pages, more...) {
		t.Run(page, func(t *testing.T) {
			text := readFile(t, page)
			for _, found := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
				target, fragment, _ := strings.Cut(found[1], "#")
				switch {
				case strings.Contains(target, "://"), strings.HasPrefix(target, "mailto:"):
				case target == "":
					assert.Contains(t, anchors(text), fragment, "no heading for #%s", fragment)
				default:
					path := filepath.Join(filepath.Dir(page), target)
					_, err := os.Stat(path)
					assert.NoError(t, err)
					if fragment != "" {
						assert.Contains(t, anchors(readFile(t, path)), fragment, "no heading in %s for #%s", path, fragment)
					}
				}
			}
			for _, found := range command.FindAllStringSubmatch(text, -1) {
				_, err := os.Stat(strings.TrimSuffix(found[1], "/..."))
				assert.NoError(t, err, "the command %q", found[0])
			}
		})
	}
}

// anchors are the headings of a page as a browser addresses them.
func anchors(text string) []string {
	heading := regexp.MustCompile(`(?m)^#+ (.+)$`)
	var out []string
	for _, found := range heading.FindAllStringSubmatch(text, -1) {
		name := strings.ReplaceAll(strings.ToLower(found[1]), " ", "-")
		out = append(out, regexp.MustCompile(`[^\pL\pN_-]`).ReplaceAllString(name, ""))
	}
	return out
}

// TestHostsOfTheGuide: who lets out what the checklist lists lets out all that the client calls.
func TestHostsOfTheGuide(t *testing.T) {
	guide := readFile(t, "docs/production.md")
	for service, d := range dialects {
		host := strings.TrimPrefix(d.base, "https://")
		host, _, _ = strings.Cut(host, "/")
		assert.Contains(t, guide, "`"+host+"`", service)
	}
}
