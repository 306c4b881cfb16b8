package batcher

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// explosive is a value whose methods panic with something private.
type explosive struct{}

func (explosive) LogValue() slog.Value         { panic("hunter2") }
func (explosive) MarshalJSON() ([]byte, error) { panic("hunter2") }

// endless is a LogValuer that never comes to a value.
type endless struct{}

func (endless) LogValue() slog.Value { return slog.AnyValue(endless{}) }

// missing is a LogValuer that is often nil.
type missing struct{ name string }

func (m *missing) LogValue() slog.Value { return slog.StringValue(m.name) }

// TestSecurityAValueThatPanicsIsRefused: a panic within Track reaches its caller, as an error or as the panic that it is. Nothing is kept
// of the event, nothing stays locked, and the words of the panic stand in no error.
func TestSecurityAValueThatPanicsIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data any
		want string // "": it panics
	}{
		"a LogValuer":          {[]slog.Attr{slog.Any("v", explosive{})}, "customdata.v has a LogValue that panics"},
		"a LogValuer deep":     {[]slog.Attr{slog.Group("g", slog.Any("v", explosive{}))}, "customdata.g.v has a LogValue that panics"},
		"a nil LogValuer":      {[]slog.Attr{slog.Any("v", (*missing)(nil))}, "customdata.v has a LogValue that panics"},
		"an endless LogValuer": {[]slog.Attr{slog.Any("v", endless{})}, "customdata.v must not nest deeper than 100 levels"},
		"a Marshaler":          {map[string]json.Marshaler{"v": explosive{}}, ""},
	} {
		bubble(t, Config{}, func(t *testing.T, r *rig) {
			track := func() error { return r.Track(t.Context(), "ace", Event{Type: LevelCompleted, Data: test.data}) }
			if test.want == "" {
				assert.PanicsWithValue(t, "hunter2", func() { _ = track() }, name)
			} else {
				err := track()
				var invalid *InvalidEventError
				require.ErrorAs(t, err, &invalid, name)
				require.ErrorContains(t, err, test.want, name)
				assert.NotContains(t, err.Error(), "hunter2")
			}
			r.track("ace")
			require.NoError(t, r.Flush(t.Context()), name)
			assert.Equal(t, Ledger{Accepted: 1, Delivered: 1}, r.Ledger(), name)
		})
	}
}
