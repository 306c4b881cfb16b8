package playline_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// examplesIn returns the examples of a folder's tests by name, such as PlayersService_Get.
func examplesIn(t *testing.T, folder string) map[string]*doc.Example {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	require.NoError(t, err)
	var files []*ast.File
	fset := token.NewFileSet()
	for _, path := range paths {
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, file)
	}
	examples := map[string]*doc.Example{}
	for _, e := range doc.Examples(files...) {
		examples[e.Name] = e
	}
	return examples
}

// hasExample reports whether a name has an example, with a suffix or without, that the tests run.
func hasExample(examples map[string]*doc.Example, name string) bool {
	for of, e := range examples {
		suffix, ok := strings.CutPrefix(of, name)
		if ok && (suffix == "" || suffix[0] == '_') && (e.Output != "" || e.EmptyOutput) {
			return true
		}
	}
	return false
}

// TestEveryServiceMethodHasAnExample: what a reader of the documentation copies is what the tests run.
func TestEveryServiceMethodHasAnExample(t *testing.T) {
	t.Parallel()
	examples := examplesIn(t, ".")
	client := reflect.TypeFor[playline.Client]()
	methods := 0
	for i := range client.NumField() {
		if client.Field(i).IsExported() {
			methods += wantExamples(t, examples, client.Field(i).Type)
		}
	}
	assert.Positive(t, methods)
	wantExamples(t, examples, reflect.TypeFor[*playline.Client]())
}

func TestEveryBatcherMethodAndSettingHasAnExample(t *testing.T) {
	t.Parallel()
	examples := examplesIn(t, "batcher")
	wantExamples(t, examples, reflect.TypeFor[*batcher.Batcher]())
	wantExamples(t, examples, reflect.TypeFor[*batcher.Player]())
	for _, name := range []string{"New", "NewBatch", "NotifyContext", "Record_Event", "Batch_AppendBody", "TokenFunc"} {
		assert.True(t, hasExample(examples, name), "write Example%s, with an // Output: comment", name)
	}
	set := map[string]bool{}
	for _, e := range examples {
		if e.Output != "" {
			settings(e.Code, set)
		}
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[batcher.Config]()) {
		assert.True(t, set[field.Name], "Config.%s is set in no example with an // Output: comment", field.Name)
	}
}

// wantExamples checks the methods of a type, but for those that only fmt and slog call, and returns their number.
func wantExamples(t *testing.T, examples map[string]*doc.Example, typ reflect.Type) int {
	t.Helper()
	for i := range typ.NumMethod() {
		if method := typ.Method(i).Name; method != "Format" {
			name := typ.Elem().Name() + "_" + method
			assert.True(t, hasExample(examples, name), "write Example%s, with an // Output: comment", name)
		}
	}
	return typ.NumMethod()
}

// settings collects the names of the fields that code sets, as c.Linger = x and as Config{Linger: x}.
func settings(code ast.Node, set map[string]bool) {
	ast.Inspect(code, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				set[key.Name] = true
			}
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if field, ok := left.(*ast.SelectorExpr); ok {
					set[field.Sel.Name] = true
				}
			}
		}
		return true
	})
}

func TestWhatCountsAsAnExample(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		of      string
		example doc.Example
		want    bool
	}{
		"with an output":            {"PlayersService_Get", doc.Example{Output: "1"}, true},
		"one of several":            {"PlayersService_Get_unknown", doc.Example{Output: "1"}, true},
		"with an empty output":      {"PlayersService_Get", doc.Example{EmptyOutput: true}, true},
		"without: it is not run":    {"PlayersService_Get", doc.Example{}, false},
		"of a longer name":          {"PlayersService_GetAll", doc.Example{Output: "1"}, false},
		"of the whole package":      {"", doc.Example{Output: "1"}, false},
		"of the type, not a method": {"PlayersService", doc.Example{Output: "1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, hasExample(map[string]*doc.Example{row.of: &row.example}, "PlayersService_Get"))
		})
	}
}
