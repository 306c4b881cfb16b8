package playline_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The English of pages and comments, as far as a test can check it: no phrase of the list below, and
// comments of at most 100 columns. CONTRIBUTING.md has the rules that only a reader can check.

// unswept are the packages whose comments were not rewritten yet. Remove a line when its package is
// done. A new package is never added.
var unswept = []string{
	".", "batcher", "relay", "sim", "sim/world",
}

const (
	maxColumns           = 100
	maxColumnsBehindCode = 140 // of a line with code and a comment behind it
)

// A phrase is wording that this project does not use, and what to write instead.
type phrase struct {
	pattern *regexp.Regexp
	instead string
}

var (
	units   = `(?:second|minute|hour|day|month|player|request|event|message|node|partition|core|process|service|vendor|operation|endpoint|line|type|lane|tick|relay|batch|user|call|contact|directory)`
	phrases = []phrase{
		{regexp.MustCompile(`(?i)\btold\b`), "say who reports what to whom: the batcher calls, the error says"},
		{regexp.MustCompile(`(?i)\b(?:stand|stands|stood)\b(?:-in|(?: in)? for\b)?`), "is, lives, is written, has"},
		{regexp.MustCompile(`(?i)\b(?:there )?(?:is|are|was|were) none\b`), "there is no, does not exist, is not a"},
		{regexp.MustCompile(`(?i)\bby and by\b`), "gradually"},
		{regexp.MustCompile(`(?i)\banew\b`), "again"},
		{regexp.MustCompile(`(?i)\bfor ever\b`), "without end"},
		{regexp.MustCompile(`(?i)\b(?:how many )?(?:events|requests|players|bytes|messages|\d+) an? ` + units + `\b(?: time)?`), "per"},
		{regexp.MustCompile(`(?i)\b(?:calls|times) an? (?:second|minute|hour|day)\b(?: time)?`), "per"},
		{regexp.MustCompile(`(?i)\b(?:giv|gave|send|show|offer|cost|pay)?[a-z]* ?\ban? [a-z]+ an? ` + units + `\b`), "one per"},
		{regexp.MustCompile(`^(?:What|Who) [^?]*$`), "name the subject: the caller, the batcher, an event that"},
		{regexp.MustCompile(`^Where [^?]*$`), "if"},
	}
)

// allowed are matches of a phrase that are plain English: "x stands for y", "there is none", "how many
// events a player has", "players a second time".
var allowed = regexp.MustCompile(`(?i)^(?:(?:giv|gave|send|show|offer|cost|pay).*|st.*(?: for|-in)|there .* none|how many .*|.* time)$`)

// wrongPhrases returns the phrases in a text, each with what to write instead.
func wrongPhrases(text string) []string {
	var found []string
	for _, sentence := range sentences(text) {
		for _, p := range phrases {
			for _, match := range p.pattern.FindAllString(sentence, -1) {
				if !allowed.MatchString(match) {
					found = append(found, fmt.Sprintf("%q in %q: write %s", match, sentence, p.instead))
				}
			}
		}
	}
	return found
}

var sentenceEnd = regexp.MustCompile(`([.!?:;])["')*_]*\s+|\s*\|\s*|\n\s*\n|\n\s*(?:[-*]|\d+\.) `)

// sentences splits a text at the ends of sentences, table cells, list items and paragraphs. A question
// keeps its mark.
func sentences(text string) []string {
	var out []string
	at := 0
	add := func(end int) {
		if s := strings.Join(strings.Fields(strings.Trim(text[at:end], "#*_ \n\t-")), " "); s != "" {
			out = append(out, s)
		}
	}
	for _, m := range sentenceEnd.FindAllStringSubmatchIndex(text, -1) {
		end := m[0]
		if m[3] >= 0 {
			end = m[3]
		}
		add(end)
		at = m[1]
	}
	add(len(text))
	return out
}

var (
	fence      = regexp.MustCompile("(?ms)^ *```.*?^ *```") //nolint:gocritic // ^ is each line's beginning
	indented   = regexp.MustCompile(`(?m)^    .*$`)
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	heading    = regexp.MustCompile(`(?m)^#+ .*$`)
	linkTarget = regexp.MustCompile(`\]\([^)]*\)`)
)

// proseOf returns a page without its code, headings and addresses.
func proseOf(page string) string {
	for _, cut := range []*regexp.Regexp{fence, indented, heading} {
		page = cut.ReplaceAllString(page, "\n\n")
	}
	return linkTarget.ReplaceAllString(inlineCode.ReplaceAllString(page, "CODE"), "]")
}

func TestPagesArePlainEnglish(t *testing.T) {
	t.Parallel()
	for _, page := range append(pages(t), "CONTRIBUTING.md", "AGENTS.md") {
		assert.Empty(t, wrongPhrases(proseOf(readText(t, page))), page)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// goFolders are the folders with Go files of all modules, each with its files.
func goFolders(t *testing.T) map[string][]string {
	t.Helper()
	folders := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case filepath.Ext(path) == ".go":
			folder := filepath.ToSlash(filepath.Dir(path))
			folders[folder] = append(folders[folder], path)
		}
		return nil
	})
	require.NoError(t, err)
	return folders
}

// columns is how wide a line is. A tab counts as one, as it does for grep.
func columns(line string) int { return utf8.RuneCountInString(line) }

// wrongComments returns the comments of a Go file that are too wide, and the phrases in its comments,
// texts and names of tests.
func wrongComments(path, source string) ([]string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(source, "\n")
	var wrong []string
	for _, group := range file.Comments {
		first, last := fset.Position(group.Pos()).Line, fset.Position(group.End()).Line
		for n := first; n <= last; n++ {
			line, limit := strings.TrimRight(lines[n-1], "\r"), maxColumns
			if n == first && !strings.HasPrefix(strings.TrimSpace(line), "/") {
				limit = maxColumnsBehindCode
			}
			if columns(line) > limit && !strings.Contains(line, "//nolint") && !strings.Contains(line, "://") {
				wrong = append(wrong, fmt.Sprintf("%s:%d: %d columns", path, n, columns(line)))
			}
		}
		for _, found := range wrongPhrases(inlineCode.ReplaceAllString(group.Text(), "CODE")) {
			wrong = append(wrong, fmt.Sprintf("%s:%d: %s", path, first, found))
		}
	}
	add := func(node ast.Node, text string) {
		for _, found := range wrongPhrases(text) {
			wrong = append(wrong, fmt.Sprintf("%s:%d: %s", path, fset.Position(node.Pos()).Line, found))
		}
	}
	isTest := strings.HasSuffix(path, "_test.go")
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit: // the texts of errors, logs and flags; the strings of tests are data
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING && !isTest {
				add(n, text)
			}
		case *ast.FuncDecl:
			if isTest {
				add(n, camel.ReplaceAllString(n.Name.Name, "$1 $2"))
			}
		}
		return true
	})
	return wrong, nil
}

// camel is a border between two words of a name.
var camel = regexp.MustCompile(`([a-z])([A-Z])`)

func TestCommentsArePlainEnglish(t *testing.T) {
	t.Parallel()
	folders := goFolders(t)
	for _, folder := range unswept {
		assert.Contains(t, folders, folder, "unswept names a package that does not exist")
		delete(folders, folder)
	}
	for folder, files := range folders {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			for _, path := range files {
				wrong, err := wrongComments(path, readText(t, path))
				require.NoError(t, err)
				assert.Empty(t, wrong)
			}
		})
	}
}

func TestWhatCountsAsPlainEnglish(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text  string
		wrong int
	}{
		{"The batcher calls OnOutcome once per batch.", 0},
		{"OnOutcome is told of each batch.", 1},
		{"One lane per player, one request per second.", 0},
		{"It has a lane a player.", 1},
		{"A file a service.", 1},
		{"It gives a login a message of its own.", 0},
		{"Send 20 events a second.", 1},
		{"It is asked once a second, and asks 3 players a second time.", 0},
		{"How many events a player may have.", 0},
		{"There is none.", 0},
		{"The client stands in a heap.", 1},
		{"The emulator stands in for the services, nil stands for none.", 0},
		{"An emulator, a service and an operation.", 0},
		{"The id is none.", 1},
		{"It opens by and by and is made anew for ever.", 3},
		{"What waits for a time is in a heap.", 1},
		{"It ends. Who waits gets an error.", 1},
		{"Where nothing waits, it returns.", 1},
		{"What if the queue is full? Track waits.", 0},
		{"| Who | What is stored |", 1},
		{"It waits; what comes later does not matter.", 0},
		{"The batcher says where\nit was and what\nit did.", 0},
		{"It was made\nanew.", 1},
	} {
		assert.Len(t, wrongPhrases(row.text), row.wrong, row.text)
	}
	page := "# What stands\n\n```go\n// told\n```\n\n    told\n\nText `told` and [a link](anew.md).\n"
	assert.Equal(t, "Text CODE and [a link].", strings.TrimSpace(proseOf(page)))
	assert.Len(t, wrongPhrases("One.\n\nWhat is told.\n- Who waits.\n"), 3)
}

func TestWhatCountsAsAWideComment(t *testing.T) {
	t.Parallel()
	words := func(n int) string { return strings.Repeat("x", n) }
	for name, row := range map[string]struct {
		source string
		wrong  int
	}{
		"100 columns":                     {"// " + words(97) + "\nvar x int", 0},
		"101 columns":                     {"// " + words(98) + "\nvar x int", 1},
		"with a tab, which is one":        {"func f() {\n\t// " + words(96) + "\n}", 0},
		"with a tab, one too many":        {"func f() {\n\t// " + words(97) + "\n}", 1},
		"code with a comment behind it":   {"var x = 1 // " + words(127), 0},
		"and a longer one":                {"var x = 1 // " + words(128), 1},
		"code alone":                      {"var x = \"" + words(120) + "\"", 0},
		"an address that cannot be split": {"// https://example.com/" + words(90) + "\nvar x int", 0},
		"a phrase":                        {"// x is told.\nvar x int", 1},
		"a phrase in a string":            {"var x = \"told\"", 1},
		"an import, a tag":                {"var x struct{ A int `json:\"a\"` }", 0},
		"a test's comment":                {"/* by and by */\nvar x int", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrong, err := wrongComments("p.go", "package p\n\n"+row.source+"\n")
			require.NoError(t, err)
			assert.Len(t, wrong, row.wrong)
		})
	}
	for name, row := range map[string]struct {
		source string
		wrong  int
	}{
		"a string":         {`var x = "told"`, 0},
		"a test's name":    {"func TestTheCallerIsTold() {}", 1},
		"another name":     {"func TestAnErrorIsLogged() {}", 0},
		"a comment, still": {"// x is told.\nvar x int", 1},
	} {
		wrong, err := wrongComments("p_test.go", "package p\n\n"+row.source+"\n")
		require.NoError(t, err)
		assert.Len(t, wrong, row.wrong, "in a test: %s", name)
	}
}
