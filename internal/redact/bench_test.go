package redact

import (
	"strings"
	"testing"
)

// The cost of a failure.

func BenchmarkText(b *testing.B) {
	jwt := "eyJhbGciOiJIUzI1NiJ9." + strings.Repeat("eyJzdWIiOiJhY2UifQ", 40) + ".c2lnbmF0dXJl"
	secrets := []string{apiKey, password, jwt}
	for name, text := range map[string]string{
		"a message":       "Profile does not exist, create it first: see https://docs.example.com/profiles?code=404",
		"a request id":    "01J9ZK3M5Q8W7E6R5T4Y3U2I1O-SYD",
		"an echo":         `{"email":"ace@example.com","password":"Horse\u0026Canary\u003c9\u003e\"\\é %+ß"} with Bearer ` + jwt,
		"16 KiB of words": strings.Repeat("lorem ipsum dolor sit amet ", 16<<10/27),
		"16 KiB of hex":   strings.Repeat("0123456789abcdef", 1<<10),
		"16 KiB of %25":   strings.Repeat("%25", 16<<10/3),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Text(text, secrets)
			}
		})
	}
}
