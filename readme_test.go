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

// The README's program, its table, its links, and those of the docs.

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// TestReadmeProgram holds the README's program against the one that is compiled and run.
func TestReadmeProgram(t *testing.T) {
	source := readFile(t, "examples/hello/main.go")
	start, end := strings.Index(source, "func main()"), strings.Index(source, "func check(")
	require.Positive(t, start)
	require.Greater(t, end, start)
	assert.Contains(t, readFile(t, "README.md"), "```go\n"+source[start:end-1]+"```\n", "copy main from examples/hello/main.go")
}

// TestReadmeNamesEveryMethod holds the table of operations against the services.
func TestReadmeNamesEveryMethod(t *testing.T) {
	readme := readFile(t, "README.md")
	eachMethod(t, func(t *testing.T, service string, m reflect.Method) {
		link := "[" + m.Name + "](https://pkg.go.dev/github.com/playline/playline-go#" + service + "Service." + m.Name + ")"
		assert.Contains(t, readme, link)
	})
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
