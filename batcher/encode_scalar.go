package batcher

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/playline/playline-go/internal/wire"
)

// appendFloat writes a number as encoding/json does: the shortest form that reads back the same. NaN and infinities are not ok.
func appendFloat(b []byte, f float64, bits int) ([]byte, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, false
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (bits == 64 && (abs < 1e-6 || abs >= 1e21) || bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21)) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, bits), true
}

const hexDigits = "0123456789abcdef"

// plain says which bytes stand in a JSON string as they are, if they are ASCII.
var plain = func() (is [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		is[c] = c != '"' && c != '\\'
	}
	return is
}()

// appendText appends a JSON string; it returns false where s is not UTF-8.
func appendText(b []byte, s string) ([]byte, bool) {
	// One pass copies and looks at once, as long as there is nothing to escape.
	if n := len(b); cap(b)-n >= len(s)+2 {
		out := b[n : n+len(s)+2]
		out[0] = '"'
		at := 0
		for in := out[1:]; at < len(s) && at < len(in) && plain[s[at]]; at++ {
			in[at] = s[at]
		}
		if at == len(s) {
			out[len(out)-1] = '"'
			return b[:n+len(s)+2], true
		}
	}
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return b, false
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"'), true
}

// appendTimestamp writes a time. UTC, which most servers run on, is written by hand, at a third of the cost.
func appendTimestamp(b []byte, t time.Time) []byte {
	if t.Location() != time.UTC {
		return t.AppendFormat(b, wire.TimestampLayout)
	}
	start := len(b)
	b = append(b, "0000-00-00T00:00:00"...)
	setSeconds(b[start:], t)
	return append(appendMillis(b, t.Nanosecond()), "+00:00"...)
}

// setSeconds writes a time of UTC, without what is shorter than a second.
func setSeconds(b []byte, t time.Time) {
	at := (*[19]byte)(b)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	setPair(at[0:2], year/100)
	setPair(at[2:4], year%100)
	at[4] = '-'
	setPair(at[5:7], int(month))
	at[7] = '-'
	setPair(at[8:10], day)
	at[10] = 'T'
	setPair(at[11:13], hour)
	at[13] = ':'
	setPair(at[14:16], minute)
	at[16] = ':'
	setPair(at[17:19], second)
}

// appendMillis appends the point and the milliseconds of a second's fraction. What is shorter is cut.
func appendMillis(b []byte, nanos int) []byte {
	b = append(b, ".000"...)
	setMillis((*[4]byte)(b[len(b)-4:]), nanos)
	return b
}

// setMillis writes the milliseconds of a second's fraction behind the point.
func setMillis(at *[4]byte, nanos int) {
	millis := nanos / 1_000_000
	at[1] = byte('0' + millis/100)
	setPair(at[2:4], millis%100)
}

// setPair writes a number from 0 to 99 as two digits.
func setPair(b []byte, n int) { b[0], b[1] = byte('0'+n/10), byte('0'+n%10) }
