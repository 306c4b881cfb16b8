package transport

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestJWTWhenTheWallClockIsSet moves the wall time at which the token was issued, because a test
// cannot set the clock of a bubble. The effect is the same.
func TestJWTWhenTheWallClockIsSet(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		set     time.Duration // the wall clock, forward, right after the token was signed
		later   time.Duration // time that passes after that
		renewed bool
	}{
		{"not set", 0, 0, false},
		{"not set, renewed after four minutes", 0, 4 * time.Minute, true},
		{"forward by hours: the token has ended", 3 * time.Hour, 0, true},
		{"forward by as much as a token is kept", 4 * time.Minute, 0, true},
		{"forward by less: it holds", 4*time.Minute - time.Second, 0, false},
		{"forward by less, and the rest passes", 3 * time.Minute, time.Minute, true},
		{"back by hours: the token was issued in the future", -3 * time.Hour, 0, true},
		{"back by hours, some minutes later", -3 * time.Hour, 3 * time.Minute, true},
		{"back by a second", -time.Second, 0, true},
		{"back by a second, noticed after a second: it holds", -time.Second, time.Second, false},
		{"back by a minute: the monotonic clock ends it", -time.Minute, 4 * time.Minute, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				auth := NewJWT("key-1", "secret", "app")
				sign := func() string {
					h := http.Header{}
					require.NoError(t, auth.Sign(t.Context(), h))
					return strings.TrimPrefix(h.Get("Authorization"), "Bearer ")
				}
				first := sign()
				auth.issued = auth.issued.Add(-row.set)
				issuedFirst := auth.issued
				time.Sleep(row.later)
				second := sign()
				assert.Equal(t, row.renewed, !auth.issued.Equal(issuedFirst))
				if !row.renewed {
					assert.Equal(t, first, second)
					return
				}
				assert.Equal(t, time.Now().Round(0), auth.issued)
				token, err := jwt.Parse(second, func(*jwt.Token) (any, error) { return []byte("secret"), nil }, jwt.WithIssuedAt())
				require.NoError(t, err)
				issued, err := token.Claims.GetIssuedAt()
				require.NoError(t, err)
				assert.Equal(t, time.Now().Unix(), issued.Unix())
				for range 3 {
					assert.Equal(t, second, sign(), "and kept then: not signed anew with every call")
				}
			})
		})
	}
}
