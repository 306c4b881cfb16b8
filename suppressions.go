package playline

import (
	"context"
	"encoding/json"
)

// SuppressionsService reaches the users and destinations that Fyno sends nothing to. They hold for both versions of a
// workspace.
//
// Vendor: https://fyno.io/docs/suppression
type SuppressionsService service

// Suppression is one user or destination that gets nothing on a channel.
type Suppression struct {
	ID          string    `json:"_id"`
	DistinctID  string    `json:"distinct_id"`
	Destination string    `json:"destination"`
	Channel     Channel   `json:"channel"`
	Description string    `json:"description"`
	CreatedAt   Timestamp `json:"created_at"`
	ExpiresAt   Timestamp `json:"expiry_ts"`
}

// SuppressionList is all suppressions of a workspace.
type SuppressionList struct {
	Suppressions []Suppression
}

// UnmarshalJSON reads the bare array that the service sends.
func (l *SuppressionList) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &l.Suppressions) }

// SuppressionCreate is the body of Suppressions.Add. With both DistinctID and Destination the service takes DistinctID.
type SuppressionCreate struct {
	DistinctID  string  `json:"distinct_id,omitempty"`
	Destination string  `json:"destination,omitempty"` // phone number or e-mail
	Channel     Channel `json:"channel"`
	Description string  `json:"description,omitempty"`
}

// Validate checks that it says who and where.
func (r SuppressionCreate) Validate() error {
	return firstOf(
		check{"distinct_id, destination", ruleIf(r.DistinctID == "" && r.Destination == "", "must not both be empty")},
		check{"distinct_id", optionalText(r.DistinctID)},
		check{"destination", optionalText(r.Destination)},
		check{"channel", textRule(string(r.Channel))},
		check{"description", optionalText(r.Description)},
	)
}

// SuppressionKey names what Suppressions.Delete removes. The service takes the first that is set: ID, DistinctID, Destination.
type SuppressionKey struct {
	ID          string `url:"_id,omitempty"`
	DistinctID  string `url:"distinct_id,omitempty"`
	Destination string `url:"destination,omitempty"`
}

// Validate checks that one is set.
func (k SuppressionKey) Validate() error {
	return firstOf(
		check{"_id, distinct_id, destination", ruleIf(k == SuppressionKey{}, "must not all be empty")},
		check{"_id", optionalText(k.ID)},
		check{"distinct_id", optionalText(k.DistinctID)},
		check{"destination", optionalText(k.Destination)},
	)
}

// List returns all suppressions; the service has no pages here. See WithMaxResponseBytes for very long lists.
//
// Class safe.
// Vendor: https://fyno.io/docs/suppression
func (s *SuppressionsService) List(ctx context.Context, opts ...RequestOption) (*SuppressionList, error) {
	return call[SuppressionList](ctx, (*service)(s), opListSuppressions, input{}, opts)
}

// Add suppresses a user or a destination on a channel.
//
// Class unsent.
// Vendor: https://fyno.io/docs/suppression
func (s *SuppressionsService) Add(ctx context.Context, suppression SuppressionCreate, opts ...RequestOption) (*Status, error) {
	return call[Status](ctx, (*service)(s), opAddSuppression, input{body: suppression}, opts)
}

// Delete ends a suppression.
//
// Class unsent.
// Vendor: https://fyno.io/docs/suppression
func (s *SuppressionsService) Delete(ctx context.Context, key SuppressionKey, opts ...RequestOption) (*Status, error) {
	return call[Status](ctx, (*service)(s), opDeleteSuppression, input{query: key}, opts)
}
