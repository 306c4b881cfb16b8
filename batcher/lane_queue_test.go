package batcher

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLaneQueue adds and removes lanes at random, mostly in the order of their times, and compares with a sorted slice.
func TestLaneQueue(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var q laneQueue
	var in []*lane
	at := int64(0)
	for step := range 20_000 {
		switch r.IntN(5) {
		case 0, 1:
			at += r.Int64N(3)
			when := at
			if r.IntN(4) == 0 {
				when -= r.Int64N(50)
			}
			l := &lane{}
			q.add(l, when)
			in = append(in, l)
		case 2:
			if len(in) > 0 {
				n := r.IntN(len(in))
				q.remove(in[n])
				assert.Zero(t, in[n].spot)
				in = slices.Delete(in, n, n+1)
			}
		default:
			if l := q.peek(); l != nil {
				for _, other := range in {
					require.LessOrEqual(t, l.spot.at, other.spot.at, "step %d", step)
				}
				q.remove(l)
				in = slices.DeleteFunc(in, func(other *lane) bool { return other == l })
			}
		}
		require.Equal(t, len(in), q.count)
	}
	for q.peek() != nil {
		q.remove(q.peek())
	}
	assert.Nil(t, q.first)
	assert.Nil(t, q.last)
	assert.Zero(t, q.count)
}

func TestLaneQueueIsFirstInFirstOutForEqualTimes(t *testing.T) {
	t.Parallel()
	var q laneQueue
	lanes := make([]lane, 100)
	for i := range lanes {
		q.add(&lanes[i], 0)
	}
	q.remove(&lanes[40])
	for i := range lanes {
		if i != 40 {
			require.Same(t, &lanes[i], q.peek())
			q.remove(&lanes[i])
		}
	}
}

// TestALaneQueueGivesItsMemoryBack: after 100,000 lanes that came out of order have gone.
func TestALaneQueueGivesItsMemoryBack(t *testing.T) {
	t.Parallel()
	var q laneQueue
	for at := int64(100_000); at > 0; at-- {
		q.add(&lane{}, at)
	}
	for q.count > 0 {
		q.remove(q.peek())
	}
	assert.LessOrEqual(t, cap(q.others.lanes), 8)
}
