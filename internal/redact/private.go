package redact

import (
	"regexp"
	"strings"
	"unicode"
)

// Things that are private by their shape, whomever they belong to.

// private matches e-mail addresses, signed tokens (JWT) or what is left of one, keys such as
// sk_live_..., and international numbers.
var private = regexp.MustCompile(`[^\s"'<>@]+(?:@[^\s"'<>@]+)+` +
	`|eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}` +
	`|\b[spr]k_(?:live|test)_[A-Za-z0-9]{4,}` +
	`|(?:\+|\b00)[ (]{0,2}[1-9][0-9 ().\x{b7}/\x{2010}-\x{2015}-]{5,}[0-9]`)

// numbers matches what may be a phone number without a plus, see isPhone.
var numbers = regexp.MustCompile(`\(?[0-9][0-9 ().\x{b7}\x{2010}-\x{2015}-]{6,}[0-9]`)

// findPrivate reports what a layer shows. A text that was decoded from something counts only where
// it is one: in noise there is an at sign now and then.
func findPrivate(layer []glyph, depth int, found func(from, to int) bool) bool {
	if depth > 0 && !legible(layer) {
		return true
	}
	// With control characters as spaces, and without: one may part a word from a number, or be
	// within the number.
	for _, space := range []bool{true, false} {
		var text strings.Builder
		var places []int // of each byte of text
		parted := false
		for i, g := range layer {
			r := g.char
			if unicode.IsControl(r) || r == 0xa0 {
				parted = true
				if !space {
					continue
				}
				r = ' '
			}
			length, _ := text.WriteRune(r)
			for range length {
				places = append(places, i)
			}
		}
		if !space && !parted {
			return true // it is the same text again
		}
		report := func(match []int) bool { return found(layer[places[match[0]]].from, layer[places[match[1]-1]].to) }
		for _, match := range private.FindAllStringIndex(text.String(), -1) {
			if !report(match) {
				return false
			}
		}
		for _, match := range numbers.FindAllStringIndex(text.String(), -1) {
			if isPhone(text.String(), match[0], match[1]) && !report(match) {
				return false
			}
		}
	}
	return true
}

// legible reports whether a layer is text through and through.
func legible(layer []glyph) bool {
	for _, g := range layer {
		if g.char >= 0x80 && g.char <= 0xff && g.to == g.from+1 || unicode.IsControl(g.char) && !unicode.IsSpace(g.char) || g.char == unicode.ReplacementChar {
			return false
		}
	}
	return true
}

var (
	address = regexp.MustCompile(`^(?:[0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5])(?:\.(?:[0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5])){3}$`)
	date    = regexp.MustCompile(`^(?:19|20)[0-9]{2}[-. ][01][0-9][-. ][0-3][0-9](?:[^0-9]|$)|^[0-3]?[0-9][-. ][01]?[0-9][-. ](?:19|20)[0-9]{2}(?:[^0-9]|$)`)
	digits  = regexp.MustCompile(`[0-9]+`)
)

// isPhone reports whether the digits from and up to to are a phone number without a plus, and not a
// date, an address of the network, a part of an id, or several numbers in a row.
func isPhone(text string, from, to int) bool {
	number := text[from:to]
	groups := digits.FindAllString(number, -1)
	count := 0
	for _, group := range groups {
		count += len(group)
	}
	if count < 10 || count > 15 || address.MatchString(number) || date.MatchString(number) {
		return false
	}
	if from > 0 && (isWord(text[from-1]) || from > 1 && text[from-1] == '-' && isWord(text[from-2])) {
		return false
	}
	if to < len(text) && (isWord(text[to]) || to+1 < len(text) && text[to] == '-' && isWord(text[to+1])) {
		return false
	}
	switch len(groups) {
	case 1:
		return true
	case 2:
		return strings.HasPrefix(groups[0], "0") && !strings.ContainsRune(number, '.') || number[0] == '('
	}
	for _, group := range groups {
		if len(group) > 5 {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
