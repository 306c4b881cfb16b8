package redact

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Runs that encode something as a whole: each is decoded, looked into, and taken out whole.

// encoding is a way to write bytes as a run of characters.
type encoding struct {
	run     *regexp.Regexp
	offsets int // at how many places of a run the encoded text can begin
	decode  func(run string) []byte
}

var encodings = []encoding{
	{regexp.MustCompile(`[A-Za-z0-9+/_-]{6,}`), 4, decodeBase64},
	{regexp.MustCompile(`[0-9A-Fa-f]{8,}`), 2, decodeHex},
	{regexp.MustCompile(`(?:(?:0[xX])?[0-9A-Fa-f]{2}[ +,:;-]{1,2}){3,}(?:0[xX])?[0-9A-Fa-f]{2}`), 1, decodeHex},
	{regexp.MustCompile(`[A-Z2-7]{7,}|[a-z2-7]{7,}`), 8, decodeBase32},
	{regexp.MustCompile(`(?:[0-9]{1,3}[ +,;]{1,2}){3,}[0-9]{1,3}`), 1, decodeDecimal},
}

// findEncoded reports the runs of a layer that hold something.
func findEncoded(layer []glyph, secrets []pattern, depth int, found func(from, to int) bool) bool {
	if depth == maxDepth {
		return true
	}
	var text strings.Builder
	places := make([]int, 0, len(layer)) // of each byte of text
	for i, g := range layer {
		if unicode.IsControl(g.char) {
			continue // long base64 is broken into lines
		}
		r := g.char
		if r > unicode.MaxASCII {
			r = '.' // is in no run
		}
		text.WriteByte(byte(r))
		places = append(places, i)
	}
	for _, e := range encodings {
		for _, run := range e.run.FindAllStringIndex(text.String(), -1) {
			for offset := range e.offsets {
				decoded := e.decode(text.String()[run[0]+offset : run[1]])
				if !worthwhile(decoded) || !holds(string(decoded), secrets, depth+1) {
					continue
				}
				if !found(layer[places[run[0]]].from, layer[places[run[1]-1]].to) {
					return false
				}
				break
			}
		}
	}
	return true
}

// worthwhile reports whether there are four legible characters in a row: what was not encoded
// decodes to noise.
func worthwhile(decoded []byte) bool {
	row := 0
	for len(decoded) > 0 {
		r, size := utf8.DecodeRune(decoded)
		switch {
		case r == utf8.RuneError:
			row = 0
		case !unicode.IsControl(r): // those may split a secret
			row++
		}
		if row == minSecret {
			return true
		}
		decoded = decoded[size:]
	}
	return false
}

// sameAlphabet makes of the alphabet for URLs the other one.
var sameAlphabet = strings.NewReplacer("-", "+", "_", "/")

func decodeBase64(run string) []byte {
	run = sameAlphabet.Replace(run)
	if len(run)%4 == 1 {
		run = run[:len(run)-1] // cut within a byte
	}
	decoded, _ := base64.RawStdEncoding.DecodeString(run)
	return decoded
}

func decodeBase32(run string) []byte {
	run = strings.ToUpper(run)
	for {
		decoded, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(run)
		if err == nil || run == "" {
			return decoded
		}
		run = run[:len(run)-1]
	}
}

// onlyDigits leaves out what separates the bytes.
var onlyDigits = strings.NewReplacer("0x", "", "0X", "", " ", "", "+", "", ",", "", ":", "", ";", "", "-", "")

func decodeHex(run string) []byte {
	run = onlyDigits.Replace(run)
	decoded, _ := hex.DecodeString(run[:len(run)/2*2])
	return decoded
}

func decodeDecimal(run string) []byte {
	var decoded []byte
	for number := range strings.FieldsFuncSeq(run, func(r rune) bool { return r < '0' || r > '9' }) {
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil {
			return nil
		}
		decoded = append(decoded, byte(n))
	}
	return decoded
}
