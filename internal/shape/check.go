package shape

import (
	"encoding/json"
	"strings"
)

// Lacks says what a body lacks to have the shape, in words that complete "the answer is not the
// service's own: ...". It is "" for one that has it. The words name members of the shape and kinds,
// and nothing that the body says.
func (s *Shape) Lacks(body []byte) string {
	switch v := (value{body}); {
	case v.empty():
		return "it is empty"
	case !json.Valid(body):
		return "it is not JSON"
	default:
		return s.lacks("", v)
	}
}

// lacks checks one value; place is its path from the top, "" for the top itself.
func (s *Shape) lacks(place string, v value) string {
	subject := "it"
	if place != "" {
		subject = "its " + place
	}
	k := v.kind()
	switch {
	case s.kind == anything:
		return ""
	case k != s.kind:
		return subject + " is " + string(k) + " instead of " + string(s.kind)
	case s.only != "" && !v.is(s.only):
		return subject + " is not " + s.only
	case k == list:
		return s.lacksItem(place, subject, v)
	case k == object:
		return s.lacksMember(place, v)
	}
	return ""
}

func (s *Shape) lacksItem(place, subject string, v value) string {
	if s.each == nil && !s.some {
		return ""
	}
	rule, seen := "", false
	v.walk(func(_, item value) bool {
		seen = true
		if s.each != nil {
			rule = s.each.lacks(place+"[]", item)
		}
		return rule == "" && s.each != nil
	})
	if s.some && !seen {
		return subject + " has no item"
	}
	return rule
}

func (s *Shape) lacksMember(place string, v value) string {
	if len(s.members) == 0 && s.values == nil {
		return ""
	}
	if place != "" {
		place += "."
	}
	var seen uint64 // a bit per member; no shape has 64
	rule := ""
	v.walk(func(name, member value) bool {
		i, exact := s.member(name)
		switch {
		case i < 0 && s.values != nil:
			rule = s.values.lacks(place+"*", member)
		case i < 0:
		case seen&(1<<i) != 0 || !exact && !s.members[i].optional:
			// Two of a name, or one in other letters: readers differ in which of them they take.
			rule = "its " + place + s.members[i].name + " is there twice, or in other letters"
		default:
			seen |= 1 << i
			if m := s.members[i]; !m.optional || member.kind() != null {
				rule = m.shape.lacks(place+m.name, member)
			}
		}
		return rule == ""
	})
	if rule != "" {
		return rule
	}
	for i, m := range s.members {
		if !m.optional && seen&(1<<i) == 0 {
			return "it has no " + place + m.name
		}
	}
	return ""
}

// member returns the index of the member with a name, and whether it is written exactly so; -1 for
// none. Letters of another case count, because encoding/json takes them for the same name.
func (s *Shape) member(name value) (index int, exact bool) {
	key := name.text()
	for i, m := range s.members {
		if strings.EqualFold(m.name, key) {
			return i, m.name == key
		}
	}
	return -1, false
}

// value is a valid JSON value, maybe with white space around it.
type value struct{ json []byte }

func (v value) trimmed() []byte {
	b := v.json
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func (v value) empty() bool { return len(v.trimmed()) == 0 }

func (v value) kind() kind {
	switch v.trimmed()[0] {
	case '{':
		return object
	case '[':
		return list
	case '"':
		return text
	case 't', 'f':
		return boolean
	case 'n':
		return null
	}
	return number
}

// is reports whether the value is the one that JSON writes so. A text with escapes is read first.
func (v value) is(literal string) bool {
	if v.kind() == text {
		return v.text() == literal[1:len(literal)-1]
	}
	return string(v.trimmed()) == literal
}

// text returns a JSON text as it reads.
func (v value) text() string {
	b := v.trimmed()
	if plain := string(b[1 : len(b)-1]); !strings.Contains(plain, `\`) {
		return plain
	}
	var s string
	_ = json.Unmarshal(b, &s) // it is valid
	return s
}

// walk calls yield for each member of an object, with its name, or each item of a list, until it
// returns false.
func (v value) walk(yield func(name, member value) bool) {
	b := v.trimmed()
	isObject := b[0] == '{'
	for i := skipSpace(b, 1); b[i] != '}' && b[i] != ']'; {
		var name value
		if isObject {
			end := skipValue(b, i)
			name = value{b[i:end]}
			i = skipSpace(b, skipSpace(b, end)+1) // past the colon
		}
		end := skipValue(b, i)
		if !yield(name, value{b[i:end]}) {
			return
		}
		if i = skipSpace(b, end); b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
}

// skipValue returns where the value ends that begins at i. The text is valid JSON.
func skipValue(b []byte, i int) int {
	depth := 0
	for {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			i++ // inside an object or a list: depth is above 0
		default:
			for i < len(b) && !isSpace(b[i]) && b[i] != ',' && b[i] != ']' && b[i] != '}' {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}

func skipSpace(b []byte, i int) int {
	for isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
