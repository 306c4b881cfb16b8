package redact

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestASecretBehindANameThatLooksEscaped: quoted-printable writes a byte as an equals sign and two
// digits, and so does a query whose value begins with two digits.
func TestASecretBehindANameThatLooksEscaped(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a byte that begins no character": "?a=b&p=80X%3DC3%3D9F-0%5D%3DE6%3D97%3DA5%24</b>",
		"quoted-printable alone":          "otp=80X=C3=9F-0]=E6=97=A5$ is wrong",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, Text(text, []string{"80X\u00df-0]\u65e5$"}), Mark)
		})
	}
	assert.Contains(t, Text("p=41b=C3=A9defg", []string{"41b\u00e9defg"}), Mark)
}
