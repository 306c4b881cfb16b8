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
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	nanos := t.Nanosecond()
	start := len(b)
	b = append(b, "0000-00-00T00:00:00.000000000"...)
	at := (*[29]byte)(b[start:])
	setPair(at[0:2], year/100)
	setPair(at[2:4], year%100)
	setPair(at[5:7], int(month))
	setPair(at[8:10], day)
	setPair(at[11:13], hour)
	setPair(at[14:16], minute)
	setPair(at[17:19], second)
	// Pairs that do not wait for each other's division.
	at[20] = byte('0' + nanos/100_000_000)
	setPair(at[21:23], nanos/1_000_000%100)
	setPair(at[23:25], nanos/10_000%100)
	setPair(at[25:27], nanos/100%100)
	setPair(at[27:29], nanos%100)
	end := len(at)
	for at[end-1] == '0' && end > 20 {
		end--
	}
	if end == 20 {
		end-- // the point
	}
	return append(b[:start+end], "+00:00"...)
}

// setPair writes a number from 0 to 99 as two digits.
func setPair(b []byte, n int) { b[0], b[1] = byte('0'+n/10), byte('0'+n%10) }
