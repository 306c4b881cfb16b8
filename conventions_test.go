package playline

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eachMethod calls f for every exported method of every service of the client.
func eachMethod(t *testing.T, f func(t *testing.T, service string, m reflect.Method)) {
	t.Helper()
	client := reflect.TypeFor[Client]()
	services := 0
	for i := range client.NumField() {
		field := client.Field(i)
		if !field.IsExported() {
			continue
		}
		services++
		require.Equal(t, reflect.Pointer, field.Type.Kind(), field.Name)
		require.Equal(t, field.Name+"Service", field.Type.Elem().Name())
		require.NotZero(t, field.Type.NumMethod(), field.Name)
		for j := range field.Type.NumMethod() {
			f(t, field.Name, field.Type.Method(j))
		}
	}
	require.Equal(t, 11, services)
}

// isSequence reports whether a method returns an iterator over items and errors.
func isSequence(typ reflect.Type) bool {
	// The shape of iter.Seq2[T, error]: func(yield func(T, error) bool).
	if !strings.HasPrefix(typ.Name(), "Seq2[") || typ.PkgPath() != reflect.TypeFor[iter.Seq2[int, error]]().PkgPath() {
		return false
	}
	yield := typ.In(0)
	return yield.NumIn() == 2 && yield.In(1) == reflect.TypeFor[error]()
}

func TestMethodsHaveOneShape(t *testing.T) {
	t.Parallel()
	eachMethod(t, func(t *testing.T, service string, m reflect.Method) {
		t.Helper()
		name, typ := service+"."+m.Name, m.Type
		require.GreaterOrEqual(t, typ.NumIn(), 3, name) // the receiver comes first
		assert.Equal(t, reflect.TypeFor[context.Context](), typ.In(1), "%s: the context comes first", name)
		assert.True(t, typ.IsVariadic(), "%s: request options come last", name)
		assert.Equal(t, reflect.TypeFor[[]RequestOption](), typ.In(typ.NumIn()-1), "%s: request options come last", name)
		switch typ.NumOut() {
		case 1:
			assert.True(t, isSequence(typ.Out(0)), "%s returns %s, not an iter.Seq2[T, error]", name, typ.Out(0))
		case 2:
			assert.Equal(t, reflect.Pointer, typ.Out(0).Kind(), "%s: a pointer to the result", name)
			assert.Equal(t, reflect.TypeFor[error](), typ.Out(1), name)
		default:
			t.Errorf("%s returns %d values", name, typ.NumOut())
		}
	})
}

// TestEveryPagedMethodHasItsIterator: a method that returns one of several pages has a method beside it that walks all.
func TestEveryPagedMethodHasItsIterator(t *testing.T) {
	t.Parallel()
	methods := map[string]reflect.Type{}
	eachMethod(t, func(_ *testing.T, service string, m reflect.Method) { methods[service+"."+m.Name] = m.Type })
	iterators := map[string]string{
		"Contacts.List": "Contacts.All", "Contacts.Search": "Contacts.SearchAll", "Contacts.Gates": "Contacts.AllGates",
		"Messaging.ListClients": "Messaging.AllClients",
	}
	for name, typ := range methods {
		paged := typ.NumOut() == 2 && strings.HasSuffix(typ.Out(0).Elem().Name(), "Page")
		if !paged {
			continue
		}
		all, ok := methods[iterators[name]]
		require.True(t, ok, "%s has no iterator", name)
		require.Equal(t, typ.NumIn(), all.NumIn(), name)
		for i := range typ.NumIn() {
			assert.Equal(t, typ.In(i), all.In(i), "%s and its iterator take different arguments", name)
		}
		delete(iterators, name)
	}
	assert.Empty(t, iterators, "iterators without their page method")
}

func TestEveryOperationIsAMethod(t *testing.T) {
	t.Parallel()
	methods := map[string]bool{}
	eachMethod(t, func(_ *testing.T, service string, m reflect.Method) { methods[service+"."+m.Name] = true })
	for _, o := range ops {
		assert.True(t, methods[o.name], "%s is no method", o.name)
		delete(methods, o.name)
	}
	for _, more := range []string{"Players.ImportAll", "Contacts.All", "Contacts.SearchAll", "Contacts.AllGates", "Messaging.AllClients"} {
		assert.True(t, methods[more], more)
		delete(methods, more)
	}
	assert.Empty(t, methods, "methods without an operation")
}

// TestRequestTypesValidateByValue: a request type that can be checked is checked by value, so that no caller can pass it unchecked.
func TestRequestTypesValidateByValue(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	checked := 0
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			method, ok := decl.(*ast.FuncDecl)
			if ok && method.Recv != nil && method.Name.Name == "Validate" && method.Type.Params.NumFields() == 0 {
				_, byValue := method.Recv.List[0].Type.(*ast.Ident)
				assert.True(t, byValue, "%s: Validate of a pointer; a value of that type would not be checked", path)
				checked++
			}
		}
	}
	assert.Positive(t, checked)
}
