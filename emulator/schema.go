package emulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// schema is the subset of OpenAPI 3.0's schema object that the contracts use.
type schema struct {
	Type          string             `json:"type"` // "" for any
	Nullable      bool               `json:"nullable"`
	Enum          []string           `json:"-"` // each value as JSON
	RawEnum       []json.RawMessage  `json:"enum"`
	Required      []string           `json:"required"`
	Properties    map[string]*schema `json:"properties"`
	Additional    additional         `json:"additionalProperties"`
	MinProperties int                `json:"minProperties"`
	Items         *schema            `json:"items"`
	MinItems      int                `json:"minItems"`
	MaxItems      *int               `json:"maxItems"`
	MinLength     int                `json:"minLength"` // in characters
	MaxLength     *int               `json:"maxLength"`
	Minimum       *float64           `json:"minimum"`
	Maximum       *float64           `json:"maximum"`
	Pattern       string             `json:"pattern"`
	Format        string             `json:"format"`
	OneOf         []*schema          `json:"oneOf"`
	AnyOf         []*schema          `json:"anyOf"`
	AllOf         []*schema          `json:"allOf"`
	Ref           string             `json:"$ref"`
	Example       json.RawMessage    `json:"example"` // for samples; nothing is held against it

	names    []string // of the properties, sorted, so that the first violation is always the same one
	pattern  *regexp.Regexp
	resolved bool
}

// additional is what an object may hold beyond its properties: anything, nothing, or values of one
// schema.
type additional struct {
	forbidden bool
	schema    *schema
}

// UnmarshalJSON reads a boolean or a schema.
func (a *additional) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "true":
		return nil
	case "false":
		a.forbidden = true
		return nil
	}
	return json.Unmarshal(data, &a.schema)
}

// resolve replaces every reference below s by what it refers to, and prepares s for check.
func (s *schema) resolve(named map[string]*schema) error {
	if s.resolved {
		return nil
	}
	if s.Ref != "" {
		target := named[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
		if target == nil {
			return fmt.Errorf("%s refers to nothing", s.Ref)
		}
		if err := target.resolve(named); err != nil {
			return err
		}
		*s = *target
		return nil
	}
	s.resolved = true
	for _, raw := range s.RawEnum {
		s.Enum = append(s.Enum, string(raw))
	}
	s.names = slices.Sorted(maps.Keys(s.Properties))
	if s.Pattern != "" {
		var err error
		if s.pattern, err = regexp.Compile(s.Pattern); err != nil {
			return err
		}
	}
	switch s.Format {
	case "", "date-time":
	default:
		return fmt.Errorf("the format %s is not known", s.Format)
	}
	below := slices.Concat(s.OneOf, s.AnyOf, s.AllOf, slices.Collect(maps.Values(s.Properties)))
	for _, sub := range append(below, s.Items, s.Additional.schema) {
		if sub == nil {
			continue
		}
		if err := sub.resolve(named); err != nil {
			return err
		}
	}
	return nil
}
