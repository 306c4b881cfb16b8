package batcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a failure does.

func TestARepeatedBatchHasIdenticalBytes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		err  error
		dups int64
	}{
		{"not sent", failure(NotSent), 0},
		{"503", failure(Unavailable), 0},
		{"429", failure(Throttled), 0},
		{"in doubt", failure(InDoubt), 3},
		{"an error that says nothing is in doubt", errors.New("what was that"), 3},
		{"wrapped", fmt.Errorf("sending: %w", failure(NotSent)), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{EventIDKey: "eid"}, func(t *testing.T, r *rig) {
				r.service.answers(script(row.err))
				r.tracks("ace", 3)
				after(5 * time.Second)
				assert.Equal(t, int64(3), r.Ledger().Pending)
				r.tracks("ace", 2) // go into the next batch
				after(time.Minute)
				got := r.service.requests()
				require.Len(t, got, 3)
				assert.Equal(t, got[0].body, got[1].body)
				assert.GreaterOrEqual(t, got[1].at, 5250*time.Millisecond)
				assert.LessOrEqual(t, got[1].at, 5500*time.Millisecond)
				assert.Equal(t, []int{3, 4}, got[2].ns)
				assert.Equal(t, 10*time.Second, got[2].at, "its linger")
				assert.Equal(t, row.dups, r.Ledger().PossibleDuplicates)
				told := r.told()
				assert.Equal(t, 2, told[0].Attempts)
				assert.Equal(t, row.dups > 0, told[0].Dups)
				assert.Equal(t, 1, told[1].Attempts)
				assert.False(t, told[1].Dups)
			})
		})
	}
}

func TestTheBodyOfARequest(t *testing.T) {
	t.Parallel()
	bubble(t, Config{GameID: `com."x"`, EventIDKey: "eid"}, func(t *testing.T, r *rig) {
		r.idBase = "base-"
		user := "ace\n\"1\""
		require.NoError(t, r.trackType(t.Context(), user, LevelCompleted))
		require.NoError(t, r.trackType(t.Context(), user, Custom))
		after(5 * time.Second)
		assert.Equal(t, `{"user_id":"ace\n\"1\"","game_id":"com.\"x\"","events":[`+
			`{"type":"LevelCompleted","timestamp":"2000-01-01T00:00:00.000+00:00","customdata":{"n":0,"eid":"base-1"}},`+
			`{"type":"Custom","customEventName":"boss_defeated","timestamp":"2000-01-01T00:00:00.000+00:00","customdata":{"n":1,"eid":"base-2"}}]}`,
			r.service.requests()[0].body)
	})
}

func TestPausesGrowWithJitterUpToAMinute(t *testing.T) {
	t.Parallel()
	bubble(t, Config{BatchEvents: 1}, func(t *testing.T, r *rig) {
		// 429 of one player: the gate stays open.
		r.service.answers(answersWith(Throttled))
		r.track("ace")
		after(time.Hour)
		times := r.service.times()
		require.Greater(t, len(times), 20)
		seen := map[time.Duration]bool{}
		for i := range len(times) - 1 {
			pause, ceiling := times[i+1]-times[i], min(lanePause<<min(i, 10), laneMaxPause)
			assert.GreaterOrEqual(t, pause, ceiling/2, "pause %d", i)
			assert.LessOrEqual(t, pause, ceiling, "pause %d", i)
			seen[pause] = true
		}
		assert.Greater(t, len(seen), 15, "jitter")
		r.service.answers(nil)
		after(time.Minute)
		r.service.answers(script(failure(Throttled)))
		r.track("ace")
		after(time.Second)
		times = r.service.times()
		assert.LessOrEqual(t, times[len(times)-1]-times[len(times)-2], lanePause, "begins anew after a success")
	})
}

func TestRetryAfterIsAFloorAndCapped(t *testing.T) {
	t.Parallel()
	for _, f := range []Failure{Throttled, Unavailable, NotSent, InDoubt} {
		for _, row := range []struct{ asked, want time.Duration }{
			{10 * time.Second, 10 * time.Second},
			{time.Minute, time.Minute},
			{2 * time.Minute, 2 * time.Minute},
			{24 * time.Hour, 2 * time.Minute},
			{time.Duration(1<<63 - 1), 2 * time.Minute},
		} {
			t.Run(fmt.Sprint(f, " ", row.asked), func(t *testing.T) {
				t.Parallel()
				bubble(t, Config{MaxRetryAfter: 2 * time.Minute}, func(t *testing.T, r *rig) {
					r.service.answers(script(&SendError{Failure: f, RetryAfter: row.asked, Err: errors.New("scripted")}))
					r.track("ace")
					after(time.Hour)
					assert.Equal(t, []time.Duration{5 * time.Second, 5*time.Second + row.want}, r.service.times())
				})
			})
		}
		t.Run(fmt.Sprint(f, " shorter than the pause, and negative"), func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{}, func(t *testing.T, r *rig) {
				r.service.answers(script(&SendError{Failure: f, RetryAfter: time.Millisecond, Err: errors.New("scripted")}, nil, &SendError{Failure: f, RetryAfter: -time.Hour, Err: errors.New("scripted")}))
				for range 2 {
					r.track("ace")
					after(time.Minute)
				}
				times := r.service.times()
				require.Len(t, times, 4)
				assert.GreaterOrEqual(t, times[1]-times[0], lanePause/2)
				assert.GreaterOrEqual(t, times[3]-times[2], lanePause/2)
			})
		})
	}
}

func TestA400IsolatesExactlyTheBadEvents(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		events int
		bad    []int
		most   int // requests
	}{
		{"the only one", 1, []int{0}, 1},
		{"the first of two", 2, []int{0}, 3},
		{"the first of 200", 200, []int{0}, 2*8 + 1},
		{"the last of 200", 200, []int{199}, 2*8 + 1},
		{"one in the middle", 200, []int{117}, 2*8 + 1},
		{"two", 200, []int{3, 150}, 4*8 + 1},
		{"neighbours", 200, []int{99, 100}, 4*8 + 1},
		{"all of seven", 7, upTo(7), 13},
		{"none", 200, nil, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{}, func(t *testing.T, r *rig) {
				r.service.answers(func(q request) error {
					for _, n := range q.ns {
						if slices.Contains(row.bad, n) {
							return failure(Invalid)
						}
					}
					return nil
				})
				r.tracks("ace", row.events)
				require.NoError(t, r.Flush(t.Context()))
				good := slices.DeleteFunc(upTo(row.events), func(n int) bool { return slices.Contains(row.bad, n) })
				assert.ElementsMatch(t, row.bad, r.numbered("ace", Rejected))
				if len(good) > 0 {
					assert.Equal(t, good, r.numbered("ace", Delivered))
				}
				assert.LessOrEqual(t, len(r.service.requests()), row.most)
				for _, o := range r.told() {
					if o.Result == Rejected {
						assert.Len(t, o.Ns, 1)
						assert.Equal(t, Invalid, failureOf(o.Err).Failure)
					} else {
						require.NoError(t, o.Err)
					}
				}
				assert.Zero(t, r.since(), "without a pause")
				assert.Zero(t, r.Ledger().PossibleDuplicates)
			})
		})
	}
}

func TestA413HalvesByBytes(t *testing.T) {
	t.Parallel()
	bubble(t, Config{EventBytes: 1 << 20}, func(t *testing.T, r *rig) {
		const limit = 4000
		r.service.answers(func(q request) error {
			if len(q.body) > limit {
				return failure(TooLarge)
			}
			return nil
		})
		total := 0
		for i := range 40 {
			size := 50
			switch {
			case i == 5:
				size = 10_000 // alone too large
			case i > 20:
				size = 500
			}
			total += size
			require.NoError(t, r.Track(t.Context(), "ace", Event{Type: AppOpen, Data: map[string]any{"n": i, "pad": string(slices.Repeat([]byte("x"), size))}}))
			r.accepted++
		}
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, []int{5}, r.numbered("ace", Rejected))
		assert.Equal(t, slices.Delete(upTo(40), 5, 6), r.numbered("ace", Delivered))
		assert.LessOrEqual(t, len(r.service.requests()), 4*bits.Len(uint(total/limit))+16)
	})
}

// TestA413CutsWhereTheBytesAre: cut by number it would take two more requests to get rid of the large one.
func TestA413CutsWhereTheBytesAre(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			if len(q.ns) > 1 && len(q.body) > 4000 {
				return failure(TooLarge)
			}
			return nil
		})
		for i := range 20 {
			size := 50
			if i == 0 {
				size = 5000
			}
			require.NoError(t, r.Track(t.Context(), "ace", Event{Type: AppOpen, Data: map[string]any{"n": i, "pad": string(slices.Repeat([]byte("x"), size))}}))
			r.accepted++
		}
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, [][]int{upTo(20), {0}, from(1, 19)}, r.service.batches("ace"))
	})
}

func TestInDoubtAtLeastOnceCountsThePossibleDuplicates(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(script(failure(InDoubt), failure(NotSent), failure(InDoubt)))
		r.tracks("ace", 10)
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, int64(20), r.Ledger().PossibleDuplicates, "two copies of each may be stored besides")
		assert.True(t, r.told()[0].Dups)
		assert.Equal(t, int64(10), r.Ledger().Delivered)
	})
}

func TestADoubtIsCountedForEveryPartOfABatch(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		first := true
		r.service.answers(func(q request) error {
			if first {
				first = false
				return failure(InDoubt)
			}
			if slices.Contains(q.ns, 3) {
				return failure(Invalid)
			}
			return nil
		})
		r.tracks("ace", 10)
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, int64(9), r.Ledger().PossibleDuplicates, "of the delivered ones")
		for _, o := range r.told() {
			assert.True(t, o.Dups)
			assert.Greater(t, o.Attempts, 1)
		}
	})
}

func TestAtMostOnce(t *testing.T) {
	t.Parallel()
	// The events of a batch by type: C is at most once, a at least once.
	for _, row := range []struct {
		name    string
		types   string
		failure error
		unknown []int
	}{
		{"alone", "C", failure(InDoubt), []int{0}},
		{"all", "CCC", failure(InDoubt), upTo(3)},
		{"mixed", "aCaaCa", failure(InDoubt), []int{1, 4}},
		{"first", "Ca", failure(InDoubt), []int{0}},
		{"last", "aC", failure(InDoubt), []int{1}},
		{"none of them", "aaa", failure(InDoubt), nil},
		{"any error is in doubt", "aC", errors.New("connection reset"), []int{1}},
		{"surely not stored", "aCa", failure(NotSent), nil},
		{"503", "aCa", failure(Unavailable), nil},
		{"429", "aCa", throttled(time.Second), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{AtMostOnce: []EventType{LevelCompleted, IAPPurchase}}, func(t *testing.T, r *rig) {
				r.service.answers(script(row.failure))
				for _, c := range row.types {
					kind := AppOpen
					if c == 'C' {
						kind = IAPPurchase
					}
					require.NoError(t, r.trackType(t.Context(), "ace", kind))
				}
				require.NoError(t, r.Flush(t.Context()))
				assert.Equal(t, row.unknown, r.numbered("ace", Unknown))
				rest := slices.DeleteFunc(upTo(len(row.types)), func(n int) bool { return slices.Contains(row.unknown, n) })
				assert.ElementsMatch(t, rest, r.numbered("ace", Delivered))
				assert.True(t, slices.IsSorted(r.numbered("ace", Delivered)))
				sent := map[int]int{}
				for _, ns := range r.service.batches() {
					for _, n := range ns {
						sent[n]++
					}
				}
				for _, n := range row.unknown {
					assert.Equal(t, 1, sent[n], "sent once")
				}
				for _, o := range r.told() {
					if o.Result == Unknown {
						assert.Equal(t, failureOf(row.failure).Failure, failureOf(o.Err).Failure)
						assert.Equal(t, 1, o.Attempts)
					}
				}
			})
		})
	}
}

func TestEventIDsAreStableAndUnique(t *testing.T) {
	t.Parallel()
	bubble(t, Config{EventIDKey: "eid", BatchEvents: 10}, func(t *testing.T, r *rig) {
		// Doubt, bisection, probes: every event travels many times.
		n := 0
		r.service.answers(func(request) error {
			r.service.mu.Lock()
			defer r.service.mu.Unlock()
			n++
			switch n % 4 {
			case 0:
				return nil
			case 1:
				return failure(InDoubt)
			case 2:
				return failure(TooLarge)
			default:
				return failure(Unavailable)
			}
		})
		r.tracks("ace", 50)
		r.tracks("blitz", 50)
		after(time.Hour)
		ids := map[string]string{} // by player and number
		owner := map[string]string{}
		for _, q := range r.service.requests() {
			var in struct {
				Events []struct {
					CustomData struct {
						N   int    `json:"n"`
						EID string `json:"eid"`
					} `json:"customdata"`
				} `json:"events"`
			}
			require.NoError(t, json.Unmarshal([]byte(q.body), &in))
			for _, e := range in.Events {
				who := fmt.Sprint(q.user, e.CustomData.N)
				require.NotEmpty(t, e.CustomData.EID)
				if old, seen := ids[who]; seen {
					require.Equal(t, old, e.CustomData.EID, who)
				}
				ids[who] = e.CustomData.EID
				if old, seen := owner[e.CustomData.EID]; seen {
					require.Equal(t, old, who)
				}
				owner[e.CustomData.EID] = who
			}
		}
		assert.Len(t, ids, 100)
	})
}

func TestEventIDKey(t *testing.T) {
	t.Parallel()
	bubble(t, Config{EventIDKey: "eid"}, func(t *testing.T, r *rig) {
		r.idBase = "base-"
		for _, row := range []struct {
			name string
			data any
			want string // customdata, "" where it is refused
		}{
			{"nothing", nil, `{"eid":"base-1"}`},
			{"empty", map[string]any{}, `{"eid":"base-2"}`},
			{"a map", map[string]any{"a": 1}, `{"a":1,"eid":"base-3"}`},
			{"raw", json.RawMessage(" { } "), `{"eid":"base-4"}`},
			{"the key is deeper", map[string]any{"a": map[string]any{"eid": 1}}, `{"a":{"eid":1},"eid":"base-5"}`},
			{"the key as a value", map[string]any{"a": "eid"}, `{"a":"eid","eid":"base-6"}`},
			{"its own id", map[string]any{"eid": "other-1"}, `{"eid":"other-1"}`},
			{"its own id, escaped", json.RawMessage(`{"\u0065id":"other-1"}`), `{"\u0065id":"other-1"}`},
			{"an empty id", map[string]any{"eid": ""}, ""},
			{"a number", map[string]any{"eid": 7}, ""},
			{"a number, escaped", json.RawMessage(`{"\u0065id":7}`), ""},
			{"null", map[string]any{"eid": nil}, ""},
		} {
			err := r.Track(t.Context(), row.name, Event{Type: AppOpen, Data: row.data})
			if row.want == "" {
				var invalid *InvalidEventError
				require.ErrorAs(t, err, &invalid, row.name)
				assert.Equal(t, "customdata.eid", invalid.Field)
				continue
			}
			require.NoError(t, err, row.name)
			r.accepted++
			require.NoError(t, r.Player(row.name).Flush(t.Context()))
			var in struct {
				Events []struct {
					CustomData json.RawMessage `json:"customdata"`
				} `json:"events"`
			}
			require.NoError(t, json.Unmarshal([]byte(r.service.requests(row.name)[0].body), &in))
			assert.Equal(t, row.want, string(in.Events[0].CustomData), row.name)
		}
	})
}

func TestAReturnedRecordCanBeTrackedAgain(t *testing.T) {
	t.Parallel()
	bubble(t, Config{EventIDKey: "eid"}, func(t *testing.T, r *rig) {
		old, err := New(&service{answer: answersWith(Forbidden), players: map[string]int{}}, Config{GameID: game, Tokens: oneToken, EventIDKey: "eid"})
		require.NoError(t, err)
		require.NoError(t, old.Track(t.Context(), "ace", Event{Type: Custom, Name: "combo", Data: map[string]any{"n": 7}}))
		report, err := old.Close(t.Context())
		require.Error(t, err)
		record := report.LeftOver[0].Records[0]
		e, err := record.Event()
		require.NoError(t, err)
		require.NoError(t, r.Track(t.Context(), "ace", e))
		r.accepted++
		require.NoError(t, r.Flush(t.Context()))
		assert.Contains(t, r.service.requests()[0].body, string(record.JSON), "with its id, type and time")
	})
}

func TestSendErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection refused")
	err := error(&SendError{Failure: NotSent, Err: cause})
	require.ErrorIs(t, err, cause)
	require.EqualError(t, err, "batcher: not sent: connection refused")
	assert.Equal(t, "in doubt", InDoubt.String())
	assert.Equal(t, "too large", TooLarge.String())
	assert.Equal(t, "unknown failure", (TooLarge + 1).String())
	assert.Equal(t, "delivered", Delivered.String())
	assert.Equal(t, "returned", Returned.String())
	assert.Equal(t, "no result", results.String())
	assert.Nil(t, failureOf(nil))
}
