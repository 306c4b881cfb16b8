package fleet

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The simulation's flags, and what they refuse.

func TestParse(t *testing.T) {
	o, err := Parse(nil)
	require.NoError(t, err)
	assert.Equal(t, []float64{1e6, 1e7, 1e8}, o.Daily)
	assert.Equal(t, Costs{}, o.Costs, "to be measured")

	o, err = Parse([]string{"-daily", "5e5, 2000000", "-linger", "1m", "-cpu-event", "4us", "-stream", "90000"})
	require.NoError(t, err)
	assert.Equal(t, []float64{5e5, 2e6}, o.Daily)
	assert.Equal(t, time.Minute, o.Game.Linger)
	assert.Equal(t, Costs{Event: 4 * time.Microsecond, Stream: 90_000}, o.Costs)

	for name, row := range map[string]struct {
		args []string
		want string
	}{
		"no number":        {[]string{"-daily", "many"}, `"many" is not a number of players`},
		"no players":       {[]string{"-daily", "0"}, "not a number of players"},
		"not a number":     {[]string{"-daily", "NaN"}, "not a number of players"},
		"a word":           {[]string{"now"}, `unexpected argument "now"`},
		"a negative cost":  {[]string{"-cpu-event", "-1s"}, "must not be negative"},
		"a bad assumption": {[]string{"-minutes", "0"}, "-minutes must be positive"},
		"help":             {[]string{"-h"}, flag.ErrHelp.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(row.args)
			assert.ErrorContains(t, err, row.want)
		})
	}
}
