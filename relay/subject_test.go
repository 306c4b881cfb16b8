package relay

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Players and games as tokens of a subject.

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ id, want string }{
		"plain":         {"device-abc_123", "device-abc_123"},
		"dots":          {"com.example.game", "com=2Eexample=2Egame"},
		"wildcards":     {"a*b>c", "a=2Ab=3Ec"},
		"spaces":        {"a b\tc\r\n", "a=20b=09c=0D=0A"},
		"the escape":    {"a=2Eb", "a=3D2Eb"},
		"not ASCII":     {"jörg", "j=C3=B6rg"},
		"not UTF-8":     {"\xff\x00", "=FF=00"},
		"$ and {{":      {"$SYS.{{x}}", "=24SYS=2E=7B=7Bx=7D=7D"},
		"as long as is": {strings.Repeat("x", maxToken), strings.Repeat("x", maxToken)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := token(test.id)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
			back, err := parseToken(got)
			require.NoError(t, err)
			assert.Equal(t, test.id, back)
		})
	}
	for name, id := range map[string]string{
		"empty": "", "too long": strings.Repeat("x", maxToken+1), "too long when encoded": strings.Repeat(".", maxToken/3+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := token(id)
			require.Error(t, err)
		})
	}
	for name, bad := range map[string]string{
		"empty": "", "open escape": "a=2", "small letters": "a=2e", "escape of a plain byte": "=41", "bare byte": "a.b", "no digits": "=ZZ",
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			t.Parallel()
			_, err := parseToken(bad)
			require.Error(t, err)
		})
	}
}

// FuzzToken: any id has one token and comes back from it, and any text that is read as a token is
// the one token of its id.
func FuzzToken(f *testing.F) {
	f.Add("device-abc-123")
	f.Add("a.b*c>d =E\x00")
	f.Fuzz(func(t *testing.T, s string) {
		if encoded, err := token(s); err == nil {
			require.NotContains(t, encoded, ".")
			require.False(t, strings.ContainsAny(encoded, "*> \t\r\n\x00"))
			back, err := parseToken(encoded)
			require.NoError(t, err)
			require.Equal(t, s, back)
		}
		if id, err := parseToken(s); err == nil {
			again, err := token(id)
			require.NoError(t, err)
			require.Equal(t, s, again)
		}
	})
}
