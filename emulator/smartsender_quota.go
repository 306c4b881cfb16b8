package emulator

import (
	"net/http"
	"strconv"
	"time"
)

// SmartSender's limit, and the lock that grows for whoever goes over it.

const (
	quotaWindow = time.Minute
	quotaLock   = time.Minute      // for the first request over the quota, and once more for each further one
	longestLock = 12 * time.Minute // however many there are
)

// smartSenderQuota counts the project's requests of the running minute and locks the project when
// there are too many.
type smartSenderQuota struct {
	perMinute int // 0: no limit
	started   time.Time
	used      int
	over      int // requests over the quota since the lock began
	lockedAt  time.Time
}

// take spends one request at now. It returns how long the project is locked, 0 where the request
// may pass. A request into a lock is over the quota as well, and makes the lock longer.
func (q *smartSenderQuota) take(now time.Time) time.Duration {
	if q.perMinute == 0 {
		return 0
	}
	if q.over > 0 && !now.Before(q.unlockedAt()) {
		*q = smartSenderQuota{perMinute: q.perMinute}
	}
	if q.over == 0 && now.Sub(q.started) >= quotaWindow {
		q.started, q.used = now, 0
	}
	if q.over == 0 && q.used < q.perMinute {
		q.used++
		return 0
	}
	if q.over == 0 {
		q.lockedAt = now
	}
	q.over++
	return q.unlockedAt().Sub(now)
}

func (q *smartSenderQuota) unlockedAt() time.Time {
	return q.lockedAt.Add(min(time.Duration(q.over)*quotaLock, longestLock))
}

// header announces what is left of the minute, where there is a quota.
func (q *smartSenderQuota) header() http.Header {
	if q.perMinute == 0 {
		return nil
	}
	return http.Header{"X-Rate-Limit": {strconv.Itoa(max(q.perMinute-q.used, 0))}}
}
