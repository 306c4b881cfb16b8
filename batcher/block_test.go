package batcher

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newBlock returns a block of events, each with its number, accepted a millisecond apart; every third is at most once.
func newBlock(count int, pad func(n int) int) *block {
	b := &block{born: int64(time.Hour)}
	for n := range count {
		b.add(fmt.Appendf(nil, `{"n":%d,"pad":%q}`, n, strings.Repeat("x", pad(n))), b.born+int64(n)*int64(time.Millisecond), n%3 == 0)
	}
	return b
}

func noPad(int) int { return 0 }

func numbersIn(t *testing.T, b *block) []int {
	t.Helper()
	var out []int
	for i := range b.items() {
		out = append(out, numberOf(t, i))
	}
	return out
}

func numberOf(t *testing.T, i item) int {
	t.Helper()
	var in struct{ N int }
	require.NoError(t, json.Unmarshal(i.json, &in))
	return in.N
}

func TestBlockKeepsEventsOfEverySize(t *testing.T) {
	t.Parallel()
	for name, pad := range map[string]func(int) int{
		"small": noPad, "growing": func(n int) int { return n * 40 }, "mixed": func(n int) int { return n * 7919 % 9000 },
		"larger than any chunk": func(int) int { return 20_000 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBlock(200, pad)
			assert.Equal(t, 200, b.events)
			n, size := 0, 0
			for i := range b.items() {
				assert.Equal(t, fmt.Sprintf(`{"n":%d,"pad":%q}`, n, strings.Repeat("x", pad(n))), string(i.json))
				assert.Equal(t, b.born+int64(n)*int64(time.Millisecond), i.accepted)
				assert.Equal(t, n%3 == 0, i.once)
				assert.Equal(t, len(i.json), cap(i.json), "appending to it must not reach the next one")
				size += len(i.json)
				n++
			}
			assert.Equal(t, 200, n)
			assert.Equal(t, size, b.bytes)
		})
	}
}

func TestBlockOfOneEventIsSmall(t *testing.T) {
	t.Parallel()
	b := newBlock(1, noPad)
	assert.Empty(t, b.full)
	assert.Equal(t, 512, cap(b.last.json))
	b = newBlock(1, func(int) int { return 20_000 })
	assert.Empty(t, b.full)
	assert.Less(t, cap(b.last.json), 20_100)
	b = newBlock(1, func(int) int { return 600 })
	assert.Equal(t, 1024, cap(b.last.json))
}

func TestAnEventThatSeemsOlderThanItsBlockIsAsOld(t *testing.T) {
	t.Parallel()
	b := &block{born: 1000}
	b.add([]byte(`{}`), 10, false)
	for i := range b.items() {
		assert.Equal(t, int64(1000), i.accepted)
	}
}

// TestEventsOfAPlayerWhoIsParkedForMonthsKeepTheirTimes: an event's age within its block has 32 bits of milliseconds.
func TestEventsOfAPlayerWhoIsParkedForMonthsKeepTheirTimes(t *testing.T) {
	t.Parallel()
	const month = 30 * 24 * time.Hour
	var kept, told []time.Time
	bubble(t, Config{
		Tokens:    TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken }),
		OnOutcome: func(o Outcome) { told = append(told, times(o.Records)...) },
	}, func(t *testing.T, r *rig) {
		for range 5 {
			r.track("ace")
			kept = append(kept, time.Now())
			after(month)
		}
		r.SetToken("ace", Token{Value: "fresh"})
		require.NoError(t, r.Flush(t.Context()))
		require.Len(t, told, 5)
		for i := range kept {
			assert.WithinDuration(t, kept[i], told[i], 0, "event %d", i+1)
		}
	})
}

func times(records []Record) (out []time.Time) {
	for _, r := range records {
		out = append(out, r.Accepted)
	}
	return out
}

func TestBlockBody(t *testing.T) {
	t.Parallel()
	b := &block{}
	b.add([]byte(`{"a":1}`), 0, false)
	assert.Equal(t, `{"events":[{"a":1}]}`, string(b.appendTo([]byte(`{"events":[`))))
	b.add([]byte(`{"b":2}`), 0, true)
	body := b.appendTo([]byte(`{"events":[`))
	assert.Equal(t, `{"events":[{"a":1},{"b":2}]}`, string(body))
	assert.Equal(t, `{"events":[{"a":1},{"b":2}]}`, string(b.appendTo([]byte(`{"events":[`))), "identical, any number of times")
	b.last.json[0] = 'X'
	assert.NotContains(t, string(body), "X", "a copy, the sender's own")
	assert.Equal(t, len(body)-len(`{"events":[`), b.size())
}

func TestBlockItemsStopsEarly(t *testing.T) {
	t.Parallel()
	n := 0
	for range newBlock(10, noPad).items() {
		if n++; n == 3 {
			break
		}
	}
	assert.Equal(t, 3, n)
}

func TestBlockPart(t *testing.T) {
	t.Parallel()
	b := newBlock(100, func(n int) int { return n * 31 % 500 })
	b.attempts, b.doubts = 5, 2
	p := b.part(func(n int, _ item) bool { return n%10 == 7 })
	assert.Equal(t, []int{7, 17, 27, 37, 47, 57, 67, 77, 87, 97}, numbersIn(t, p))
	assert.True(t, p.sealed)
	assert.Equal(t, 5, p.attempts)
	assert.Equal(t, 2, p.doubts)
	assert.Equal(t, b.born+7*int64(time.Millisecond), p.born, "that of its first event")
	for i := range p.items() {
		n := numberOf(t, i)
		assert.Equal(t, b.born+int64(n)*int64(time.Millisecond), i.accepted)
	}
	assert.Nil(t, b.part(func(int, item) bool { return false }))
	assert.Equal(t, 100, b.events, "the block itself is not changed")
}

func TestLaneCut(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		first func(n int, i item) bool
		want  [][]int
	}{
		{"in two", func(n int, _ item) bool { return n < 2 }, [][]int{{0, 1}, {2, 3, 4}, {9}}},
		{"by kind", func(_ int, i item) bool { return i.once }, [][]int{{0, 3}, {1, 2, 4}, {9}}},
		{"all", func(int, item) bool { return true }, [][]int{{0, 1, 2, 3, 4}, {9}}},
		{"none", func(int, item) bool { return false }, [][]int{{0, 1, 2, 3, 4}, {9}}},
	} {
		for _, alone := range []bool{false, true} {
			t.Run(fmt.Sprint(row.name, ", alone: ", alone), func(t *testing.T) {
				t.Parallel()
				l := &lane{head: newBlock(5, noPad)}
				bar := newBarrier()
				l.head.barriers = []*barrier{bar}
				l.tail = l.head
				want := row.want
				if alone {
					want = want[:len(want)-1]
				} else {
					l.tail = &block{}
					l.tail.add([]byte(`{"n":9}`), 0, false)
					l.head.next = l.tail
				}
				l.cutLocked(row.first)
				var got [][]int
				var last *block
				for b := l.head; b != nil; b = b.next {
					got = append(got, numbersIn(t, b))
					last = b
				}
				assert.Equal(t, want, got)
				assert.Same(t, last, l.tail)
				at := len(want) - 1
				if !alone {
					at--
				}
				b := l.head
				for i := range want {
					if i == at {
						assert.Equal(t, []*barrier{bar}, b.barriers, "waits for the last of them")
					} else {
						assert.Empty(t, b.barriers)
					}
					b = b.next
				}
			})
		}
	}
}

func TestBlockHalf(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		sizes []int
		want  int
	}{
		{"two alike", []int{10, 10}, 1},
		{"four alike", []int{10, 10, 10, 10}, 2},
		{"a large first", []int{1000, 10, 10, 10}, 1},
		{"a large last", []int{10, 10, 10, 1000}, 3},
		{"a large one in the middle", []int{10, 10, 1000, 10, 10}, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBlock(len(row.sizes), func(n int) int { return row.sizes[n] })
			at := b.half()
			assert.Equal(t, row.want, at)
			assert.Positive(t, at, "both sides have events")
			assert.Less(t, at, b.events)
		})
	}
}

func TestBlockRecords(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	b := newBlock(3, noPad)
	lent, copied := b.records(base, false), b.records(base, true)
	assert.Equal(t, lent, copied)
	assert.Equal(t, base.Add(time.Hour+2*time.Millisecond), copied[2].Accepted)
	b.last.json[0] = 'X'
	assert.Equal(t, byte('X'), lent[0].JSON[0], "lent for the time of a callback")
	assert.Equal(t, byte('{'), copied[0].JSON[0])
}
