package emulator

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// The counts of the last two minutes, which the inspector draws.

func TestActivityCountsTwoMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &activity{}
		began := time.Now().Unix()
		for _, size := range []int{1, 2, 9, 10, 99, 100, 199, 200} {
			a.accepted(time.Now(), size)
		}
		for _, status := range []int{200, 202, 302, 400, 503, 0} {
			a.ended(time.Now(), PlaySmart, status)
		}
		a.ended(time.Now(), "", 404)
		seconds := a.since(0, time.Now())
		if assert.Len(t, seconds, 1) {
			s := seconds[0]
			assert.Equal(t, began, s.Unix)
			assert.Equal(t, 7, s.Requests)
			assert.Equal(t, 4, s.Failed)
			assert.Equal(t, 620, s.Events)
			assert.Equal(t, [6]int{1, 2, 1, 1, 2, 1}, s.Batches)
			assert.Equal(t, serviceSecond{6, 3}, s.services[0])
		}
		time.Sleep((activitySeconds - 1) * time.Second)
		a.ended(time.Now(), Fyno, 200)
		assert.Len(t, a.since(0, time.Now()), 2, "the first second is just there")
		assert.Len(t, a.since(began+1, time.Now()), 1)
		time.Sleep(time.Second)
		assert.Len(t, a.since(0, time.Now()), 1, "and now it is not")
		a.ended(time.Now(), Fyno, 200)
		assert.Equal(t, 1, a.since(began+activitySeconds, time.Now())[0].Requests, "its place in the ring was emptied")
		time.Sleep(time.Hour)
		assert.Empty(t, a.since(0, time.Now()))
	})
}
