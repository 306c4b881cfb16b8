package batcher

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every Result has a name and a field of the ledger, and nothing else of the ledger is a result.

// TestTheLedgerHasAFieldForEveryResult fails if a new Result has no name or no field, or if two
// results share one.
func TestTheLedgerHasAFieldForEveryResult(t *testing.T) {
	t.Parallel()
	fields := map[string]bool{}
	for field := range reflect.TypeFor[Ledger]().Fields() {
		fields[field.Name] = true
	}
	for _, other := range []string{"Accepted", "Pending", "PossibleDuplicates"} {
		require.True(t, fields[other], other)
		delete(fields, other)
	}
	seen := 0
	for r := range (Ledger{}).Results() {
		name := r.String()
		require.NotEmpty(t, name)
		require.NotEqual(t, "no result", name)
		field := strings.ToUpper(name[:1]) + name[1:]
		assert.True(t, fields[field], "Ledger.%s is missing or belongs to two results", field)
		delete(fields, field)

		var l Ledger
		reflect.ValueOf(&l).Elem().FieldByName(field).SetInt(7)
		for other, events := range l.Results() {
			want := int64(0)
			if other == r {
				want = 7
			}
			assert.Equal(t, want, events, "%s, if only Ledger.%s is set", other, field)
		}
		assert.Contains(t, l.String(), name+" 7")
		seen++
	}
	assert.EqualValues(t, results, seen)
	delete(fields, "Unconfirmed") // of the delivered ones
	assert.Empty(t, fields, "fields that no result has")
}

func TestResultsEndsWithItsLoop(t *testing.T) {
	t.Parallel()
	seen := 0
	for range (Ledger{}).Results() {
		seen++
		break
	}
	assert.Equal(t, 1, seen)
}
