package retry_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/internal/retry"
)

// TestDelayIsFullJitterUpToItsCeiling draws often enough that a jitter over a part of the range, or
// beyond it, is seen: with 20,000 draws the lowest and the highest twentieth are both hit but for a
// chance of 1 in 10^445.
func TestDelayIsFullJitterUpToItsCeiling(t *testing.T) {
	t.Parallel()
	p := retry.Policy{BaseDelay: 500 * time.Millisecond, MaxDelay: 10 * time.Second, MaxRetryAfter: time.Minute}
	rows := []struct {
		name    string
		policy  retry.Policy
		attempt int
		ceiling time.Duration
	}{
		{"the first pause", p, 1, 500 * time.Millisecond},
		{"the second doubles", p, 2, time.Second},
		{"the fifth", p, 5, 8 * time.Second},
		{"the sixth is at the maximum", p, 6, 10 * time.Second},
		{"it stays there", p, 30, 10 * time.Second},
		{"where a shift would overflow", p, 36, 10 * time.Second},
		{"64 bits", p, 64, 10 * time.Second},
		{"65 bits", p, 65, 10 * time.Second},
		{"attempt 1000", p, 1000, 10 * time.Second},
		{"attempt MaxInt", p, math.MaxInt, 10 * time.Second},
		{"a base above the maximum", retry.Policy{BaseDelay: time.Hour, MaxDelay: time.Second}, 1, time.Second},
		{"a base of 2^35+1 ns, whose shift by 29 wraps to half a second", retry.Policy{BaseDelay: 1<<35 + 1, MaxDelay: time.Minute}, 30, time.Minute},
		{"as long as a duration can be", retry.Policy{BaseDelay: math.MaxInt64, MaxDelay: math.MaxInt64}, 1, math.MaxInt64},
		{"no maximum, attempt 1000", retry.Policy{BaseDelay: time.Second, MaxDelay: math.MaxInt64}, 1000, math.MaxInt64},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			const draws = 20_000
			lowest, highest, sum := time.Duration(math.MaxInt64), time.Duration(-1), 0.0
			for range draws {
				d := row.policy.Delay(row.attempt, 0)
				lowest, highest = min(lowest, d), max(highest, d)
				sum += float64(d) / float64(row.ceiling)
			}
			assert.GreaterOrEqual(t, lowest, time.Duration(0))
			assert.LessOrEqual(t, highest, row.ceiling)
			assert.Less(t, lowest, row.ceiling/20, "the jitter begins at zero")
			assert.Greater(t, highest, row.ceiling-row.ceiling/20, "the jitter goes up to the ceiling")
			assert.InDelta(t, 0.5, sum/draws, 0.03, "the jitter is even") // 15 standard deviations
		})
	}
}

func TestDelayTakesRetryAfterAsACappedFloor(t *testing.T) {
	t.Parallel()
	p := retry.Policy{BaseDelay: time.Second, MaxDelay: time.Second, MaxRetryAfter: time.Minute}
	const draws = 200
	for range draws {
		assert.Equal(t, 5*time.Second, p.Delay(1, 5*time.Second), "longer than any jitter: exactly that")
		assert.Equal(t, time.Minute, p.Delay(1, time.Hour), "capped")
		assert.Equal(t, time.Minute, p.Delay(1000, math.MaxInt64), "capped")
		mixed := p.Delay(1, 900*time.Millisecond)
		assert.GreaterOrEqual(t, mixed, 900*time.Millisecond, "the jitter does not undercut it")
		assert.LessOrEqual(t, mixed, time.Second)
		assert.LessOrEqual(t, p.Delay(1, -time.Hour), time.Second)
		assert.GreaterOrEqual(t, p.Delay(1, -time.Hour), time.Duration(0))
	}
}

func TestDelayOfZeroValues(t *testing.T) {
	t.Parallel()
	const draws = 200
	for range draws {
		assert.Zero(t, retry.Policy{}.Delay(1, 0))
		assert.Zero(t, retry.Policy{}.Delay(1000, 0))
		assert.Zero(t, retry.Policy{}.Delay(1, time.Hour), "the cap is zero")
		assert.Zero(t, retry.Policy{MaxDelay: time.Hour}.Delay(7, 0), "a base of zero doubles to zero")
		assert.Zero(t, retry.Policy{BaseDelay: time.Hour}.Delay(1, 0), "the maximum is zero")
		assert.Equal(t, time.Second, retry.Policy{MaxRetryAfter: time.Minute}.Delay(1, time.Second))
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(1994, time.November, 6, 8, 49, 7, 0, time.UTC)
	const longest = time.Duration(math.MaxInt64)
	rows := []struct {
		name, value string
		want        time.Duration
		ok          bool
	}{
		{"seconds", "120", 2 * time.Minute, true},
		{"zero", "0", 0, true},
		{"leading zeros", "007", 7 * time.Second, true},
		{"a fraction", "1.5", 1500 * time.Millisecond, true},
		{"a fraction without digits before it", ".5", 500 * time.Millisecond, true},
		{"an exponent", "2e1", 20 * time.Second, true},
		{"spaces around it", " \t30 ", 30 * time.Second, true},
		{"a day", "86400", 24 * time.Hour, true},
		{"the last that fits", "9223372036", 9223372036 * time.Second, true},
		{"the first that does not", "9223372037", longest, true},
		{"18 zeros", "1000000000000000000", longest, true},
		{"1e18", "1e18", longest, true},
		{"1e400, beyond a float", "1e400", longest, true},
		{"1e-400, below a float", "1e-400", 0, true},

		{"a date of RFC 1123", "Sun, 06 Nov 1994 08:49:37 GMT", 30 * time.Second, true},
		{"a date of RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", 30 * time.Second, true},
		{"a date of C's asctime", "Sun Nov  6 08:49:37 1994", 30 * time.Second, true},
		{"a date with spaces around it", "  Sun, 06 Nov 1994 08:49:37 GMT ", 30 * time.Second, true},
		{"a date that has passed", "Sun, 06 Nov 1994 08:49:06 GMT", 0, true},
		{"this very second", "Sun, 06 Nov 1994 08:49:07 GMT", 0, true},
		{"a date in 8000 years", "Fri, 31 Dec 9999 23:59:59 GMT", longest, true},

		{"empty", "", 0, false},
		{"only spaces", "   ", 0, false},
		{"negative", "-1", 0, false},
		{"negative and beyond a float", "-1e400", 0, false},
		{"NaN", "NaN", 0, false},
		{"Inf", "Inf", 0, false},
		{"+Inf", "+Inf", 0, false},
		{"-Inf", "-Inf", 0, false},
		{"infinity", "infinity", 0, false},
		{"hex", "0x10", 0, false},
		{"a hex float", "0x1p4", 0, false},
		{"a hex float beyond a float", "0x1p99999", 0, false},
		{"underscores", "1_000", 0, false},
		{"a comma", "1,5", 0, false},
		{"two values", "5, 10", 0, false},
		{"a unit", "5s", 0, false},
		{"a space inside", "1 0", 0, false},
		{"a word", "soon", 0, false},
		{"not ASCII", "\u0665", 0, false},
		{"a date without a zone", "Sun, 06 Nov 1994 08:49:37", 0, false},
		{"a date of RFC 3339", "1994-11-06T08:49:37Z", 0, false},
		{"a date that does not exist", "Sun, 31 Feb 1994 08:49:37 GMT", 0, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, ok := retry.After(http.Header{"Retry-After": {row.value}}, now)
			assert.Equal(t, row.ok, ok)
			assert.Equal(t, row.want, got)
		})
	}
	t.Run("no header", func(t *testing.T) {
		t.Parallel()
		for _, h := range []http.Header{nil, {}, {"Retry-After": nil}, {"X-Retry-After": {"5"}}} {
			got, ok := retry.After(h, now)
			assert.False(t, ok)
			assert.Zero(t, got)
		}
	})
	t.Run("the first of two headers", func(t *testing.T) {
		t.Parallel()
		got, ok := retry.After(http.Header{"Retry-After": {"5", "60"}}, now)
		assert.True(t, ok)
		assert.Equal(t, 5*time.Second, got)
	})
}

// FuzzRetryAfter checks every value of the header: an accepted time is not negative, a rejected one
// is zero, and the pause stays within its bounds.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"", "0", "120", "-1", "NaN", "Inf", "1e18", "1e400", "0x1p4", " 5 ", "Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Fri, 31 Dec 9999 23:59:59 GMT", "soon", "9223372036.854775807",
	} {
		f.Add(seed, 1)
	}
	f.Fuzz(func(t *testing.T, value string, attempt int) {
		now := time.Date(2026, time.January, 2, 3, 4, 5, 6, time.UTC)
		d, ok := retry.After(http.Header{"Retry-After": {value}}, now)
		if d < 0 || !ok && d != 0 {
			t.Fatalf("%q gave %s, %t", value, d, ok)
		}
		if attempt < 1 {
			return
		}
		p := retry.Policy{BaseDelay: time.Second, MaxDelay: 10 * time.Second, MaxRetryAfter: time.Minute}
		if pause := p.Delay(attempt, d); pause < min(d, time.Minute) || pause > max(10*time.Second, min(d, time.Minute)) {
			t.Fatalf("%q after attempt %d gave a pause of %s", value, attempt, pause)
		}
	})
}
