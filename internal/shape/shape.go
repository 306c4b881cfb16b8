// Package shape describes what a JSON answer must have, and says what one lacks.
//
// A Shape is data: the tables of the root package are written with the functions of this file. The
// check (check.go) looks at required members only, at their place and their JSON kind, and never
// repeats a value: what it says may be logged.
package shape

import "strings"

// Shape is what a JSON value must be.
type Shape struct {
	kind    kind
	only    string   // the one value that it may have, as JSON writes it; "" for any
	some    bool     // a list must have an item
	members []Member // of an object
	each    *Shape   // of every item of a list; nil: anything
	values  *Shape   // of every member of an object that is not among members; nil: anything
}

// kind is a kind of JSON value, in the words of an error.
type kind string

const (
	anything kind = "any value"
	object   kind = "an object"
	list     kind = "a list"
	text     kind = "text"
	number   kind = "a number"
	boolean  kind = "true or false"
	null     kind = "null"
)

// The shapes of values without parts.
var (
	Any    = &Shape{kind: anything} // also null
	Text   = &Shape{kind: text}
	Number = &Shape{kind: number}
	Bool   = &Shape{kind: boolean}
)

// Member is a member of an object.
type Member struct {
	name     string
	optional bool
	shape    *Shape
}

// Has is a member that must be there.
func Has(name string, s *Shape) Member { return Member{name, false, s} }

// May is a member that need not be there, and may be null.
func May(name string, s *Shape) Member { return Member{name, true, s} }

// Object is an object with these members, and any others.
func Object(members ...Member) *Shape { return &Shape{kind: object, members: members} }

// MapOf is an object of which every member has the shape.
func MapOf(values *Shape) *Shape { return &Shape{kind: object, values: values} }

// ListOf is a list whose items have the shape.
func ListOf(each *Shape) *Shape { return &Shape{kind: list, each: each} }

// SomeOf is a list whose items have the shape, and that has at least one.
func SomeOf(each *Shape) *Shape { return &Shape{kind: list, each: each, some: true} }

// Word is the one text that it may be. It must need no escapes.
func Word(word string) *Shape { return &Shape{kind: text, only: `"` + word + `"`} }

// No is false.
var No = &Shape{kind: boolean, only: "false"}

// Requires lists the members that a value of the shape must have, by their path, each with its
// kind: "list[].id" is "text". Members of a member that need not be there are among them.
func (s *Shape) Requires() map[string]string {
	all := map[string]string{}
	s.requires("", all)
	return all
}

func (s *Shape) requires(place string, all map[string]string) {
	if s.each != nil {
		s.each.requires(place+"[]", all)
	}
	if s.values != nil {
		s.values.requires(place+".*", all)
	}
	for _, m := range s.members {
		path := strings.TrimPrefix(place+"."+m.name, ".")
		if !m.optional {
			all[path] = string(m.shape.kind)
		}
		m.shape.requires(path, all)
	}
}
