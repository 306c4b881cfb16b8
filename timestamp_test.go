package playline

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Timestamps of five services, and those that are none.

func TestTimestampReadsWhatItCanAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 123e6, time.UTC)
	for name, test := range map[string]struct {
		in   string
		want time.Time
		raw  string
		out  string
	}{
		"RFC 3339":             {`"2026-01-02T03:04:05.123Z"`, at, "2026-01-02T03:04:05.123Z", `"2026-01-02T03:04:05.123Z"`},
		"an offset":            {`"2026-01-02T08:34:05.123+05:30"`, at, "2026-01-02T08:34:05.123+05:30", `"2026-01-02T08:34:05.123+05:30"`},
		"milliseconds":         {`1767323045123`, at, "1767323045123", `"2026-01-02T03:04:05.123Z"`},
		"with a point":         {`1767323045123.75`, at, "1767323045123.75", `"2026-01-02T03:04:05.123Z"`},
		"an offset of a day":   {`"2026-01-02T03:04:05+24:00"`, time.Time{}, "2026-01-02T03:04:05+24:00", `"2026-01-02T03:04:05+24:00"`},
		"an offset below it":   {`"2026-01-02T03:04:05.123+23:59"`, at.Add(-23*time.Hour - 59*time.Minute), "2026-01-02T03:04:05.123+23:59", `"2026-01-02T03:04:05.123+23:59"`},
		"an offset before UTC": {`"2026-01-02T03:04:05-24:00"`, time.Time{}, "2026-01-02T03:04:05-24:00", `"2026-01-02T03:04:05-24:00"`},
		"no zone":              {`"2026-01-02 03:04:05"`, time.Time{}, "2026-01-02 03:04:05", `"2026-01-02 03:04:05"`},
		"empty":                {`""`, time.Time{}, "", `""`},
		"null":                 {`null`, time.Time{}, "", `""`},
		"an object":            {`{"at":1}`, time.Time{}, `{"at":1}`, `"{\"at\":1}"`},
		"a bool":               {`true`, time.Time{}, "true", `"true"`},
		"beyond all time":      {`1e300`, time.Time{}, "1e300", `"1e300"`},
		"beyond floats":        {`1e999`, time.Time{}, "1e999", `"1e999"`},
		"the year 10000":       {`253402300800000`, time.Time{}, "253402300800000", `"253402300800000"`},
		"before all time":      {`-62135596800001`, time.Time{}, "-62135596800001", `"-62135596800001"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Timestamp{Time: time.Now(), Raw: "before"}
			require.NoError(t, json.Unmarshal([]byte(test.in), &got))
			assert.True(t, got.Equal(test.want), "%v", got.Time)
			assert.Equal(t, test.raw, got.Raw)
			out, err := json.Marshal(got)
			require.NoError(t, err)
			assert.Equal(t, test.out, string(out))
		})
	}
}

// TestATimestampThatNoEncoderTakes: what a program made of it does not fail the whole result.
func TestATimestampThatNoEncoderTakes(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 24*3600))} {
		out, err := json.Marshal(Profile{CreatedAt: Timestamp{Time: at, Raw: "as it came"}, Properties: json.RawMessage("{}"), ChannelsRaw: json.RawMessage("{}")})
		require.NoError(t, err)
		assert.Contains(t, string(out), `"created_at":"as it came"`)
	}
}
