package playline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/playline/playline-go/internal/retry"
)

// PropertiesService changes the properties of Fyno's profiles. The first value gives a property its type; later values of
// another type are accepted and ignored by the service.
//
// Vendor: https://fyno.io/docs/api-reference
type PropertiesService service

// Properties are values by name: a text of at most 255 characters, a number, a bool, a time.Time (sent as
// RFC 3339), or a list of such texts, numbers and times. Append and Remove take one text, number or time
// per property, Add takes numbers.
type Properties map[string]any

// PropertiesAccepted says that a change was taken; it is carried out later.
type PropertiesAccepted struct {
	RequestID string `json:"request_id"`
}

// PropertyActions are the changes to one profile in a batch.
type PropertyActions struct {
	Set    Properties `json:"$set,omitempty"`
	Once   Properties `json:"$once,omitempty"`
	Add    Properties `json:"$add,omitempty"`
	Append Properties `json:"$append,omitempty"`
	Remove Properties `json:"$remove,omitempty"`
	Unset  []string   `json:"$unset,omitempty"`
}

// PropertyChange is one item of a batch.
type PropertyChange struct {
	DistinctID string          `json:"distinct_id"`
	Actions    PropertyActions `json:"action"`
}

// Validate checks the id and every value.
func (c PropertyChange) Validate() error {
	if err := firstOf(check{"distinct_id", textRule(c.DistinctID)}); err != nil {
		return err
	}
	return within("action", c.Actions.validate())
}

func (a PropertyActions) validate() error {
	used := false
	for _, action := range []struct {
		name   string
		values Properties
		valid  func(string, any) error
	}{
		{"$set", a.Set, settable},
		{"$once", a.Once, settable},
		{"$add", a.Add, number},
		{"$append", a.Append, listItem},
		{"$remove", a.Remove, listItem},
	} {
		used = used || len(action.values) > 0
		for name, value := range action.values {
			field := action.name + "." + name
			if err := firstOf(check{action.name, textRule(name)}); err != nil {
				return err
			}
			if err := action.valid(field, value); err != nil {
				return err
			}
		}
	}
	if len(a.Unset) > 0 {
		return checkTexts("$unset", a.Unset)
	}
	if !used {
		return &ValidationError{"properties", "must not be empty"}
	}
	return nil
}

// settable checks a value of $set and $once.
func settable(field string, v any) error {
	switch v := v.(type) {
	case string:
		return firstOf(check{field, lengthRule(v, 255)})
	case bool, time.Time:
		return checkJSON(field, v)
	case []string:
		return eachListItem(field, v)
	case []int:
		return eachListItem(field, v)
	case []int64:
		return eachListItem(field, v)
	case []float64:
		return eachListItem(field, v)
	case []time.Time:
		return eachListItem(field, v)
	case []any:
		return eachListItem(field, v)
	}
	if isNumber(v) {
		return checkJSON(field, v)
	}
	return &ValidationError{field, fmt.Sprintf("must be a string, number, bool, time.Time or a list of strings, numbers and times, not %T", v)}
}

func eachListItem[T any](field string, list []T) error {
	if list == nil {
		return &ValidationError{field, "must be a list: a nil one would be sent as null, an empty one is []"}
	}
	for i, v := range list {
		if err := listItem(fmt.Sprintf("%s[%d]", field, i), v); err != nil {
			return err
		}
	}
	return nil
}

// listItem checks a value of $append, of $remove, and of a list.
func listItem(field string, v any) error {
	switch s := v.(type) {
	case string:
		return firstOf(check{field, lengthRule(s, 255)})
	case time.Time:
		return checkJSON(field, v)
	}
	if isNumber(v) {
		return checkJSON(field, v)
	}
	return &ValidationError{field, fmt.Sprintf("must be one string, number or time.Time, not %T", v)}
}

func number(field string, v any) error {
	if !isNumber(v) {
		return &ValidationError{field, fmt.Sprintf("must be a number, not %T", v)}
	}
	return checkJSON(field, v)
}

func isNumber(v any) bool {
	switch v.(type) {
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, json.Number:
		return true
	}
	return false
}

// propertyRequest is the body of the single actions: the action's own key beside the id.
type propertyRequest struct {
	DistinctID string `json:"distinct_id"`
	PropertyActions
}

// Validate checks the id and every value.
func (r propertyRequest) Validate() error {
	if err := firstOf(check{"distinct_id", textRule(r.DistinctID)}); err != nil {
		return err
	}
	return r.validate()
}

func (s *PropertiesService) change(ctx context.Context, o *op, id string, a PropertyActions, opts []RequestOption) (*PropertiesAccepted, error) {
	return call[PropertiesAccepted](ctx, (*service)(s), o, input{body: propertyRequest{id, a}}, opts)
}

// Set sets properties, and creates them and the profile where they are missing.
//
// Class safe.
// Vendor: https://fyno.io/docs/api-reference
func (s *PropertiesService) Set(ctx context.Context, distinctID string, values Properties, opts ...RequestOption) (*PropertiesAccepted, error) {
	return s.change(ctx, opSetProperties, distinctID, PropertyActions{Set: values}, opts)
}

// SetOnce sets only the properties that have no value yet.
//
// Class safe.
// Vendor: https://fyno.io/docs/api-reference
func (s *PropertiesService) SetOnce(ctx context.Context, distinctID string, values Properties, opts ...RequestOption) (*PropertiesAccepted, error) {
	return s.change(ctx, opSetPropertiesOnce, distinctID, PropertyActions{Once: values}, opts)
}

// Add adds to numbers; a negative value subtracts.
//
// Class unsent: a repeat would add twice.
// Vendor: https://fyno.io/docs/api-reference
func (s *PropertiesService) Add(ctx context.Context, distinctID string, values Properties, opts ...RequestOption) (*PropertiesAccepted, error) {
	return s.change(ctx, opAddToProperties, distinctID, PropertyActions{Add: values}, opts)
}

// Append puts one value into each list; lists hold unique values.
//
// Class safe.
// Vendor: https://fyno.io/docs/api-reference
func (s *PropertiesService) Append(ctx context.Context, distinctID string, values Properties, opts ...RequestOption) (*PropertiesAccepted, error) {
	return s.change(ctx, opAppendToProperties, distinctID, PropertyActions{Append: values}, opts)
}

// Remove takes one value out of each list; one that is not there is ignored.
//
// Class safe.
// Vendor: https://fyno.io/docs/api-reference
func (s *PropertiesService) Remove(ctx context.Context, distinctID string, values Properties, opts ...RequestOption) (*PropertiesAccepted, error) {
	return s.change(ctx, opRemoveFromProperties, distinctID, PropertyActions{Remove: values}, opts)
}

// Unset removes properties by name; one that is not there is ignored.
//
// Class safe.
// Vendor: https://fyno.io/docs/api-reference
func (s *PropertiesService) Unset(ctx context.Context, distinctID string, names []string, opts ...RequestOption) (*PropertiesAccepted, error) {
	return s.change(ctx, opUnsetProperties, distinctID, PropertyActions{Unset: names}, opts)
}

// Batch changes many profiles in one request. Items whose actions were not all taken are named by a *PartialError, by their
// place in changes.
//
// Class safe; unsent where any item adds, because a repeat would add twice.
// Vendor: https://fyno.io/docs/api-reference
func (s *PropertiesService) Batch(ctx context.Context, changes []PropertyChange, opts ...RequestOption) (*PropertyBatchResult, error) {
	o := opBatchProperties
	for _, c := range changes {
		if len(c.Actions.Add) > 0 {
			o = o.as(retry.Unsent)
			break
		}
	}
	out, err := call[PropertyBatchResult](ctx, (*service)(s), o, input{body: propertyBatch{changes}}, opts)
	if err != nil {
		return nil, err
	}
	err = out.failures(changes, (*service)(s).secrets(o, opts))
	return out, err
}
