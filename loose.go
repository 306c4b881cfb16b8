package playline

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Answers whose types the vendor does not document are read loosely: a member of another type than
// expected must not cost the members beside it.

// decodeLoosely decodes an object into the struct that v points to. It fails only if b is not an object.
// A text takes a number as it is written, a number takes a text that is one, and a bool takes 0 and 1.
// What cannot be read is left out; in a list that is an item, and an object of which nothing was read.
func decodeLoosely(b []byte, v any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	readMembers(members, reflect.ValueOf(v).Elem())
	return nil
}

// readMembers reads the members that have a field, those of embedded structs too.
func readMembers(members map[string]json.RawMessage, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch raw, there := members[name]; {
		case field.Anonymous && name == "":
			readMembers(members, v.Field(i))
		case there && name != "-":
			readLoosely(raw, v.Field(i))
		}
	}
}

// readLoosely reads a value, and reports whether that was possible. It leaves v as it is if not.
func readLoosely(raw json.RawMessage, v reflect.Value) bool {
	if string(raw) == "null" {
		return false
	}
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		return u.UnmarshalJSON(raw) == nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		to := reflect.New(v.Type().Elem())
		if !readLoosely(raw, to.Elem()) {
			return false
		}
		v.Set(to)
	case reflect.Struct:
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			return false
		}
		readMembers(members, v)
	case reflect.Slice:
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			return false
		}
		list := reflect.MakeSlice(v.Type(), 0, len(items))
		for _, item := range items {
			to := reflect.New(v.Type().Elem()).Elem()
			if readLoosely(item, to) && (to.Kind() != reflect.Struct || !to.IsZero()) {
				list = reflect.Append(list, to)
			}
		}
		v.Set(list)
	case reflect.String:
		text, ok := textOf(raw)
		if ok {
			v.SetString(text)
		}
		return ok
	case reflect.Int, reflect.Int64:
		text, _ := textOf(raw)
		n, ok := wholeNumber(text)
		if ok {
			v.SetInt(n)
		}
		return ok
	case reflect.Bool:
		text, ok := textOf(raw)
		if !ok {
			text = string(raw)
		}
		switch text {
		case "true", "1":
			v.SetBool(true)
		case "false", "0":
			v.SetBool(false)
		default:
			return false
		}
	default:
		return false
	}
	return true
}

// textOf returns a text, or a number as it is written.
func textOf(raw json.RawMessage) (string, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, true
	}
	return string(raw), len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9')
}

// wholeNumber reads 7, and 7.0 and 7e0 too where a float is exact.
func wholeNumber(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// decodeNumbers decodes JSON whose numbers stay as they are written, as json.Number: a float64 would round
// whole numbers above 2^53, such as account ids.
func decodeNumbers(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(v)
}
