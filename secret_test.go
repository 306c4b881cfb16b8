package playline

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Secrets do not print.

func TestSecuritySecretsPrintAndMarshalAsRedacted(t *testing.T) {
	t.Parallel()
	const plain = "hunter2"
	secret := Secret(plain)
	holders := []any{
		secret, &secret,
		[]Secret{secret},
		map[string]Secret{"a": secret},
		struct{ Key Secret }{secret},
		AccountCreate{Password: secret},
		&Credentials{Password: secret},
		Session{AccessToken: secret.Hold(), RefreshToken: secret.Hold()},
		secret.Hold(),
		OTPCheck{OTP: secret},
	}
	for _, v := range holders {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
			assert.NotContains(t, fmt.Sprintf(verb, v), plain, "%s of %T", verb, v)
			assert.NotContains(t, fmt.Sprintf(verb, v), fmt.Sprintf("%x", plain), "%s of %T", verb, v)
		}
		encoded, err := json.Marshal(v)
		require.NoError(t, err)
		assert.NotContains(t, string(encoded), plain)
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		assert.NotContains(t, log.String(), plain, "%T in a log", v)
	}
	type holder struct{ Key Secret }
	encoded, err := xml.Marshal(holder{secret})
	require.NoError(t, err)
	assert.NotContains(t, string(encoded), plain)
	assert.Equal(t, redacted, secret.String())
	assert.Equal(t, redacted, secret.GoString())
	assert.Equal(t, plain, string(secret), "it must stay readable on purpose")
}

func TestScrubLeavesOutWhatIsPrivate(t *testing.T) {
	t.Parallel()
	secrets := []string{"493021", "p&ss word", "", "sk_live_1"}
	for name, test := range map[string]struct{ in, want string }{
		"nothing":            {"Profile does not exist", "Profile does not exist"},
		"numbers stay":       {"limit 1000 of 2026-04-22, error 400", "limit 1000 of 2026-04-22, error 400"},
		"an OTP":             {"OTP 493021 is wrong", "OTP [REDACTED] is wrong"},
		"a key, twice":       {"sk_live_1 and sk_live_1", "[REDACTED] and [REDACTED]"},
		"escaped in a query": {"otp=p%26ss+word failed", "otp=[REDACTED] failed"},
		"escaped in a path":  {"/p&ss%20word failed", "/[REDACTED] failed"},
		"an address":         {"no such user <ace@example.com>, sorry", "no such user <[REDACTED]>, sorry"},
		"an escaped address": {"?destination=ace%40example.com", "[REDACTED]"},
		"a number":           {"cannot reach +61400000000.", "cannot reach [REDACTED]."},
		"a spaced number":    {"cannot reach +61 400-000 (000) 1 now", "cannot reach [REDACTED] now"},
		"an escaped number":  {"destination=%2B61400000000", "destination=[REDACTED]"},
		"a signed token":     {"bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhY2UifQ.c2lnbmF0dXJl!", "bad token [REDACTED]!"},
		"control characters": {"a\nb\x00c\u0085d\x1b[31m", "a b c d [31m"},
		"too long":           {strings.Repeat("\u00fc", 400), strings.Repeat("\u00fc", 300) + "..."},
		"spaces around":      {"  a  ", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, scrub(test.in, secrets))
		})
	}
}
