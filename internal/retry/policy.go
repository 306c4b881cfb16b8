package retry

import (
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Policy bounds the attempts of one call and the pauses between them.
type Policy struct {
	MaxAttempts    int           // attempts in all, the first included
	BaseDelay      time.Duration // the first pause is a random time up to this
	MaxDelay       time.Duration // no random pause is longer than this
	MaxRetryAfter  time.Duration // a longer Retry-After is cut to this
	AttemptTimeout time.Duration // how long one attempt may take
}

// Delay returns the pause after the given attempt (1 is the first): exponential with full jitter,
// and never shorter than the server asked for.
func (p Policy) Delay(attempt int, retryAfter time.Duration) time.Duration {
	ceiling := p.MaxDelay
	// The maximum is shifted down to be compared: shifting the base up overflows, at some attempt,
	// to any value.
	if shift := attempt - 1; shift < 63 && p.BaseDelay <= p.MaxDelay>>shift {
		ceiling = p.BaseDelay << shift
	}
	var jittered time.Duration
	if ceiling > 0 {
		jittered = rand.N(ceiling)
	}
	return max(jittered, min(retryAfter, p.MaxRetryAfter))
}

// After reads a Retry-After header: seconds or a date. A missing, negative or senseless value is
// not ok; one too long for a time.Duration becomes the longest.
//
// See https://www.rfc-editor.org/rfc/rfc9110#field.retry-after.
func After(h http.Header, now time.Time) (d time.Duration, ok bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		switch {
		// ParseFloat also accepts texts that nobody means as a time: nan, inf, hexadecimal and
		// underscores.
		case math.IsNaN(seconds), seconds < 0, strings.ContainsAny(value, "iIxX_"):
			return 0, false
		case seconds >= math.MaxInt64/float64(time.Second):
			return math.MaxInt64, true
		}
		return time.Duration(seconds * float64(time.Second)), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return max(at.Sub(now), 0), true
}
