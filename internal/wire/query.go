package wire

import (
	"fmt"

	"github.com/google/go-querystring/query"
)

// Query encodes a struct with url tags, keys sorted. A nil value gives "".
//
// Every tag needs omitempty: without it a nil pointer is sent as "name=".
func Query(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	values, err := query.Values(v)
	if err != nil {
		return "", fmt.Errorf("encode the query: %w", err)
	}
	return values.Encode(), nil
}
