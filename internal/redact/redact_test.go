package redact

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Secrets and private words in the forms in which services and gateways repeat them.

const (
	password = "Horse&Canary<9>\"\\é %+ß"
	apiKey   = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"
)

func TestText(t *testing.T) {
	t.Parallel()
	secrets := []string{password, apiKey, "493021", "abc", "", "4930", "p%41rse lot", "short7!"}
	for name, test := range map[string]struct{ in, want string }{
		"nothing":             {"Profile does not exist", "Profile does not exist"},
		"numbers stay":        {"limit 1000 of 2026-04-22 10:00, error 400, 16777216 bytes", "limit 1000 of 2026-04-22 10:00, error 400, 16777216 bytes"},
		"an id stays":         {"id 550e8400-e29b-41d4-a716-446655440000", "id 550e8400-e29b-41d4-a716-446655440000"},
		"an address stays":    {"dial tcp 192.168.100.200:443: refused", "dial tcp 192.168.100.200:443: refused"},
		"a short secret":      {"abc of the abcdef", "abc of the abcdef"},
		"JSON":                {`{"email":"x","password":"Horse\u0026Canary\u003c9\u003e\"\\é %+ß"}`, `{"email":"x","password":"[REDACTED]"}`},
		"JSON in JSON":        {`{\"password\":\"Horse\\u0026Canary\\u003c9\\u003e\\\"\\\\é %+ß\"}`, `{\"password\":\"[REDACTED]\"}`},
		"quoted":              {`"Horse&Canary<9>\"\\\u00e9 %+\u00df" is wrong`, `"[REDACTED]" is wrong`},
		"HTML":                {`<b>Horse&amp;Canary&lt;9&gt;&quot;\&eacute; %&#43;&szlig;</b>`, `<b>[REDACTED]</b>`},
		"HTML by numbers":     {`Horse&#38;Canary&#x3C;9&#62;&#34;&#92;&#233; &#37;&#43;&#XDF;`, `[REDACTED]`},
		"a query":             {"p=Horse%26Canary%3C9%3E%22%5C%C3%A9+%25%2B%C3%9F&q=1", "p=[REDACTED]&q=1"},
		"in lower case":       {"p=horse%26canary%3c9%3e%22%5c%c3%a9+%25%2b%c3%9f&q=1", "p=[REDACTED]&q=1"},
		"a path":              {"/p/Horse&Canary%3C9%3E%22%5C%C3%A9%20%25+%C3%9F/q", "/p/[REDACTED]/q"},
		"a query in a query":  {"u=%2Fp%3FHorse%2526Canary%253C9%253E%2522%255C%25C3%25A9%252B%2525%252B%25C3%259F", "u=%2Fp%3F[REDACTED]"},
		"upper case":          {"HORSE&CANARY<9>\"\\É %+ß", Mark},
		"base64":              {"Basic SG9yc2UmQ2FuYXJ5PDk+Ilzpqsic", "Basic [REDACTED]"},
		"a key in base64":     {"Authorization: Basic a2V5OnNrX3Rlc3RfNGVDMzlIcUx5aldEYXJqdFQxemRwN2Rj", "Authorization: Basic [REDACTED]"},
		"glued to a word":     {"xBasica2V5OnNrX3Rlc3RfNGVDMzlIcUx5aldEYXJqdFQxemRwN2Rj.", "[REDACTED]."},
		"cut":                 {"sk_test_4eC39... is no key", "[REDACTED]... is no key"},
		"the end of it":       {"...T1zdp7dc is no key", "...[REDACTED] is no key"},
		"too short a part":    {"sk_live and 1zdp7dc", "sk_live and 1zdp7dc"},
		"hex":                 {"raw 343933303231 end", "raw [REDACTED] end"},
		"hex, byte by byte":   {"raw 34:39:33:30:32:31 end", "raw [REDACTED] end"},
		"bytes":               {"raw [52 57 51 48 50 49] end", "raw [[REDACTED]] end"},
		"an OTP":              {"OTP 493021 is wrong", "OTP [REDACTED] is wrong"},
		"an OTP with a gap":   {"OTP 493 021 is wrong", "OTP [REDACTED] is wrong"},
		"an OTP, wide":        {"OTP \uff14\uff19\uff13\uff10\uff12\uff11!", "OTP [REDACTED]!"},
		"a NUL in an OTP":     {"OTP 493\x00021!", "OTP [REDACTED]!"},
		"an unseen character": {"OTP 493\u200b021!", "OTP [REDACTED]!"},
		"after a percent":     {"100%493021", "100%[REDACTED]"},
		"after a backslash":   {`a\493021`, "a[REDACTED]"},
		"it looks escaped":    {"p%41rse lot, pArse lot", "[REDACTED], [REDACTED]"},
		"nothing between":     {"493021493021", "[REDACTED]"},
		"e-mail":              {"no such user <ace@example.com>, sorry", "no such user <[REDACTED]>, sorry"},
		"e-mail in JSON":      {`"ace\u0040example.com"`, `"[REDACTED]"`},
		"e-mail in HTML":      {`"ace&#64;example.com"`, `"[REDACTED]"`},
		"e-mail in a query":   {"?destination=ace%40example.com", Mark},
		"e-mail, twice":       {`"ace%2540example.com"`, `"[REDACTED]"`},
		"e-mail, wide":        {`"ace＠example.com"`, `"[REDACTED]"`},
		"e-mail in base64":    {"see YWNlQGV4YW1wbGUuY29t", "see [REDACTED]"},
		"a number":            {"cannot reach +61400000000.", "cannot reach [REDACTED]."},
		"with blanks":         {"cannot reach +61 400-000 (000) 1 now", "cannot reach [REDACTED] now"},
		"without plus":        {"cannot reach 61400000000.", "cannot reach [REDACTED]."},
		"with zeros":          {"cannot reach 0061400000000.", "cannot reach [REDACTED]."},
		"with dots":           {"cannot reach +61.400.000.000 now", "cannot reach [REDACTED] now"},
		"dots, no plus":       {"cannot reach 61.400.000.000 now", "cannot reach [REDACTED] now"},
		"national":            {"cannot reach 0400 000 000 now", "cannot reach [REDACTED] now"},
		"wide":                {"cannot reach ＋６１４００００００００ now", "cannot reach [REDACTED] now"},
		"of another script":   {"cannot reach +٦١٤٠٠٠٠٠٠٠٠ now", "cannot reach [REDACTED] now"},
		"in a query":          {"destination=%2B61400000000", "destination=[REDACTED]"},
		"in JSON":             {`"\u002b61400000000"`, `"[REDACTED]"`},
		"behind a break":      {"phone\n61400000000", "phone [REDACTED]"},
		"a break in it":       {"+6140\x0000000000", Mark},
		"a signed token":      {"bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhY2UifQ.c2lnbmF0dXJl!", "bad token [REDACTED]!"},
		"cut, without end":    {"bad token eyJhbGciOiJIUzI1NiJ9", "bad token [REDACTED]"},
		"somebody's key":      {"key sk_live_4eC39Hq is revoked", "key [REDACTED] is revoked"},
		"control characters":  {"a\nb\x00c\u0085d\x1b[31m", "a b c d [31m"},
		"a turned line":       {"a\u202eb", "ab"},
		"spaces around":       {"  a  ", "a"},
		"no UTF-8":            {"a\xffb", "a\ufffdb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Text(test.in, secrets)
			assert.Equal(t, test.want, got)
			assert.False(t, Holds(got, secrets), "once more it finds nothing")
		})
	}
	assert.Len(t, Text(strings.Repeat("a", 100_000), nil), maxText)
}
