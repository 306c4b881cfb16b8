package redact

import (
	"math/rand/v2"
	"testing"

	"github.com/playline/playline-go/internal/echo"
)

// Random secrets through random encodings.

// FuzzRedaction: a random secret goes through one to three random encodings into the middle of an
// echo. Neither it nor a form in which one can read it comes out.
func FuzzRedaction(f *testing.F) {
	for seed := range uint64(1000) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		secret := echo.RandomSecret(r)
		if echo.Length(secret) < minPart {
			return // shorter than what is looked for, once blanks are gone
		}
		repeated, used := echo.Encode(r, secret)
		before := []string{"refused: ", `{"password":"`, "otp=", "100%", `\`, "&", "x", "Basic ", "?a=b&p="}
		after := []string{"", " is wrong", `","x":1}`, "&q=1", ";", "</b>"}
		text := before[r.IntN(len(before))] + repeated + after[r.IntN(len(after))]
		got := Text(text, []string{secret})
		if got == text {
			t.Fatalf("%q by %q: nothing was taken out of %q", secret, used, text)
		}
		if at := echo.Readable(got, secret, 3); at != "" {
			t.Fatalf("%q by %q: %q shows %q", secret, used, got, at)
		}
		if again := Text(got, []string{secret}); again != got {
			t.Fatalf("%q by %q: once more makes %q of %q", secret, used, again, got)
		}
	})
}
