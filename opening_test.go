package playline_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every Go file of the repository opens with what it is for.

// opens reports whether the first words of a file are a comment: that of the package, or one between the imports and the first declaration.
func opens(file *ast.File) bool {
	begin := file.Package
	first := file.FileEnd // where the first declaration begins, its own comment left out
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			begin = g.End()
			continue
		}
		first = d.Pos()
		break
	}
	for _, group := range file.Comments {
		if said := strings.TrimSpace(group.Text()) != ""; said && (group == file.Doc || group.Pos() > begin && group.End() <= first) {
			return true
		}
	}
	return false
}

func TestFilesOpenWithWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case filepath.Ext(path) != ".go":
			return nil
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		assert.True(t, file != nil && opens(file), "%s: its first words do not say what it is for", path)
		return err
	})
	require.NoError(t, err)
	assert.Greater(t, files, 400)
}

func TestWhatCountsAsAnOpening(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		source string
		want   bool
	}{
		"the package's comment":              {"// Package p does.\npackage p\n\nvar x = 1", true},
		"a comment behind the imports":       {"package p\n\nimport \"io\"\n\n// What it is for.\n\nvar x io.Reader", true},
		"the comment of the first thing":     {"package p\n\n// x is one.\nvar x = 1", true},
		"a comment alone":                    {"package p\n\n// Nothing is here.", true},
		"nothing":                            {"package p\n\nvar x = 1", false},
		"a comment of the second thing":      {"package p\n\nvar x = 1\n\n// y is two.\nvar y = 2", false},
		"a comment within the first thing":   {"package p\n\nfunc f() {\n\t// does\n}", false},
		"what it is built for and no more":   {"//go:build linux\n\npackage p\n\nvar x = 1", false},
		"a note to a linter among imports":   {"package p\n\nimport (\n\t// why\n\t\"io\"\n)\n\nvar x io.Reader", false},
		"built for something, and a comment": {"//go:build linux\n\npackage p\n\n// x is one.\nvar x = 1", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := parser.ParseFile(token.NewFileSet(), "p.go", row.source+"\n", parser.ParseComments)
			require.NoError(t, err)
			assert.Equal(t, row.want, opens(file))
		})
	}
}
