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

// appendText appends a JSON string; it returns false where s is not UTF-8.
func appendText(b []byte, s string) ([]byte, bool) {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
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
	b = appendPair(b, year/100)
	b = appendPair(b, year%100)
	b = append(b, '-')
	b = appendPair(b, int(month))
	b = append(b, '-')
	b = appendPair(b, day)
	b = append(b, 'T')
	b = appendPair(b, hour)
	b = append(b, ':')
	b = appendPair(b, minute)
	b = append(b, ':')
	b = appendPair(b, second)
	if nanos := t.Nanosecond(); nanos != 0 {
		// The digits from the last to the first: a division by a constant is a multiplication, one by a variable is not.
		var digits [9]byte
		for i := len(digits) - 1; i >= 0; i-- {
			digits[i] = byte('0' + nanos%10)
			nanos /= 10
		}
		end := len(digits)
		for digits[end-1] == '0' {
			end--
		}
		b = append(b, '.')
		b = append(b, digits[:end]...)
	}
	return append(b, "+00:00"...)
}

// appendPair appends a number from 0 to 99 as two digits.
func appendPair(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
