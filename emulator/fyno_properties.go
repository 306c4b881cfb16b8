package emulator

import (
	"encoding/json"
	"math"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// propertyKind is the type of a user property.
type propertyKind string

const (
	stringProperty propertyKind = "string"
	numberProperty propertyKind = "number"
	boolProperty   propertyKind = "boolean"
	dateProperty   propertyKind = "date"
	listProperty   propertyKind = "list"
)

// kindOf types a value as Fyno does when a property is first set.
func kindOf(value any) propertyKind {
	switch v := value.(type) {
	case json.Number:
		return numberProperty
	case bool:
		return boolProperty
	case []any:
		return listProperty
	case string:
		if isDate(v) {
			return dateProperty
		}
	}
	return stringProperty
}

// isDate tells whether s is an ISO 8601 date or a date-time with a zone.
func isDate(s string) bool {
	_, dateErr := time.Parse(time.DateOnly, s)
	_, timeErr := time.Parse(time.RFC3339, s)
	return dateErr == nil || timeErr == nil
}

// propertyActions is what one request does to one user's properties.
type propertyActions struct {
	Set    map[string]any         `json:"$set"`
	Once   map[string]any         `json:"$once"`
	Add    map[string]json.Number `json:"$add"`
	Append map[string]any         `json:"$append"`
	Remove map[string]any         `json:"$remove"`
	Unset  []string               `json:"$unset"`
}

type fynoPropertyInput struct {
	DistinctID string `json:"distinct_id"`
	propertyActions
}

type fynoPropertyBatch struct {
	Batch []struct {
		DistinctID string          `json:"distinct_id"`
		Action     propertyActions `json:"action"`
	} `json:"batch"`
}

type fynoPropertyAccepted struct {
	RequestID string              `json:"request_id"`
	Batch     []map[string]string `json:"batch,omitzero"`
}

// changeProperties serves the six operations with one action each; the contract leaves each body
// only its own action.
func (f *fyno) changeProperties(c *call, in fynoPropertyInput) reply {
	f.act(f.version(c), in.DistinctID, in.propertyActions)
	return reply{status: http.StatusAccepted, body: fynoPropertyAccepted{RequestID: f.uuid()}}
}

func (f *fyno) batchProperties(c *call, in fynoPropertyBatch) reply {
	out := fynoPropertyAccepted{Batch: make([]map[string]string, 0, len(in.Batch))}
	for _, item := range in.Batch {
		f.act(f.version(c), item.DistinctID, item.Action)
		out.Batch = append(out.Batch, item.Action.taken())
	}
	out.RequestID = f.uuid()
	return reply{status: http.StatusAccepted, body: out}
}

// taken says "ok" to every action there is: a value of the wrong type is accepted as well, and
// ignored.
func (a propertyActions) taken() map[string]string {
	answer := map[string]string{}
	for name, given := range map[string]bool{
		"$set": a.Set != nil, "$once": a.Once != nil, "$add": a.Add != nil,
		"$append": a.Append != nil, "$remove": a.Remove != nil, "$unset": a.Unset != nil,
	} {
		if given {
			answer[name] = "ok"
		}
	}
	return answer
}

// act carries the actions out in the order in which the reference lists them. Actions that store
// create the profile where it is missing; removing and unsetting are accepted and ignored there.
func (f *fyno) act(v *fynoVersion, distinctID string, a propertyActions) {
	p := v.profiles[distinctID]
	if p == nil {
		if len(a.Set)+len(a.Once)+len(a.Add)+len(a.Append) == 0 {
			return
		}
		p = f.addProfile(v, distinctID)
	}
	for name, value := range a.Set {
		v.store(p, name, value)
	}
	for name, value := range a.Once {
		if _, set := p.properties[name]; !set {
			v.store(p, name, value)
		}
	}
	for name, value := range a.Add {
		v.store(p, name, sum(p.properties[name], value))
	}
	for name, value := range a.Append {
		list, _ := p.properties[name].([]any)
		v.store(p, name, append(slices.Clone(list), value))
	}
	for name, value := range a.Remove {
		if list, ok := p.properties[name].([]any); ok {
			p.properties[name] = slices.DeleteFunc(list, func(element any) bool { return sameValue(element, value) })
		}
	}
	for _, name := range a.Unset {
		delete(p.properties, name)
	}
	p.updatedAt = time.Now()
}

// store sets a property, unless the value is not of the property's type: then nothing happens. A
// string property takes any string, also one that looks like a date. Lists keep the first of equal
// values.
func (v *fynoVersion) store(p *fynoProfile, name string, value any) {
	if value == nil {
		return
	}
	kind, typed := kindOf(value), v.kinds[name]
	if typed == "" {
		v.kinds[name], typed = kind, kind
	}
	if kind != typed && !(typed == stringProperty && kind == dateProperty) {
		return
	}
	if list, ok := value.([]any); ok {
		value = unique(list)
	}
	p.properties[name] = value
}

func unique(list []any) []any {
	out := make([]any, 0, len(list))
	for _, element := range list {
		if !slices.ContainsFunc(out, func(other any) bool { return sameValue(element, other) }) {
			out = append(out, element)
		}
	}
	return out
}

// sameValue compares two list elements: integers exactly, other numbers as floats, everything else
// as it is.
func sameValue(a, b any) bool {
	x, xIsNumber := a.(json.Number)
	y, yIsNumber := b.(json.Number)
	if !xIsNumber || !yIsNumber {
		return a == b
	}
	if isInteger(x) && isInteger(y) {
		return integer(x).Cmp(integer(y)) == 0
	}
	fx, errX := x.Float64()
	fy, errY := y.Float64()
	return errX == nil && errY == nil && fx == fy
}

// isInteger tells whether n is written without a fraction and an exponent, so that it is one exact
// integer.
func isInteger(n json.Number) bool { return !strings.ContainsAny(string(n), ".eE") }

// integer is the value of a number for which isInteger holds.
func integer(n json.Number) *big.Int {
	value, _ := new(big.Int).SetString(string(n), 10)
	return value
}

// sum adds to a number that may be unset. Integers stay exact whatever their size. It returns nil
// where there is no sum: what is there is no number, or the sum is beyond a float.
func sum(old any, add json.Number) any {
	if old == nil {
		return add
	}
	number, ok := old.(json.Number)
	if !ok {
		return nil
	}
	if isInteger(number) && isInteger(add) {
		return json.Number(new(big.Int).Add(integer(number), integer(add)).String())
	}
	x, errX := number.Float64()
	y, errY := add.Float64()
	if total := x + y; errX == nil && errY == nil && !math.IsInf(total, 0) {
		return json.Number(strconv.FormatFloat(total, 'g', -1, 64))
	}
	return nil
}

// cloneProperties shares no list with the profile: list-remove writes into them.
func cloneProperties(properties map[string]any) map[string]any {
	out := make(map[string]any, len(properties))
	for name, value := range properties {
		if list, ok := value.([]any); ok {
			value = append([]any{}, list...)
		}
		out[name] = value
	}
	return out
}
