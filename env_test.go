package playline

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// envOf returns a getenv over a map, and the names that were asked for.
func envOf(values map[string]string) (get func(string) string, asked map[string]bool) {
	asked = map[string]bool{}
	return func(name string) string {
		asked[name] = true
		return values[name]
	}, asked
}

var fullEnv = map[string]string{
	"PLAYLINE_SMOOVEN_KEY": "k1", "PLAYLINE_SMOOVEN_APP_ID": "a1", "PLAYLINE_SMOOVEN_URL": "https://smooven.example.com/x",
	"PLAYLINE_FYNO_WORKSPACE": "W1", "PLAYLINE_FYNO_KEY": "k2", "PLAYLINE_FYNO_VERSION": "test", "PLAYLINE_FYNO_URL": "https://fyno.example.com/x",
	"PLAYLINE_SMARTSENDER_TOKEN": "k3", "PLAYLINE_SMARTSENDER_URL": "https://smartsender.example.com/x",
	"PLAYLINE_SUNSHINE_APP_ID": "app1", "PLAYLINE_SUNSHINE_KEY_ID": "key1", "PLAYLINE_SUNSHINE_SECRET": "s1", "PLAYLINE_SUNSHINE_SCOPE": "app", "PLAYLINE_SUNSHINE_TOKEN": "",
	"PLAYLINE_SUNSHINE_URL": "https://sunshine.example.com/x", "PLAYLINE_PLAYSMART_URL": "https://playsmart.example.com/x",
}

// TestEnvironmentTableIsWhatTheCodeReads holds the table in the comment of NewFromEnv against the variables that are asked for.
func TestEnvironmentTableIsWhatTheCodeReads(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "env.go", nil, parser.ParseComments)
	require.NoError(t, err)
	documented := map[string]bool{}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "NewFromEnv" {
			for _, name := range regexp.MustCompile(`PLAYLINE_[A-Z_]*[A-Z]`).FindAllString(f.Doc.Text(), -1) {
				documented[name] = true
			}
		}
	}
	get, asked := envOf(fullEnv)
	_, err = newFromEnv(get, nil)
	require.NoError(t, err)
	assert.Equal(t, slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(asked)))
	assert.Equal(t, slices.Sorted(maps.Keys(fullEnv)), slices.Sorted(maps.Keys(asked)))
}

func TestNewFromEnvConfiguresEveryService(t *testing.T) {
	t.Parallel()
	get, _ := envOf(fullEnv)
	c, err := newFromEnv(get, nil)
	require.NoError(t, err)
	require.Len(t, c.endpoints, 5)
	for service, e := range c.endpoints {
		assert.Equal(t, "https://"+string(service)+".example.com/x", e.Base.String())
	}
	assert.Equal(t, map[string]string{"WSID": "W1", "version": "test"}, c.endpoints[Fyno].path)
	assert.Equal(t, map[string]string{"appId": "app1"}, c.endpoints[Sunshine].path)
}

func TestNewFromEnvWithAPart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  map[string]string
		want []Service // nil: refused
		says []string
	}{
		"nothing": {env: map[string]string{"PLAYLINE_SMOOVEN_KEY": "  "}, says: []string{
			"configures no service", "PLAYLINE_SMOOVEN_KEY", "PLAYLINE_FYNO_WORKSPACE and PLAYLINE_FYNO_KEY", "PLAYLINE_SMARTSENDER_TOKEN",
			"PLAYLINE_SUNSHINE_APP_ID and PLAYLINE_SUNSHINE_KEY_ID and PLAYLINE_SUNSHINE_SECRET", "PLAYLINE_PLAYSMART_URL",
		}},
		"one service":        {env: map[string]string{"PLAYLINE_SMARTSENDER_TOKEN": " t1\n"}, want: []Service{PlaySmart, SmartSender}},
		"the public id only": {env: map[string]string{"PLAYLINE_SMOOVEN_APP_ID": "a1"}, want: []Service{PlaySmart, Smooven}},
		"basic auth": {
			env:  map[string]string{"PLAYLINE_SUNSHINE_APP_ID": "a", "PLAYLINE_SUNSHINE_KEY_ID": "k", "PLAYLINE_SUNSHINE_SECRET": "s"},
			want: []Service{PlaySmart, Sunshine},
		},
		"a ready token": {
			env:  map[string]string{"PLAYLINE_SUNSHINE_APP_ID": "a", "PLAYLINE_SUNSHINE_TOKEN": "hunter2"},
			want: []Service{PlaySmart, Sunshine},
		},
		"a ready token without its app": {
			env: map[string]string{"PLAYLINE_SUNSHINE_TOKEN": "hunter2"}, says: []string{"lacks PLAYLINE_SUNSHINE_APP_ID (for sunshine)"},
		},
		"playsmart only": {env: map[string]string{"PLAYLINE_PLAYSMART_URL": "http://127.0.0.1:1"}, want: []Service{PlaySmart}},
		"fyno is live":   {env: map[string]string{"PLAYLINE_FYNO_WORKSPACE": "W", "PLAYLINE_FYNO_KEY": "k"}, want: []Service{Fyno, PlaySmart}},
		"missing ones of several services are all named": {
			env: map[string]string{"PLAYLINE_FYNO_KEY": "hunter2", "PLAYLINE_SUNSHINE_SECRET": "hunter2", "PLAYLINE_SMOOVEN_URL": "https://example.com"},
			says: []string{
				"lacks", "PLAYLINE_SMOOVEN_KEY (or PLAYLINE_SMOOVEN_APP_ID) (for smooven)", "PLAYLINE_FYNO_WORKSPACE (for fyno)",
				"PLAYLINE_SUNSHINE_APP_ID, PLAYLINE_SUNSHINE_KEY_ID (for sunshine)",
			},
		},
		"a version alone":  {env: map[string]string{"PLAYLINE_FYNO_VERSION": "live"}, says: []string{"PLAYLINE_FYNO_WORKSPACE, PLAYLINE_FYNO_KEY"}},
		"a wrong version":  {env: map[string]string{"PLAYLINE_FYNO_WORKSPACE": "W", "PLAYLINE_FYNO_KEY": "hunter2", "PLAYLINE_FYNO_VERSION": "x"}, says: []string{"live or test", "from PLAYLINE_FYNO_WORKSPACE, PLAYLINE_FYNO_KEY, PLAYLINE_FYNO_VERSION"}},
		"a wrong base URL": {env: map[string]string{"PLAYLINE_PLAYSMART_URL": "http://hunter2.example.com"}, says: []string{"base URL of playsmart", "https", "from PLAYLINE_PLAYSMART_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			get, _ := envOf(test.env)
			c, err := newFromEnv(get, nil)
			for _, part := range test.says {
				require.ErrorContains(t, err, part)
			}
			if test.want == nil {
				require.Error(t, err)
				assert.NotContains(t, err.Error(), "hunter2")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, slices.Sorted(maps.Keys(c.endpoints)))
		})
	}
}

func TestNewFromEnvReadsTheProcessAndOptionsWin(t *testing.T) {
	t.Setenv("PLAYLINE_SMARTSENDER_TOKEN", "from-env")
	s := script(step{body: contactReply})
	c, err := NewFromEnv(WithSmartSender("from-option"), WithHTTPClient(newHTTPClient(s)))
	require.NoError(t, err)
	_, err = c.Contacts.Get(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, "Bearer from-option", s.last(t).header.Get("Authorization"))
}
