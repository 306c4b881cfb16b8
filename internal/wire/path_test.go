package wire_test

import (
	"bufio"
	"bytes"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/wire"
)

// shapes are the templates of the operations, one of each shape, with the number of arguments that
// they take.
var shapes = []struct {
	template string
	args     int
}{
	{"/players/register", 0},
	{"/players/{player_id}", 1},
	{"/contacts/{contactId}/info", 1},
	{"/contacts/{contactId}/unite/{targetContactId}", 2},
	{"/{WSID}/suppressions", 0},
	{"/{WSID}/{version}/event/bulk", 0},
	{"/{WSID}/{version}/profiles/{distinct_id}/channel/delete", 1},
	{"/{WSID}/{version}/profiles/{source_distinct_id}/merge/{target_distinct_id}", 2},
	{"/v2/apps/{appId}/users/{userIdOrExternalId}/clients/{clientId}", 2},
}

// fixed are placeholders of a service's configuration.
var fixed = map[string]string{"WSID": "WS-01/a", "version": "live", "appId": "app 1"}

func TestPath(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, template string
		args           []string
		want           string
	}{
		{"no placeholder", "/players/register", nil, "/players/register"},
		{"one", "/players/{player_id}", []string{"device-abc-123"}, "/players/device-abc-123"},
		{"in the middle", "/contacts/{contactId}/info", []string{"42"}, "/contacts/42/info"},
		{"two, in order", "/contacts/{contactId}/unite/{targetContactId}", []string{"1", "2"}, "/contacts/1/unite/2"},
		{"fixed and given", "/v2/apps/{appId}/users/{userIdOrExternalId}/clients/{clientId}", []string{"ace", "c1"}, "/v2/apps/app%201/users/ace/clients/c1"},
		{"only fixed", "/{WSID}/{version}/event", nil, "/WS-01%2Fa/live/event"},
		{"a slash", "/players/{player_id}", []string{"a/b"}, "/players/a%2Fb"},
		{"dots within a part", "/players/{player_id}", []string{"..admin/v1..2"}, "/players/..admin%2Fv1..2"},
		{"three dots", "/players/{player_id}", []string{"..."}, "/players/..."},
		{"a dot inside", "/players/{player_id}", []string{"v1.2"}, "/players/v1.2"},
		{"escaped dots", "/players/{player_id}", []string{"%2e%2e"}, "/players/%252e%252e"},
		{"an escaped slash", "/players/{player_id}", []string{"a%2Fb"}, "/players/a%252Fb"},
		{"a query", "/players/{player_id}", []string{"a?admin=1&b"}, "/players/a%3Fadmin=1&b"},
		{"a fragment", "/players/{player_id}", []string{"a#b"}, "/players/a%23b"},
		{"a parameter of a path", "/players/{player_id}", []string{"..;x"}, "/players/..%3Bx"},
		{"a backslash", "/players/{player_id}", []string{`a\x`}, "/players/a%5Cx"},
		{"a plus", "/players/{player_id}", []string{"+61400000000"}, "/players/+61400000000"},
		{"an address", "/players/{player_id}", []string{"ace@example.com"}, "/players/ace@example.com"},
		{"a colon", "/players/{player_id}", []string{"steam:1"}, "/players/steam:1"},
		{"only a space", "/players/{player_id}", []string{" "}, "/players/%20"},
		{"not ASCII", "/players/{player_id}", []string{"\u00e9\u4e16"}, "/players/%C3%A9%E4%B8%96"},
		{"braces, which are not filled again", "/contacts/{contactId}/unite/{targetContactId}", []string{"{targetContactId}", "2"}, "/contacts/%7BtargetContactId%7D/unite/2"},
		{"a URL", "/players/{player_id}", []string{"https://example.com/x"}, "/players/https:%2F%2Fexample.com%2Fx"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.Path(row.template, fixed, row.args...)
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
		})
	}
}

// TestSecurityPathRefusesWhatIsNoSegment holds the rule on path arguments. If a server could read
// one as another path, or as the end of a line, the error names the argument and does not repeat
// it.
func TestSecurityPathRefusesWhatIsNoSegment(t *testing.T) {
	t.Parallel()
	rows := []struct{ name, arg, rule string }{
		{"empty", "", "must not be empty"},
		{"a dot", ".", `must not be "." or ".."`},
		{"two dots", "..", `must not be "." or ".."`},
		{"up a path", "../admin", `must not hold "." or ".." between slashes`},
		{"up from within", "a/../../b", `must not hold "." or ".." between slashes`},
		{"up with backslashes", `a\..\b`, `must not hold "." or ".." between slashes`},
		{"a dot at the end", "a/.", `must not hold "." or ".." between slashes`},
		{"a zero byte", "ace\x00", "must not hold control characters"},
		{"a line end", "ace\r\nHost: example.com", "must not hold control characters"},
		{"a tab", "a\tce", "must not hold control characters"},
		{"delete", "ace\x7f", "must not hold control characters"},
		{"the first of the C1 set", "ace\u0080", "must not hold control characters"},
		{"the next line of the C1 set", "ace\u0085", "must not hold control characters"},
		{"the last of the C1 set", "ace\u009f", "must not hold control characters"},
		{"half a character", "ace\xc3", "must be valid UTF-8"},
		{"an overlong slash", "ace\xc0\xaf", "must be valid UTF-8"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{{row.arg, "2"}, {"1", row.arg}} {
				name := "contactId"
				if args[1] == row.arg {
					name = "targetContactId"
				}
				got, err := wire.Path("/contacts/{contactId}/unite/{targetContactId}", nil, args...)
				assert.Empty(t, got)
				bad := &wire.ArgError{}
				require.ErrorAs(t, err, &bad)
				assert.Equal(t, wire.ArgError{Name: name, Rule: row.rule}, *bad)
				assert.Equal(t, name+": "+row.rule, err.Error())
			}
			_, err := wire.Path("/{WSID}/suppressions", map[string]string{"WSID": row.arg})
			assert.EqualError(t, err, "WSID: "+row.rule, "a fixed value is held to the same rule")
		})
	}
	for _, arg := range []string{"\u00a0", "\u2028", "\U0001f3ae", "a b", "~"} {
		_, err := wire.Path("/players/{player_id}", nil, arg)
		assert.NoError(t, err, "%q is no control character", arg)
	}
}

func TestPathCountsItsArguments(t *testing.T) {
	t.Parallel()
	_, err := wire.Path("/contacts/{contactId}/unite/{targetContactId}", nil, "1")
	require.EqualError(t, err, "targetContactId: is missing")
	_, err = wire.Path("/{WSID}/suppressions", nil)
	require.EqualError(t, err, "WSID: is missing")
	_, err = wire.Path("/players/{player_id}", nil, "1", "secret-id")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret-id")
	_, err = wire.Path("/{WSID}/suppressions", fixed, "live")
	require.Error(t, err, "a fixed placeholder takes no argument")
}

func TestJoinKeepsTheBaseAsAPrefix(t *testing.T) {
	t.Parallel()
	rows := []struct{ name, base, path, query, want string }{
		{"no path in the base", "https://api.example.com", "/players/a", "", "https://api.example.com/players/a"},
		{"a root path", "https://api.example.com/", "/players/a", "", "https://api.example.com/players/a"},
		{"a prefix", "https://api.example.com/v1", "/players/a", "", "https://api.example.com/v1/players/a"},
		{"a prefix with a slash at its end", "https://api.example.com/v1/", "/players/a", "", "https://api.example.com/v1/players/a"},
		{"a long prefix", "http://127.0.0.1:8080/smartsender/v1", "/contacts", "page=2", "http://127.0.0.1:8080/smartsender/v1/contacts?page=2"},
		{"an escaped slash in the base", "https://api.example.com/a%2Fb/", "/players/c", "", "https://api.example.com/a%2Fb/players/c"},
		{"an escaped space in the base", "https://api.example.com/a%20b", "/players/c%20d", "", "https://api.example.com/a%20b/players/c%20d"},
		{"an escaped percent sign in both", "https://api.example.com/50%25", "/players/%252e%252e", "", "https://api.example.com/50%25/players/%252e%252e"},
		{"not ASCII in the base", "https://api.example.com/\u00e9", "/players/a", "", "https://api.example.com/%C3%A9/players/a"},
		{"an escape that Go would not choose", "https://api.example.com/%61", "/players/a", "", "https://api.example.com/%61/players/a"},
		{"escapes in the path", "https://api.example.com/v1", "/players/a%2Fb%3Fc", "", "https://api.example.com/v1/players/a%2Fb%3Fc"},
		{"two slashes", "https://api.example.com/v1", "/players/https:%2F%2Fx", "q=%2F", "https://api.example.com/v1/players/https:%2F%2Fx?q=%2F"},
		{"a query in the base is replaced", "https://api.example.com/v1?old=1", "/players", "new=1", "https://api.example.com/v1/players?new=1"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			base, err := url.Parse(row.base)
			require.NoError(t, err)
			before := *base
			got := wire.Join(base, row.path, row.query)
			assert.Equal(t, row.want, got.String())
			assert.Equal(t, before, *base, "the base is not changed")
			again, err := url.Parse(got.String())
			require.NoError(t, err)
			assert.Equal(t, got.Path, again.Path)
			assert.Equal(t, got.EscapedPath(), again.EscapedPath())
		})
	}
}

// asServed returns the escaped path as a server reads it off the wire.
func asServed(t *testing.T, u *url.URL) string {
	t.Helper()
	var raw bytes.Buffer
	require.NoError(t, (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}}).Write(&raw))
	line, _, _ := strings.Cut(raw.String(), "\r\n")
	require.Len(t, strings.Split(line, " "), 3, "the request line has its three words: %q", line)
	served, err := http.ReadRequest(bufio.NewReader(&raw))
	require.NoError(t, err)
	require.Equal(t, u.Host, served.Host)
	require.Equal(t, u.RawQuery, served.URL.RawQuery)
	return served.URL.EscapedPath()
}

// FuzzPath holds the promise of Path and Join: whatever the arguments, there is either an ArgError
// that names one of the template's placeholders, or a path in which every argument is exactly one
// segment, for the client, for a server, and for a proxy that cleans the path.
func FuzzPath(f *testing.F) {
	for i, seed := range []string{
		"device-abc-123", "", ".", "..", "...", "../x", "a/../b", "/", "//", `\`, "%2e%2e", "%2F", "%", "%zz", "a b", "a?b=c", "a#b", ";x", "..;",
		"\x00", "a\r\nb", "\x7f", "\u0085", "\u2028", "\xc0\xaf", "\u00e9", "{player_id}", "}", "https://example.com", "+", "~", "*", "\u202e",
	} {
		f.Add(i, seed, "blitz", i%4)
	}
	f.Fuzz(func(t *testing.T, shape int, first, second string, prefix int) {
		s := shapes[uint(shape)%uint(len(shapes))]
		args := []string{first, second}[:s.args]
		got, err := wire.Path(s.template, fixed, args...)
		if err != nil {
			bad := &wire.ArgError{}
			require.ErrorAs(t, err, &bad)
			require.Contains(t, s.template, "{"+bad.Name+"}")
			require.Empty(t, got)
			return
		}
		bases := [...]string{"https://api.example.com", "https://api.example.com/", "https://api.example.com/v1", "https://api.example.com/a%2Fb/c%20d/"}
		base, err := url.Parse(bases[uint(prefix)%uint(len(bases))])
		require.NoError(t, err)

		want := strings.Split(strings.Trim(base.EscapedPath(), "/"), "/")
		if want[0] == "" {
			want = nil
		}
		for i, segment := range want {
			want[i], err = url.PathUnescape(segment)
			require.NoError(t, err)
		}
		for _, segment := range strings.Split(s.template, "/")[1:] {
			if name, isPlaceholder := strings.CutPrefix(segment, "{"); isPlaceholder {
				value, isFixed := fixed[strings.TrimSuffix(name, "}")]
				if !isFixed {
					value, args = args[0], args[1:]
				}
				segment = value
			}
			want = append(want, segment)
		}

		u := wire.Join(base, got, "a=b")
		parsed, err := url.Parse(u.String())
		require.NoError(t, err)
		require.Equal(t, "a=b", parsed.RawQuery)
		require.Empty(t, parsed.Fragment)
		require.Equal(t, base.Host, parsed.Host)
		for _, seen := range []string{u.EscapedPath(), parsed.EscapedPath(), asServed(t, u), path.Clean(u.EscapedPath())} {
			segments := strings.Split(seen, "/")[1:]
			require.Len(t, segments, len(want), seen)
			for i, segment := range segments {
				value, err := url.PathUnescape(segment)
				require.NoError(t, err)
				require.Equal(t, want[i], value)
			}
		}
	})
}
