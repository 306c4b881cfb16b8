package playline_test

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// packagesBelow parses the packages of all modules below a folder, without their tests, by folder.
func packagesBelow(t *testing.T, root string, fset *token.FileSet) map[string][]*ast.File {
	t.Helper()
	packages := map[string][]*ast.File{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
		return err
	})
	require.NoError(t, err)
	return packages
}

// undocumented returns what is exported in a package and has no comment of its own, or one that does not begin with its name. What
// stands in a group of constants or variables may be documented by the group's comment, and a method by the type of its receiver where
// that is not exported.
func undocumented(p *doc.Package) []string {
	var bad []string
	check := func(name, text string) {
		words := strings.Fields(text)
		for len(words) > 1 && (words[0] == "A" || words[0] == "An" || words[0] == "The") {
			words = words[1:]
		}
		if len(words) == 0 || strings.TrimRight(words[0], ":,") != name[strings.LastIndex(name, ".")+1:] {
			bad = append(bad, name)
		}
	}
	values := func(groups []*doc.Value) {
		for _, group := range groups {
			for _, spec := range group.Decl.Specs {
				v := spec.(*ast.ValueSpec)
				for _, name := range v.Names {
					if name.IsExported() && group.Doc == "" && v.Doc.Text() == "" {
						bad = append(bad, name.Name)
					}
				}
			}
		}
	}
	values(p.Consts)
	values(p.Vars)
	for _, f := range p.Funcs {
		check(f.Name, f.Doc)
	}
	for _, typ := range p.Types {
		check(typ.Name, typ.Doc)
		values(typ.Consts)
		values(typ.Vars)
		for _, f := range typ.Funcs {
			check(f.Name, f.Doc)
		}
		for _, m := range typ.Methods {
			check(typ.Name+"."+m.Name, m.Doc)
		}
	}
	return bad
}

// TestEveryExportedNameIsDocumented looks at the packages of all modules in the repository.
func TestEveryExportedNameIsDocumented(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	packages := packagesBelow(t, ".", fset)
	for _, folder := range []string{".", "batcher", "emulator", "bench", "contracttest", "proxytest", "internal/transport"} {
		assert.Contains(t, packages, folder)
	}
	for folder, files := range packages {
		comments := 0
		for _, file := range files {
			if file.Doc != nil {
				comments++
			}
		}
		assert.Equal(t, 1, comments, "%s: files with a package comment", folder)
		p, err := doc.NewFromFiles(fset, files, "github.com/playline/playline-go/"+filepath.ToSlash(folder))
		require.NoError(t, err)
		assert.Empty(t, undocumented(p), "%s: exported and without a comment that begins with the name", folder)
	}
}

// bracketed is what was meant as a link to a name: [Client.NewBatcher], [*Error], [batcher.Batcher].
var bracketed = regexp.MustCompile(`\[\*?(?:[a-z]+\.)?[A-Z]\w*[a-z]\w*(?:\.[A-Z]\w*)?\]`)

// TestLinksOfTheToursResolve: a link in a package's comment names something that is there; else the reader sees brackets.
func TestLinksOfTheToursResolve(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	packages := packagesBelow(t, ".", fset)
	for _, folder := range []string{".", "batcher", "emulator"} {
		p, err := doc.NewFromFiles(fset, packages[folder], "github.com/playline/playline-go/"+folder)
		require.NoError(t, err)
		parser := p.Parser()
		links, plain := 0, []string{}
		for _, text := range paragraphs(parser.Parse(p.Doc)) {
			switch text := text.(type) {
			case *comment.DocLink:
				links++
			case comment.Plain:
				plain = append(plain, bracketed.FindAllString(string(text), -1)...)
			}
		}
		assert.Empty(t, plain, "%s: no such name", folder)
		assert.GreaterOrEqual(t, links, 10, folder)
	}
}

// paragraphs returns the text of all paragraphs of a comment, those in lists too.
func paragraphs(d *comment.Doc) []comment.Text {
	var out []comment.Text
	for _, block := range d.Content {
		switch block := block.(type) {
		case *comment.Paragraph:
			out = append(out, block.Text...)
		case *comment.List:
			for _, item := range block.Items {
				out = append(out, paragraphs(&comment.Doc{Content: item.Content})...)
			}
		}
	}
	return out
}

func TestWhatCountsAsDocumented(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		source string
		want   []string
	}{
		"a function":                      {"// F does.\nfunc F() {}", nil},
		"a function without":              {"func F() {}", []string{"F"}},
		"a comment of another name":       {"// G does.\nfunc F() {}", []string{"F"}},
		"what is not exported":            {"func f() {}", nil},
		"a type with an article":          {"// A T is one.\ntype T int", nil},
		"a method without":                {"// T is one.\ntype T int\n\nfunc (T) M() {}", []string{"T.M"}},
		"a method of what is not shown":   {"type t int\n\nfunc (t) M() {}", nil},
		"constants of a documented group": {"// The ones.\nconst (\n\tA = 1\n\tB = 2\n)", nil},
		"constants, each by itself":       {"const (\n\t// A is one.\n\tA = 1\n\tB = 2\n)", []string{"B"}},
		"a variable without":              {"var V int", []string{"V"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, "p.go", "package p\n\n"+row.source+"\n", parser.ParseComments)
			require.NoError(t, err)
			p, err := doc.NewFromFiles(fset, []*ast.File{file}, "example.com/p")
			require.NoError(t, err)
			assert.Equal(t, row.want, undocumented(p))
		})
	}
}
