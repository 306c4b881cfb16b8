package wire_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/wire"
)

// query has a field of each sort that operations use.
type query struct {
	Page   int      `url:"page,omitempty"`
	Term   string   `url:"term,omitempty"`
	On     *bool    `url:"on,omitempty"`
	Cursor string   `url:"page[after],omitempty"`
	IDs    []string `url:"id,omitempty"`
}

func TestQuery(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		in   any
		want string
	}{
		{"nil", nil, ""},
		{"nothing set", query{}, ""},
		{"a nil pointer to a query", (*query)(nil), ""},
		{"a pointer to a query", &query{Page: 2}, "page=2"},
		{"keys are sorted", query{Page: 2, Term: "ace", On: new(true)}, "on=true&page=2&term=ace"},
		{"a pointer tells empty from absent", query{On: new(false)}, "on=false"},
		{"a key is escaped", query{Cursor: "c1"}, "page%5Bafter%5D=c1"},
		{"several values keep their order", query{IDs: []string{"b", "a"}}, "id=b&id=a"},
		{"a value cannot end its parameter", query{Term: "a&admin=1"}, "term=a%26admin%3D1"},
		{"a value cannot end the query", query{Term: "a#b c+d%41"}, "term=a%23b+c%2Bd%2541"},
		{"a value cannot end the line", query{Term: "a\r\nb"}, "term=a%0D%0Ab"},
		{"not ASCII", query{Term: "\u00e9"}, "term=%C3%A9"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.Query(row.in)
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
		})
	}
	t.Run("what is no struct is an error", func(t *testing.T) {
		t.Parallel()
		for _, in := range []any{"page=2", 7, []string{"a"}, map[string]string{"a": "b"}} {
			got, err := wire.Query(in)
			assert.Empty(t, got)
			assert.ErrorContains(t, err, "encode the query: ")
		}
	})
}

// FuzzQuery holds that every value arrives as it was given, in its own parameter, whatever is in
// it.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "ace", "a&b=c", "a=b", "a;b", "a#b", "%", "%zz", "+", " ", "\x00", "\r\n", "\xff", "\u00e9", "?"} {
		f.Add(1, seed, true, seed, seed)
	}
	f.Fuzz(func(t *testing.T, page int, term string, on bool, cursor, id string) {
		raw, err := wire.Query(query{Page: page, Term: term, On: &on, Cursor: cursor, IDs: []string{id, "last"}})
		require.NoError(t, err)
		require.NotContains(t, raw, "#")
		require.False(t, strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r >= 0x7f }), "%q", raw)
		u, err := url.Parse("https://api.example.com/contacts?" + raw)
		require.NoError(t, err)
		got, err := url.ParseQuery(u.RawQuery)
		require.NoError(t, err)
		want := url.Values{"on": {strconv.FormatBool(on)}, "id": {id, "last"}}
		if page != 0 {
			want.Set("page", strconv.Itoa(page))
		}
		if term != "" {
			want.Set("term", term)
		}
		if cursor != "" {
			want.Set("page[after]", cursor)
		}
		require.Equal(t, want, got)
	})
}
