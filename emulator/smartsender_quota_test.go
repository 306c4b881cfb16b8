package emulator

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listUnderQuota asks for the contacts as the core does and returns the status and what is
// announced of the quota.
func listUnderQuota(t *testing.T, s *smartSender, authorization string) (status int, left string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/smartsender/v1/contacts", nil)
	r.Header.Set("Authorization", authorization)
	if _, refusal := s.authorize(r, "listContacts"); refusal != nil {
		return refusal.status, refusal.header.Get("X-Rate-Limit")
	}
	answer := s.handle(&call{operation: "listContacts"})
	return answer.status, answer.header.Get("X-Rate-Limit")
}

func TestSmartSenderQuotaLocksLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const token = "Bearer " + SmartSenderToken
		_, s := newSmartSenderTest(t, WithSmartSenderQuota(2))
		wantStatus := func(want int, left string) {
			t.Helper()
			status, announced := listUnderQuota(t, s, token)
			require.Equal(t, want, status)
			require.Equal(t, left, announced)
		}
		wantStatus(http.StatusOK, "1")
		status, _ := listUnderQuota(t, s, "Bearer wrong")
		assert.Equal(t, http.StatusUnauthorized, status, "who is refused spends nothing")
		wantStatus(http.StatusOK, "0")
		assert.Equal(t, "0", s.invalid("listContacts", violation{field: "query.page", rule: "x"}).header.Get("X-Rate-Limit"))
		time.Sleep(time.Minute)
		wantStatus(http.StatusOK, "1")
		wantStatus(http.StatusOK, "0")

		wantStatus(http.StatusTooManyRequests, "0")
		time.Sleep(time.Minute)
		wantStatus(http.StatusOK, "1") // the first lock is 60 s
		wantStatus(http.StatusOK, "0")
		wantStatus(http.StatusTooManyRequests, "0")
		time.Sleep(59 * time.Second)
		wantStatus(http.StatusTooManyRequests, "0") // into the lock: 120 s in all
		time.Sleep(60 * time.Second)
		wantStatus(http.StatusTooManyRequests, "0") // again: 180 s
		time.Sleep(61 * time.Second)
		wantStatus(http.StatusOK, "1")
		wantStatus(http.StatusOK, "0")

		for range 50 {
			wantStatus(http.StatusTooManyRequests, "0")
		}
		time.Sleep(12*time.Minute - time.Nanosecond)
		wantStatus(http.StatusTooManyRequests, "0")
		time.Sleep(time.Nanosecond)
		wantStatus(http.StatusOK, "1") // 720 s at most
	})
}

func TestSmartSenderHasNoQuotaUnlessAsked(t *testing.T) {
	for _, with := range [][]Option{nil, {WithSmartSenderQuota(0)}, {WithSmartSenderQuota(-1)}} {
		_, s := newSmartSenderTest(t, with...)
		for range 200 {
			status, left := listUnderQuota(t, s, "Bearer "+SmartSenderToken)
			require.Equal(t, http.StatusOK, status)
			require.Empty(t, left)
		}
	}
}
