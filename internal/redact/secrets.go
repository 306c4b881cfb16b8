package redact

import (
	"strings"
	"unicode"
)

// The secrets of a request, whole and in parts.

const (
	// minSecret is the least that is looked for. Something shorter would be found in every other
	// word.
	minSecret = 4
	// minPart is how much of a longer secret is looked for: a service may cut what it repeats.
	minPart = 8
	// minBlank is from which length on a secret is also looked for with blanks in it.
	minBlank = 6
)

// pattern is one form of a secret.
type pattern struct {
	whole  string
	length int  // in characters
	blank  bool // it has no blanks, and is looked for in a text without them
}

// newPatterns returns the forms of the secrets, each layer of what looks like an escape included.
func newPatterns(secrets []string) []pattern {
	var all []pattern
	for _, secret := range secrets {
		for _, layer := range layers(secret) {
			with, without := compare(layer, false), compare(layer, true)
			if with.length() >= minSecret {
				all = append(all, pattern{with.text, with.length(), false})
			}
			if without.length() >= minBlank {
				all = append(all, pattern{without.text, without.length(), true})
			}
		}
	}
	return all
}

// comparison is a layer as it is compared.
type comparison struct {
	text    string
	offsets []int // of each character in text, and of its end
	places  []int // of each character in the layer
}

func (c comparison) length() int { return len(c.places) }

func compare(layer []glyph, withoutBlanks bool) comparison {
	c := comparison{offsets: make([]int, 0, len(layer)+1), places: make([]int, 0, len(layer))}
	var text strings.Builder
	text.Grow(len(layer))
	for i, g := range layer {
		if unicode.IsControl(g.char) {
			continue
		}
		if r := plain(g.char); r != ' ' || !withoutBlanks {
			c.offsets, c.places = append(c.offsets, text.Len()), append(c.places, i)
			text.WriteRune(r)
		}
	}
	c.offsets, c.text = append(c.offsets, text.Len()), text.String()
	return c
}

// findSecrets reports the secrets that a layer shows.
func findSecrets(layer []glyph, secrets []pattern, found func(from, to int) bool) bool {
	for _, blank := range []bool{false, true} {
		c := compare(layer, blank)
		for _, p := range secrets {
			if p.blank != blank {
				continue
			}
			length := min(p.length, minPart)
			for i := 0; i+length <= c.length(); i++ {
				part := c.text[c.offsets[i]:c.offsets[i+length]]
				if strings.Contains(p.whole, part) && !found(layer[c.places[i]].from, layer[c.places[i+length-1]].to) {
					return false
				}
			}
		}
	}
	return true
}
