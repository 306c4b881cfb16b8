package redact

import (
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// The normalised copies of a text.

// maxLayers bounds how many layers of escapes are undone.
const maxLayers = 12

// glyph is a character of a copy, which stands for the bytes from and up to to of the text.
type glyph struct {
	char     rune
	from, to int
}

// layers returns the text itself, and copies with one layer of escapes less each. All of them
// count: what comes before a secret can look like the beginning of an escape that takes a part of
// it away.
func layers(text string) [][]glyph {
	last := make([]glyph, 0, len(text))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			r = rune(text[i]) // no UTF-8, so it may be Latin-1
		}
		last = append(last, glyph{r, i, i + size})
		i += size
	}
	last = visible(last)
	all := [][]glyph{last}
	for next := 0; next < len(all) && len(all) < maxLayers; next++ {
		for _, escape := range []byte{'%', '='} {
			if copied, changed := unescape(all[next], escape, false); changed {
				all = append(all, visible(copied))
			}
		}
		if hasNames(all[next]) {
			if copied, changed := unescape(all[next], '=', true); changed {
				all = append(all, visible(copied))
			}
		}
	}
	return all
}

// visible leaves out format characters: they split a secret and nobody sees them. Control
// characters stay until it is known whether they part words.
func visible(in []glyph) []glyph {
	out := in[:0]
	for _, g := range in {
		if !invisible(g.char) {
			g.char = narrow(g.char)
			out = append(out, g)
		}
	}
	return out
}

// withoutControls leaves control characters out.
func withoutControls(in []glyph) []glyph {
	return slices.DeleteFunc(slices.Clone(in), func(g glyph) bool { return unicode.IsControl(g.char) })
}

func invisible(r rune) bool {
	return r > unicode.MaxASCII && unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// unescape undoes one layer: the escapes of JSON, Go and other languages, of HTML, and of a URL;
// with '=' for escape, those of quoted-printable in place of a URL's, because a query is full of
// equals signs. With names an equals sign behind a name, as in otp=41, begins no escape.
func unescape(in []glyph, escape byte, names bool) (out []glyph, changed bool) {
	if !hasEscape(in, escape) {
		return nil, false
	}
	if escape == '%' {
		in = withoutControls(in) // one can split an escape as well
	} else {
		in = withoutSoftBreaks(in)
	}
	out = make([]glyph, 0, len(in))
	for i := 0; i < len(in); {
		if names && named(in, i) {
			out = append(out, in[i])
			i++
			continue
		}
		if bytes, length := escapedBytes(in[i:], escape); length > 0 {
			at := glyph{0, in[i].from, in[i+length-1].to}
			for len(bytes) > 0 {
				r, size := utf8.DecodeRune(bytes)
				if r == utf8.RuneError && size == 1 {
					r = rune(bytes[0])
				}
				at.char = r
				out, bytes = append(out, at), bytes[size:]
			}
			i, changed = i+length, true
			continue
		}
		char, length := in[i].char, 1
		switch char {
		case '\\':
			char, length = backslash(in[i:])
		case '%':
			if len(in) > i+5 && (in[i+1].char == 'u' || in[i+1].char == 'U') {
				if n, ok := number(in[i+2:i+6], 16); ok {
					char, length = n, 6
				}
			}
		case '&':
			char, length = entity(in[i:])
		}
		changed = changed || length > 1
		out = append(out, glyph{char, in[i].from, in[i+length-1].to})
		i += length
	}
	return out, changed
}

// named reports whether there is an equals sign at i behind a name, and two hexadecimal digits
// behind it. They may be an escape of quoted-printable, or the beginning of the value.
func named(in []glyph, i int) bool {
	if in[i].char != '=' || len(in) < i+3 {
		return false
	}
	if _, hex := number(in[i+1:i+3], 16); !hex {
		return false
	}
	start := i
	for start > 0 && (in[start-1].char == '_' || unicode.IsLetter(in[start-1].char) || unicode.IsDigit(in[start-1].char)) {
		start--
	}
	return start < i && (start == 0 || in[start-1].char != '=' && in[start-1].char != '%')
}

// hasNames tells most texts from those that are worth another copy.
func hasNames(in []glyph) bool {
	for i := range in {
		if named(in, i) {
			return true
		}
	}
	return false
}

// hasEscape tells most texts from those that are worth a copy.
func hasEscape(in []glyph, escape byte) bool {
	for _, g := range in {
		if g.char == rune(escape) || escape == '%' && (g.char == '\\' || g.char == '&') {
			return true
		}
	}
	return false
}

// escapedBytes returns the bytes of the escapes %41, =41, \x41 or \101 that come next, as many as
// there are: a character can take several. The ranges of all of them become one.
func escapedBytes(in []glyph, escape byte) (bytes []byte, length int) {
	for {
		rest := in[length:]
		var n rune
		var ok bool
		size := 0
		switch {
		case len(rest) > 2 && rest[0].char == rune(escape):
			size = 3
			n, ok = number(rest[1:3], 16)
		case len(rest) > 3 && rest[0].char == '\\' && (rest[1].char == 'x' || rest[1].char == 'X'):
			size = 4
			n, ok = number(rest[2:4], 16)
		case len(rest) > 3 && rest[0].char == '\\':
			size = 4
			n, ok = number(rest[1:4], 8)
		}
		if !ok || n > 0xff {
			return bytes, length
		}
		bytes, length = append(bytes, byte(n)), length+size
		if n < utf8.RuneSelf && len(bytes) == 1 {
			return bytes, length // a character of its own keeps a place of its own
		}
	}
}

// withoutSoftBreaks joins the lines of quoted-printable that an equals sign at their end continues.
func withoutSoftBreaks(in []glyph) []glyph {
	out := make([]glyph, 0, len(in))
	for i := 0; i < len(in); i++ {
		if in[i].char == '=' && i+1 < len(in) && (in[i+1].char == '\r' || in[i+1].char == '\n') {
			for i+1 < len(in) && (in[i+1].char == '\r' || in[i+1].char == '\n') {
				i++
			}
			continue
		}
		out = append(out, in[i])
	}
	return out
}

// backslash reads \u0026, \u{26}, \U00000026, \n and the like, and takes the backslash off anything
// else.
func backslash(in []glyph) (rune, int) {
	if len(in) < 2 {
		return '\\', 1
	}
	switch c := in[1].char; c {
	case 'u', 'U':
		if len(in) > 3 && in[2].char == '{' {
			for end := 3; end < min(len(in), 12); end++ {
				if in[end].char == '}' {
					if n, ok := number(in[3:end], 16); ok {
						return n, end + 1
					}
				}
			}
		}
		if len(in) > 9 && c == 'U' {
			if n, ok := number(in[2:10], 16); ok && n <= unicode.MaxRune {
				return n, 10
			}
		}
		if len(in) > 5 {
			if n, ok := number(in[2:6], 16); ok {
				if utf16.IsSurrogate(n) && len(in) > 11 && in[6].char == '\\' {
					if low, ok := number(in[8:12], 16); ok && utf16.DecodeRune(n, low) != unicode.ReplacementChar {
						return utf16.DecodeRune(n, low), 12
					}
				}
				return n, 6
			}
		}
	case 'a', 'b', 'f', 'n', 'r', 't', 'v', '0':
		return '\n', 2
	case '%', '&':
		return '\\', 1 // it may begin an escape itself
	}
	return in[1].char, 2
}

// number reads digits of a base.
func number(in []glyph, base int) (rune, bool) {
	var digits [12]byte
	if len(in) == 0 || len(in) > len(digits) {
		return 0, false
	}
	for i, g := range in {
		if g.char >= utf8.RuneSelf || g.char == '+' || g.char == '-' || g.char == '_' {
			return 0, false
		}
		digits[i] = byte(g.char)
	}
	n, err := strconv.ParseUint(string(digits[:len(in)]), base, 31)
	return rune(n), err == nil
}

// entity reads &amp; and its like, in any case and, for the oldest of them and numbers, without the
// semicolon.
func entity(in []glyph) (rune, int) {
	var name strings.Builder
	for length := 1; length < min(len(in), 33); length++ {
		c := in[length].char
		if c != '#' && c != ';' && (c >= utf8.RuneSelf || !unicode.IsLetter(c) && !unicode.IsDigit(c)) {
			break
		}
		name.WriteRune(c)
		if c == ';' {
			break
		}
	}
	text := name.String()
	for _, try := range []string{text, strings.ToLower(text)} {
		plain := html.UnescapeString("&" + try)
		r, size := utf8.DecodeRuneInString(plain)
		if rest := plain[size:]; plain != "&"+try && strings.HasSuffix(try, rest) {
			if r == utf8.RuneError {
				r = 0 // a NUL, which HTML does not have
			}
			return r, 1 + len(try) - len(rest)
		}
	}
	return '&', 1
}

// plain returns a character as it is compared: without its width, its script's digits or its case.
// A plus is how a query writes a space.
func plain(r rune) rune {
	switch {
	case r == '+' || unicode.IsSpace(r):
		return ' '
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		return r
	case r < unicode.MaxASCII:
		return unicode.ToLower(r)
	}
	r = unicode.ToLower(unicode.ToUpper(r))
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if least < unicode.MaxASCII {
		return unicode.ToLower(least)
	}
	return least
}

// narrow returns the ASCII character that a wide one or a digit of another script stands for.
func narrow(r rune) rune {
	if r <= unicode.MaxASCII {
		return r
	}
	if r >= 0xff01 && r <= 0xff5e {
		return r - 0xff01 + '!'
	}
	if unicode.Is(unicode.Nd, r) { // digits come in rows of ten
		for _, row := range unicode.Nd.R16 {
			if r >= rune(row.Lo) && r <= rune(row.Hi) {
				return '0' + (r-rune(row.Lo))%10
			}
		}
		for _, row := range unicode.Nd.R32 {
			if r >= rune(row.Lo) && r <= rune(row.Hi) {
				return '0' + (r-rune(row.Lo))%10
			}
		}
	}
	return r
}
