package playline

import (
	"encoding/json"
	"fmt"
)

// propertyBatch is the body of Properties.Batch.
type propertyBatch struct {
	Batch []PropertyChange `json:"batch"`
}

// Validate checks that there is an item, and each.
func (b propertyBatch) Validate() error {
	if len(b.Batch) == 0 {
		return &ValidationError{"batch", "must not be empty"}
	}
	for i, c := range b.Batch {
		if err := c.Validate(); err != nil {
			return within(fmt.Sprintf("batch[%d]", i), err)
		}
	}
	return nil
}

// PropertyBatchResult is the answer to Properties.Batch: for each item of the request, in its order, a status for each action.
type PropertyBatchResult struct {
	RequestID string              `json:"request_id"`
	Batch     []map[string]string `json:"batch"` // by action, such as $set; "ok" where it was taken
}

// failures returns the actions that were not taken. The answer is positional: an action without an answer counts as failed,
// because nothing says that it was taken.
func (r *PropertyBatchResult) failures(changes []PropertyChange, secrets []string) error {
	partial := &PartialError{Operation: opBatchProperties.name, Total: len(changes)}
	for i, change := range changes {
		var got map[string]string
		if i < len(r.Batch) {
			got = r.Batch[i]
		}
		for _, action := range change.Actions.names() {
			switch status, ok := got[action]; {
			case !ok:
				partial.Items = append(partial.Items, ItemError{Index: i, Key: action, Message: "the service gave no result for it"})
			case status != "ok":
				raw, _ := json.Marshal(status)
				partial.Items = append(partial.Items, ItemError{Index: i, Key: action, Code: scrub(status, secrets), Raw: raw})
			}
		}
	}
	if len(partial.Items) == 0 {
		return nil
	}
	return partial
}

// names returns the actions that are sent.
func (a PropertyActions) names() []string {
	var names []string
	for _, action := range []struct {
		name string
		sent bool
	}{
		{"$set", len(a.Set) > 0},
		{"$once", len(a.Once) > 0},
		{"$add", len(a.Add) > 0},
		{"$append", len(a.Append) > 0},
		{"$remove", len(a.Remove) > 0},
		{"$unset", len(a.Unset) > 0},
	} {
		if action.sent {
			names = append(names, action.name)
		}
	}
	return names
}
