package relay

import (
	"fmt"
	"strings"
)

// maxToken is how long an encoded game or player may be in a subject. The server's limit is for a
// whole protocol line, 4096 bytes.
const maxToken = 1024

const hexDigits = "0123456789ABCDEF"

// token encodes any non-empty bytes as one token of a subject: letters, digits, - and _ stand for
// themselves, any other byte is =XX. Two different ids never have the same token.
func token(id string) (string, error) {
	if id == "" {
		return "", fmt.Errorf("relay: an empty id has no subject")
	}
	n := tokenLen(id)
	if n > maxToken {
		return "", fmt.Errorf("relay: an id has %d bytes in a subject, at most %d are possible", n, maxToken)
	}
	out := id
	if n > len(id) {
		b := make([]byte, 0, n)
		for i := range len(id) {
			if c := id[i]; isPlain(c) {
				b = append(b, c)
			} else {
				b = append(b, '=', hexDigits[c>>4], hexDigits[c&15])
			}
		}
		out = string(b)
	}
	return out, nil
}

// tokenLen is how long the token of an id is.
func tokenLen(id string) int {
	n := len(id)
	for i := range len(id) {
		if !isPlain(id[i]) {
			n += 2
		}
	}
	return n
}

// parseToken decodes what token encoded. It refuses what token does not make, so that a player has
// one spelling, and one place in line.
func parseToken(t string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(t); i++ {
		switch c := t[i]; {
		case isPlain(c):
			b.WriteByte(c)
		case c == '=' && i+2 < len(t):
			hi, lo := strings.IndexByte(hexDigits, t[i+1]), strings.IndexByte(hexDigits, t[i+2])
			if hi < 0 || lo < 0 || isPlain(byte(hi<<4|lo)) {
				return "", fmt.Errorf("relay: a token has a bad escape at byte %d", i)
			}
			b.WriteByte(byte(hi<<4 | lo))
			i += 2
		default:
			return "", fmt.Errorf("relay: a token has a bad byte at %d", i)
		}
	}
	if b.Len() == 0 || len(t) > maxToken {
		return "", fmt.Errorf("relay: invalid id token of %d bytes", len(t))
	}
	return b.String(), nil
}

func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}
