package batcher

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// encodeEvent encodes as track does.
func encodeEvent(e Event, attrs []slog.Attr, idKey, id string) ([]byte, error) {
	b := &Batcher{cfg: Config{EventIDKey: idKey, EventBytes: 1 << 30}, idBase: id}
	b.clock.second.Store(&second{text: [29]byte([]byte("2026-03-04T05:06:07.000+00:00"))})
	out, err := appendHead(nil, &e, &b.clock, 890_000_000, b.heads)
	if err != nil {
		return nil, err
	}
	if idKey == "" {
		if flat, ok := appendFlat(out[:len(out):len(out)], e.Data, attrs); ok {
			return flat, nil
		}
	}
	return b.appendDeep(out, e.Data, attrs)
}

type vector struct {
	X float64 `json:"x"`
	Y float64 `json:"y,omitzero"`
}

// jsonError is an error with a JSON form of its own.
type jsonError struct{}

func (jsonError) Error() string                { return "seven" }
func (jsonError) MarshalJSON() ([]byte, error) { return []byte(`{"code":7}`), nil }

type panickyError struct{}

func (panickyError) Error() string { panic("no words") }

type valuer struct{ v slog.Value }

func (v valuer) LogValue() slog.Value { return v.v }

func TestEncoding(t *testing.T) {
	t.Parallel()
	const head = `{"type":"LevelCompleted","timestamp":"2026-03-04T05:06:07.890+00:00"`
	for _, row := range []struct {
		name  string
		data  any
		attrs []slog.Attr
		want  string // customdata, "" where there is none
	}{
		{"nothing", nil, nil, ""},
		{"no attributes", nil, []slog.Attr{}, `{}`},
		{"an empty map", map[string]any{}, nil, `{}`},
		{"a text", map[string]any{"k": "v"}, nil, `{"k":"v"}`},
		{
			"texts that need escapes", nil,
			[]slog.Attr{slog.String("q\"\\", "\x00\x1f\n\r\t/<>&\u2028\ufffd é 漢 🎮")},
			`{"q\"\\":"\u0000\u001f\n\r\t/<>&` + "\u2028\ufffd" + ` é 漢 🎮"}`,
		},
		{"an int", map[string]any{"k": -7}, nil, `{"k":-7}`},
		{"an int64", map[string]any{"k": int64(math.MinInt64)}, nil, `{"k":-9223372036854775808}`},
		{"a uint64", map[string]any{"k": uint64(math.MaxUint64)}, nil, `{"k":18446744073709551615}`},
		{"an int32", map[string]any{"k": int32(-1)}, nil, `{"k":-1}`},
		{"a uint32", map[string]any{"k": uint32(1)}, nil, `{"k":1}`},
		{"an int8", map[string]any{"k": int8(-8)}, nil, `{"k":-8}`},
		{"a uint", map[string]any{"k": uint(8)}, nil, `{"k":8}`},
		{"a bool", map[string]any{"k": true}, nil, `{"k":true}`},
		{"null", map[string]any{"k": nil}, nil, `{"k":null}`},
		{"a float", map[string]any{"k": 0.1}, nil, `{"k":0.1}`},
		{"a whole float", map[string]any{"k": 3.0}, nil, `{"k":3}`},
		{"a large float", map[string]any{"k": 1e21}, nil, `{"k":1e+21}`},
		{"a small float", map[string]any{"k": 1e-7}, nil, `{"k":1e-07}`},
		{"a float32", map[string]any{"k": float32(0.1)}, nil, `{"k":0.1}`},
		{"a small float32", map[string]any{"k": float32(1e-7)}, nil, `{"k":1e-07}`},
		{"negative zero", map[string]any{"k": math.Copysign(0, -1)}, nil, `{"k":-0}`},
		{"a json.Number", map[string]any{"k": json.Number("12345678901234567890.5")}, nil, `{"k":12345678901234567890.5}`},
		{"a slice", map[string]any{"k": []int{1, 2}}, nil, `{"k":[1,2]}`},
		{"bytes", map[string]any{"k": []byte{1}}, nil, `{"k":"AQ=="}`},
		{"a map in a map", map[string]any{"k": map[string]any{"l": map[string]any{"m": 1}}}, nil, `{"k":{"l":{"m":1}}}`},
		{"a nil map in a map", map[string]any{"k": map[string]any(nil)}, nil, `{"k":null}`},
		{"a map of texts", map[string]string{"k": "v"}, nil, `{"k":"v"}`},
		{"a map with numbers as keys", map[int]int{1: 2}, nil, `{"1":2}`},
		{"a struct", vector{X: 1}, nil, `{"x":1}`},
		{"a pointer", &vector{X: 1, Y: 2}, nil, `{"x":1,"y":2}`},
		{"attributes as data", []slog.Attr{slog.Int("k", 1)}, nil, `{"k":1}`},
		{"raw", json.RawMessage(` {"k" : [1, "\ufffd"] } `), nil, `{"k":[1,"\ufffd"]}`},
		{"raw in a map", map[string]any{"k": json.RawMessage(`[ 1 ]`)}, nil, `{"k":[1]}`},
		{"nil raw in a map", map[string]any{"k": json.RawMessage(nil)}, nil, `{"k":null}`},
		{"raw in a struct", struct{ K json.RawMessage }{json.RawMessage(`[ 1 ]`)}, nil, `{"K":[1]}`},
		{"a backslash before ufffd", struct{ K string }{`\ufffd \\ufffd`}, nil, `{"K":"\\ufffd \\\\ufffd"}`},
		{"the character U+FFFD", struct{ K string }{"\ufffd"}, nil, `{"K":"` + "\ufffd" + `"}`},
		{"attributes of every kind", nil, []slog.Attr{
			slog.String("s", "v"), slog.Int("i", 1), slog.Uint64("u", 2), slog.Float64("f", 0.5), slog.Bool("b", true),
			slog.Duration("d", time.Second), slog.Time("t", time.Unix(0, 0).UTC()), slog.Any("n", nil), slog.Any("v", vector{X: 1}),
			slog.Group("g", slog.Int("a", 1), slog.Group("h", slog.String("b", "c"))), slog.Group("e"), slog.Any("m", map[string]any{"k": 1}),
			slog.Any("l", valuer{slog.IntValue(7)}), slog.Any("lg", valuer{slog.GroupValue(slog.Int("x", 1))}),
		}, `{"s":"v","i":1,"u":2,"f":0.5,"b":true,"d":1000000000,"t":"1970-01-01T00:00:00Z","n":null,"v":{"x":1},` +
			`"g":{"a":1,"h":{"b":"c"}},"m":{"k":1},"l":7,"lg":{"x":1}}`},
		{"an empty key", nil, []slog.Attr{slog.Int("", 1)}, `{"":1}`},

		// What slog's own handlers write.
		{"an error", nil, []slog.Attr{slog.Any("err", errors.New("boss \"1\" escaped"))}, `{"err":"boss \"1\" escaped"}`},
		{"an error in a map", map[string]any{"err": io.EOF}, nil, `{"err":"EOF"}`},
		{"an error that is a nil pointer", nil, []slog.Attr{slog.Any("err", (*InvalidEventError)(nil))}, `{"err":null}`},
		{"an error that writes its own JSON", nil, []slog.Attr{slog.Any("err", jsonError{})}, `{"err":{"code":7}}`},
		{"an error from a LogValuer", nil, []slog.Attr{slog.Any("err", valuer{slog.AnyValue(io.EOF)})}, `{"err":"EOF"}`},
		{"an empty attribute", nil, []slog.Attr{{}, slog.Int("k", 1), {}}, `{"k":1}`},
		{"empty attributes alone", nil, []slog.Attr{{}}, `{}`},
		{"a group without a name", nil, []slog.Attr{slog.Int("a", 1), slog.Group("", slog.Int("b", 2), slog.Int("c", 3)), slog.Int("d", 4)}, `{"a":1,"b":2,"c":3,"d":4}`},
		{"groups without a name in each other", nil, []slog.Attr{slog.Group("", slog.Group("", slog.Int("b", 2)), slog.Attr{})}, `{"b":2}`},
		{"a group without a name in a group", nil, []slog.Attr{slog.Group("g", slog.Group("", slog.Int("b", 2)))}, `{"g":{"b":2}}`},
		{"a LogValuer that is a group, without a name", nil, []slog.Attr{slog.Any("", valuer{slog.GroupValue(slog.Int("b", 2))})}, `{"b":2}`},
		{"a LogValuer that is an empty group", nil, []slog.Attr{slog.Any("e", valuer{slog.GroupValue()}), slog.Int("k", 1)}, `{"k":1}`},

		{"a nil map", map[string]any(nil), nil, ""},
		{"a nil map of texts", map[string]string(nil), nil, ""},
		{"a nil pointer", (*vector)(nil), nil, ""},
		{"nil raw", json.RawMessage(nil), nil, ""},
		{"raw null", json.RawMessage(` null `), nil, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := encodeEvent(Event{Type: LevelCompleted, Data: row.data}, row.attrs, "", "")
			require.NoError(t, err)
			want := head + "}"
			if row.want != "" {
				want = head + `,"customdata":` + row.want + "}"
			}
			assert.Equal(t, want, string(got))
			require.True(t, json.Valid(got))

			// The long way says the same.
			deep, err := encodeEvent(Event{Type: LevelCompleted, Data: row.data}, row.attrs, "eid", "base-")
			require.NoError(t, err)
			inner := strings.TrimSuffix(cmp.Or(row.want, "{}"), "}")
			if len(inner) > 1 {
				inner += ","
			}
			assert.Equal(t, head+`,"customdata":`+inner+`"eid":"base-1"}}`, string(deep))
		})
	}
}

func TestEveryEventType(t *testing.T) {
	t.Parallel()
	for _, kind := range []EventType{AppOpen, LevelCompleted, GameEnd, AdImpression, IAPPurchase} {
		got, err := encodeEvent(Event{Type: kind}, nil, "", "")
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf(`{"type":%q,"timestamp":"2026-03-04T05:06:07.890+00:00"}`, kind), string(got))
	}
	got, err := encodeEvent(Event{Type: Custom, Name: `boss "1"`}, nil, "", "")
	require.NoError(t, err)
	assert.Equal(t, `{"type":"Custom","customEventName":"boss \"1\"","timestamp":"2026-03-04T05:06:07.890+00:00"}`, string(got))
}

func TestTimestampsHaveANumericOffset(t *testing.T) {
	t.Parallel()
	zone := func(seconds int) *time.Location { return time.FixedZone("zone", seconds) }
	for _, row := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"now", time.Time{}, "2026-03-04T05:06:07.890+00:00"},
		{"UTC", time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), "2026-12-31T23:59:59.000+00:00"},
		{"nanoseconds", time.Date(2026, 1, 2, 3, 4, 5, 123_456_789, time.UTC), "2026-01-02T03:04:05.123+00:00"},
		{"one nanosecond", time.Date(2026, 1, 2, 3, 4, 5, 1, time.UTC), "2026-01-02T03:04:05.000+00:00"},
		{"a nanosecond before the next millisecond", time.Date(2026, 1, 2, 3, 4, 5, 45_999_999, time.UTC), "2026-01-02T03:04:05.045+00:00"},
		{"year 0", time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), "0000-01-01T00:00:00.000+00:00"},
		{"year 9999", time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), "9999-12-31T23:59:59.999+00:00"},
		{"east", time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, zone(11*3600)), "2026-01-02T03:04:05.600+11:00"},
		{"west, with half an hour", time.Date(2026, 1, 2, 3, 4, 5, 0, zone(-3*3600-1800)), "2026-01-02T03:04:05.000-03:30"},
		{"no offset, but not UTC", time.Date(2026, 1, 2, 3, 4, 5, 0, zone(0)), "2026-01-02T03:04:05.000+00:00"},
		{"an offset with seconds", time.Date(2026, 1, 2, 3, 4, 5, 0, zone(1172)), "2026-01-02T02:44:33.000+00:00"},
		{"an offset of a day", time.Date(2026, 1, 2, 3, 4, 5, 0, zone(25*3600)), "2026-01-01T02:04:05.000+00:00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := encodeEvent(Event{Type: AppOpen, Time: row.at}, nil, "", "")
			require.NoError(t, err)
			assert.Equal(t, `{"type":"AppOpen","timestamp":"`+row.want+`"}`, string(got))
			if !row.at.IsZero() {
				back, err := Record{JSON: got}.Event()
				require.NoError(t, err)
				assert.True(t, back.Time.Equal(row.at.Truncate(time.Millisecond)))
			}
		})
	}
}

func TestAnEventThatCannotBeEncodedIsRefused(t *testing.T) {
	t.Parallel()
	nested := map[string]any{}
	nested["self"] = nested
	deep := slog.Int("leaf", 1)
	for range maxDepth + 2 {
		deep = slog.Attr{Key: "g", Value: slog.GroupValue(deep)}
	}
	for _, row := range []struct {
		name  string
		event Event
		attrs []slog.Attr
		field string
		rule  string
	}{
		{"no type", Event{}, nil, "type", "must be AppOpen,"},
		{"an unknown type", Event{Type: "appopen"}, nil, "type", "must be AppOpen,"},
		{"Custom without a name", Event{Type: Custom}, nil, "customEventName", "set Event.Name"},
		{"Custom with a bad name", Event{Type: Custom, Name: "\xff"}, nil, "customEventName", "valid UTF-8"},
		{"a name without Custom", Event{Type: AppOpen, Name: "x"}, nil, "customEventName", "must be empty"},
		{"year 10000", Event{Type: AppOpen, Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, nil, "timestamp", "years 0 to 9999"},
		{"year -1", Event{Type: AppOpen, Time: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}, nil, "timestamp", "years 0 to 9999"},
		{"a text", Event{Type: AppOpen, Data: "x"}, nil, "customdata", "JSON object"},
		{"a slice", Event{Type: AppOpen, Data: []int{1}}, nil, "customdata", "JSON object"},
		{"a number", Event{Type: AppOpen, Data: 1}, nil, "customdata", "JSON object"},
		{"an error alone", Event{Type: AppOpen, Data: io.EOF}, nil, "customdata", "JSON object"},
		{"an Error that panics", Event{Type: AppOpen}, []slog.Attr{slog.Any("err", panickyError{})}, "customdata.err", "has an Error method that panics"},
		{
			"one key inside and outside of a group without a name",
			Event{Type: AppOpen},
			[]slog.Attr{slog.Int("k", 1), slog.Group("", slog.Int("k", 2))},
			"customdata.k", "once only",
		},
		{"a raw array", Event{Type: AppOpen, Data: json.RawMessage(`[{}]`)}, nil, "customdata", "JSON object"},
		{"raw that is no JSON", Event{Type: AppOpen, Data: json.RawMessage(`{"k":`)}, nil, "customdata", "cannot be encoded"},
		{"raw of bad bytes", Event{Type: AppOpen, Data: json.RawMessage("{\"k\":\"\xff\"}")}, nil, "customdata", "valid UTF-8"},
		{
			"raw of bad bytes in a struct",
			Event{Type: AppOpen, Data: struct{ K json.RawMessage }{json.RawMessage("\"\xff\"")}},
			nil,
			"customdata", "valid UTF-8",
		},
		{"NaN", Event{Type: AppOpen, Data: map[string]any{"score": math.NaN()}}, nil, "customdata.score", "finite"},
		{"infinity", Event{Type: AppOpen, Data: map[string]any{"score": math.Inf(-1)}}, nil, "customdata.score", "finite"},
		{"float32 infinity", Event{Type: AppOpen, Data: map[string]any{"score": float32(math.Inf(1))}}, nil, "customdata.score", "finite"},
		{"NaN in a struct", Event{Type: AppOpen, Data: map[string]any{"at": vector{X: math.NaN()}}}, nil, "customdata.at", "NaN"},
		{"a channel", Event{Type: AppOpen, Data: map[string]any{"c": make(chan int)}}, nil, "customdata.c", "cannot be encoded"},
		{"a function", Event{Type: AppOpen, Data: map[string]any{"f": func() {}}}, nil, "customdata.f", "cannot be encoded"},
		{"a channel alone", Event{Type: AppOpen, Data: make(chan int)}, nil, "customdata", "cannot be encoded"},
		{"a bad text", Event{Type: AppOpen, Data: map[string]any{"k": "a\xffb"}}, nil, "customdata.k", "valid UTF-8"},
		{"a bad text deeper", Event{Type: AppOpen, Data: map[string]any{"k": map[string]any{"l": "\xc3"}}}, nil, "customdata.k.l", "valid UTF-8"},
		{"a bad text in a slice", Event{Type: AppOpen, Data: map[string]any{"k": []string{"\xff"}}}, nil, "customdata.k", "valid UTF-8"},
		{"a bad text in a struct", Event{Type: AppOpen, Data: struct{ K string }{"\xff"}}, nil, "customdata", "valid UTF-8"},
		{"a bad text after a backslash", Event{Type: AppOpen, Data: struct{ K string }{"\\\xff"}}, nil, "customdata", "valid UTF-8"},
		{"a bad key", Event{Type: AppOpen, Data: map[string]any{"\xff": 1}}, nil, "customdata", "keys"},
		{"a bad key deeper", Event{Type: AppOpen, Data: map[string]any{"k": map[string]any{"\xff": 1}}}, nil, "customdata.k", "keys"},
		{"it holds itself", Event{Type: AppOpen, Data: nested}, nil, "customdata.self", "deeper than 100"},
		{"a bad number", Event{Type: AppOpen, Data: map[string]any{"k": json.Number("1.2.3")}}, nil, "customdata.k", "cannot be encoded"},
		{"an attribute NaN", Event{Type: AppOpen}, []slog.Attr{slog.Float64("score", math.NaN())}, "customdata.score", "finite"},
		{"an attribute that is a bad text", Event{Type: AppOpen}, []slog.Attr{slog.String("k", "\xff")}, "customdata.k", "valid UTF-8"},
		{"a bad attribute key", Event{Type: AppOpen}, []slog.Attr{slog.Int("\xff", 1)}, "customdata", "keys"},
		{
			"two attributes of one key",
			Event{Type: AppOpen},
			[]slog.Attr{slog.Int("k", 1), slog.Int("l", 1), slog.Int("k", 2)},
			"customdata.k", "once only",
		},
		{"two in a group", Event{Type: AppOpen}, []slog.Attr{slog.Group("g", slog.Int("k", 1), slog.Int("k", 2))}, "customdata.g.k", "once only"},
		{"an attribute that is a channel", Event{Type: AppOpen}, []slog.Attr{slog.Any("c", make(chan int))}, "customdata.c", "cannot be encoded"},
		{"groups too deep", Event{Type: AppOpen}, []slog.Attr{deep}, "customdata.g.g", "deeper than 100"},
		{"an error of its own", Event{Type: AppOpen, Data: map[string]any{"k": unwilling{}}}, nil, "customdata.k", "cannot be encoded"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, idKey := range []string{"", "eid"} {
				_, err := encodeEvent(row.event, row.attrs, idKey, "base-")
				var invalid *InvalidEventError
				require.ErrorAs(t, err, &invalid)
				if strings.HasSuffix(row.rule, "100") {
					assert.True(t, strings.HasPrefix(invalid.Field, row.field), invalid.Field)
				} else {
					assert.Equal(t, row.field, invalid.Field)
				}
				assert.Contains(t, invalid.Rule, row.rule)
				assert.Contains(t, err.Error(), "batcher: event refused: "+row.field)
			}
		})
	}
}

type unwilling struct{}

func (unwilling) MarshalJSON() ([]byte, error) { return nil, errors.New("not today") }

// TestARefusedEventAffectsNothingElse mixes events that are refused with good ones.
func TestARefusedEventAffectsNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		for i := range 50 {
			r.track("ace")
			require.Error(t, r.Player("ace").TrackAttrs(t.Context(), AppOpen, slog.Int("i", i), slog.Float64("f", math.NaN())))
			require.Error(t, r.Track(t.Context(), "ace", Event{Type: AppOpen, Data: map[string]any{"i": i, "c": make(chan int)}}))
		}
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, upTo(50), r.numbered("ace", Delivered))
		assert.True(t, json.Valid([]byte(r.service.requests()[0].body)))
		r.close()
	})
}

func TestTrackKeepsNothingOfTheCallersData(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		raw := json.RawMessage(`{"n":0}`)
		require.NoError(t, r.Track(t.Context(), "ace", Event{Type: AppOpen, Data: raw}))
		r.accepted++
		raw[5] = '9'
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, [][]int{{0}}, r.service.batches())
	})
}

func TestTrackAttrsMakesNoGarbage(t *testing.T) { //nolint:paralleltest // it counts allocations
	r, err := New(&service{players: map[string]int{}}, Config{
		GameID: game, Tokens: oneToken, Linger: time.Hour, BatchBytes: 64 << 20, MaxPlayerEvents: 1_000_000,
	})
	require.NoError(t, err)
	p := r.Player("ace")
	// Chunks of 4 kB are the only garbage: one for 25 events of this size, so that whole numbers round to none.
	assert.Zero(t, testing.AllocsPerRun(150, func() {
		if p.TrackAttrs(t.Context(), LevelCompleted, slog.String("weapon", "plasma-rifle"), slog.Int("damage", 41), slog.Bool("critical", true)) != nil {
			panic("refused")
		}
	}))
}

func TestRecordEventRoundTrip(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		event Event
	}{
		{"plain", Event{Type: AppOpen, Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)}},
		{"Custom with data", Event{
			Type: Custom, Name: `x"y`, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)),
			Data: map[string]any{"a": 1, "b": map[string]any{"c": "\ufffd<>"}},
		}},
		{"empty data", Event{Type: GameEnd, Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Data: struct{}{}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			once, err := encodeEvent(row.event, nil, "", "")
			require.NoError(t, err)
			back, err := Record{JSON: once}.Event()
			require.NoError(t, err)
			assert.Equal(t, row.event.Type, back.Type)
			assert.Equal(t, row.event.Name, back.Name)
			assert.True(t, row.event.Time.Truncate(time.Millisecond).Equal(back.Time))
			assert.Equal(t, row.event.Data == nil, back.Data == nil)
			twice, err := encodeEvent(back, nil, "", "")
			require.NoError(t, err)
			assert.JSONEq(t, string(once), string(twice))
		})
	}
	_, err := Record{JSON: []byte("{")}.Event()
	require.Error(t, err)
}

// FuzzEncoder compares the encoder with encoding/json: what it writes for any map decodes to the same as what encoding/json writes,
// and it refuses only what that one would change.
func FuzzEncoder(f *testing.F) {
	f.Add("level", "plasma \"rifle\"\n", int64(-5), 0.1, true, uint64(7), []byte{1, 2})
	f.Add("", "\ufffd\u2028<>&", int64(math.MinInt64), 1e-7, false, uint64(math.MaxUint64), []byte{})
	f.Add("a\xffb", "\xff", int64(0), math.Inf(1), false, uint64(0), []byte(`{"a":"\ufffd"}`))
	f.Add("key\\ufffd", "\\ufffd", int64(1), 1e21, false, uint64(0), []byte(`[1, {"a": null}]`))
	f.Fuzz(func(t *testing.T, key, text string, i int64, fl float64, flag bool, u uint64, raw []byte) {
		plain := map[string]any{"text": text, key: i, "float": fl, "flag": flag, "u" + key: u, "none": nil, "f32": float32(fl), "i32": int32(i)}
		nested := map[string]any{
			key: plain, "slice": []any{text, i, fl}, "struct": struct{ Text, Key string }{text, key}, "bytes": raw, "strings": []string{text},
			"attrs-less": map[string]string{key: text},
		}
		good := utf8.ValidString(key) && utf8.ValidString(text) && !math.IsNaN(fl) && !math.IsInf(fl, 0)
		// A float64 beyond the largest float32 is an infinity as one.
		good = good && !math.IsInf(float64(float32(fl)), 0)
		maps := []map[string]any{plain, nested}
		if json.Valid(raw) && utf8.Valid(raw) {
			maps = append(maps, map[string]any{"raw": json.RawMessage(raw), key: text})
		}
		for _, m := range maps {
			for _, idKey := range []string{"", "a key that nobody uses"} {
				got, err := encodeEvent(Event{Type: AppOpen, Data: m}, nil, idKey, "base-")
				if !good {
					var invalid *InvalidEventError
					if err != nil && !errors.As(err, &invalid) {
						t.Fatalf("%T", err)
					}
					if err == nil && (!utf8.ValidString(key) || !utf8.ValidString(text)) {
						t.Fatalf("accepted: %s", got)
					}
					continue
				}
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				want, err := json.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				if gotData, wantData := customData(t, got, idKey), decoded(t, want); !reflect.DeepEqual(gotData, wantData) {
					t.Fatalf("got %v\nwant %v", gotData, wantData)
				}
			}
		}
		if !good {
			return
		}
		attrs := []slog.Attr{
			slog.String("text", text), slog.Int64("i", i), slog.Float64("f", fl), slog.Bool("flag", flag), slog.Uint64("u", u),
			slog.Group("g", slog.String(key, text), slog.Any("m", plain)), slog.Any("strings", []string{text}),
		}
		want, err := json.Marshal(map[string]any{
			"text": text, "i": i, "f": fl, "flag": flag, "u": u, "g": map[string]any{key: text, "m": plain}, "strings": []string{text},
		})
		if err != nil {
			t.Fatal(err)
		}
		if key == "m" {
			return // twice in the group, which is refused
		}
		got, err := encodeEvent(Event{Type: AppOpen}, attrs, "", "")
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		if gotData, wantData := customData(t, got, ""), decoded(t, want); !reflect.DeepEqual(gotData, wantData) {
			t.Fatalf("got %v\nwant %v", gotData, wantData)
		}
	})
}

// customData decodes an encoded event's customdata, without the id under that key.
func customData(t *testing.T, event []byte, idKey string) any {
	t.Helper()
	m, ok := decoded(t, event).(map[string]any)
	if !ok {
		t.Fatalf("no object: %s", event)
	}
	data, ok := m["customdata"].(map[string]any)
	if !ok {
		t.Fatalf("no customdata: %s", event)
	}
	if idKey != "" {
		if data[idKey] != "base-1" {
			t.Fatalf("no id: %s", event)
		}
		delete(data, idKey)
	}
	return data
}

// decoded decodes JSON with its numbers as they are, but for the notation.
func decoded(t *testing.T, in []byte) any {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(string(in)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, in)
	}
	return normal(v)
}

func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return f
		}
		return v.String()
	}
	return v
}

// FuzzText compares texts with encoding/json.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n\r\t\x00\x7f", "\u2028\ufffd🎮", "\xff", "a\xc3", "\xed\xa0\x80", "</script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := appendText([]byte("before"), s)
		if ok != utf8.ValidString(s) {
			t.Fatalf("ok is %v", ok)
		}
		if !ok {
			return
		}
		var back string
		if err := json.Unmarshal(got[len("before"):], &back); err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		if back != s {
			t.Fatalf("got %q, want %q", back, s)
		}
	})
}
