// Package echo repeats secrets as careless services and gateways do, for the tests of what an
// error, a log or a span may hold. It decodes by itself, with the standard library, so that a fault
// of package redact does not hide itself.
package echo

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"math/rand/v2"
	"mime/quotedprintable"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minPart is how many characters of a secret in a row are a leak.
const minPart = 8

// Codec is a way in which an echo writes a text, and the way back.
type Codec struct {
	Name   string
	Encode func(string) string
	decode func(string) string // "" if it cannot be decoded
}

// Codecs are the ways in which echoes write a text.
var Codecs = []Codec{
	{"as it is", func(s string) string { return s }, func(s string) string { return s }},
	{"JSON", func(s string) string { b, _ := json.Marshal(s); return string(b) }, unquoteJSON},
	{"JSON without its quotes", func(s string) string { b, _ := json.Marshal(s); return string(b[1 : len(b)-1]) }, func(s string) string { return unquoteJSON(`"` + s + `"`) }},
	{"JSON in ASCII", jsonASCII, func(s string) string { return unquoteJSON(`"` + s + `"`) }},
	{"quoted", strconv.Quote, unquote},
	{"quoted in ASCII", strconv.QuoteToASCII, unquote},
	{"a query", url.QueryEscape, func(s string) string { out, _ := url.QueryUnescape(s); return out }},
	{"a path", url.PathEscape, func(s string) string { out, _ := url.PathUnescape(s); return out }},
	{"all percent", func(s string) string { return everyByte(s, "%%%02X") }, func(s string) string { out, _ := url.PathUnescape(s); return out }},
	{"all percent, lower case", func(s string) string { return everyByte(s, "%%%02x") }, func(s string) string { out, _ := url.PathUnescape(s); return out }},
	{"HTML", html.EscapeString, html.UnescapeString},
	{"HTML numbers", func(s string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, "&#x%X;", r)
		}
		return b.String()
	}, html.UnescapeString},
	{"XML", func(s string) string {
		var b strings.Builder
		_ = xml.EscapeText(&b, []byte(s))
		return b.String()
	}, html.UnescapeString},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }, func(s string) string { return string(decodeWith(base64.StdEncoding.DecodeString, s)) }},
	{"base64 for URLs", func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }, func(s string) string { return string(decodeWith(base64.RawURLEncoding.DecodeString, s)) }},
	{"base64 with a user", func(s string) string { return base64.StdEncoding.EncodeToString([]byte("u:" + s)) }, func(s string) string { return string(decodeWith(base64.StdEncoding.DecodeString, s)) }},
	{"base32", func(s string) string { return base32.StdEncoding.EncodeToString([]byte(s)) }, func(s string) string { return string(decodeWith(base32.StdEncoding.DecodeString, s)) }},
	{"hex", func(s string) string { return hex.EncodeToString([]byte(s)) }, func(s string) string { return string(decodeWith(hex.DecodeString, s)) }},
	{"hex in upper case", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }, func(s string) string { return string(decodeWith(hex.DecodeString, s)) }},
	{"bytes", func(s string) string { return fmt.Sprint([]byte(s)) }, nil}, //nolint:staticcheck // as numbers: [101 102]
	{"quoted-printable", func(s string) string {
		var b strings.Builder
		w := quotedprintable.NewWriter(&b)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
		return b.String()
	}, nil},
	{"upper case", strings.ToUpper, nil},
	{"lower case", strings.ToLower, nil},
	{"wide", wide, nil},
	{"unseen characters in it", func(s string) string { return strings.Join(strings.Split(s, ""), "\u200b") }, nil},
	{"control characters in it", func(s string) string { return strings.Join(strings.Split(s, ""), "\x00") }, nil},
}

func everyByte(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func jsonASCII(s string) string {
	out := strconv.QuoteToASCII(s)
	b, _ := json.Marshal(s)
	if strings.Contains(out, `\x`) || strings.Contains(out, `\U`) || strings.Contains(out, `\a`) || strings.Contains(out, `\v`) {
		return string(b)
	}
	return out
}

func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r - '!' + 0xff01
		}
		return r
	}, s)
}

func unquoteJSON(s string) string { var out string; _ = json.Unmarshal([]byte(s), &out); return out }
func unquote(s string) string     { out, _ := strconv.Unquote(s); return out }

func decodeWith(decode func(string) ([]byte, error), s string) []byte {
	out, _ := decode(s)
	return out
}

// secretChars are the characters of random secrets: each kind that an encoding treats in a way of
// its own.
const secretChars = `ABCXYZabcxyz012789&<>"'\/%+ =?#;:@.,-_{}[]|~$!` + "`éßñ日本ı🎲"

// RandomSecret returns a secret of 8 to 31 characters.
func RandomSecret(r *rand.Rand) string {
	chars := []rune(secretChars)
	var b strings.Builder
	for range 8 + r.IntN(24) {
		b.WriteRune(chars[r.IntN(len(chars))])
	}
	return b.String()
}

// Readable returns a part of the secret of minPart characters that somebody reads in the text with
// the decoders of the standard library.
func Readable(text, secret string, depth int) string {
	folded := fold(text)
	chars := []rune(fold(secret))
	for i := 0; i+minPart <= len(chars); i++ {
		if part := string(chars[i : i+minPart]); strings.Contains(folded, part) {
			return part
		}
	}
	if depth == 0 {
		return ""
	}
	for _, c := range Codecs {
		if c.decode == nil || c.Name == "as it is" {
			continue
		}
		for _, piece := range append(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \"',;{}[]", r) }), text) {
			if plain := c.decode(piece); plain != "" && plain != piece {
				if found := Readable(plain, secret, depth-1); found != "" {
					return found
				}
			}
		}
	}
	return ""
}

// fold leaves out what somebody who reads passes over.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// Length is how many characters of a secret are left to look for.
func Length(s string) int { return utf8.RuneCountInString(fold(strings.ReplaceAll(s, "+", ""))) }

// Encode writes a secret in one to three ways, and returns their names.
func Encode(r *rand.Rand, secret string) (text string, used []string) {
	text = secret
	for range 1 + r.IntN(3) {
		c := Codecs[r.IntN(len(Codecs))]
		// Base64 in one case cannot be read any more, so it is not a form of the secret.
		if len(used) > 0 && (c.Name == "upper case" || c.Name == "lower case") {
			continue
		}
		text, used = c.Encode(text), append(used, c.Name)
	}
	return text, used
}
