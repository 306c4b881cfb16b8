package gameplay

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Strangers who guess passwords, and owners whom they do not lock out.

// logIn calls the login of a user at an address.
func (s *stage) logIn(t *testing.T, userID, address, player, password string) error {
	t.Helper()
	ctx := context.WithValue(t.Context(), runtime.RUNTIME_CTX_CLIENT_IP, address) //nolint:staticcheck // Nakama's key
	_, err := s.RPC(ctx, userID, "playsmart_login", fmt.Sprintf(`{"email":"%s@example.com","password":%q}`, player, password))
	return err
}

func TestNobodyGuessesAPassword(t *testing.T) {
	for name, test := range map[string]struct {
		user, address func(n int) string
		most          int
	}{
		"one user":          {func(int) string { return "mallory" }, func(n int) string { return fmt.Sprintf("2001:db8:%x::1", n) }, triesOfAUser},
		"users of one /64":  {func(n int) string { return fmt.Sprint("bot-", n) }, func(n int) string { return fmt.Sprintf("2001:db8:1:1::%x", n) }, triesOfANet},
		"users of one /48":  {func(n int) string { return fmt.Sprint("bot-", n) }, func(n int) string { return fmt.Sprintf("2001:db8:1:%x::1", n) }, triesOfAll},
		"users of all nets": {func(n int) string { return fmt.Sprint("bot-", n) }, func(n int) string { return fmt.Sprintf("2001:db8:%x::1", n) }, triesOfAll},
		"one IPv4 address":  {func(n int) string { return fmt.Sprint("bot-", n) }, func(int) string { return "203.0.113.66" }, triesOfANet},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				for n := range 1_000 {
					require.Error(t, s.logIn(t, test.user(n), test.address(n), "ace", fmt.Sprintf("guess-%08d", n)))
					time.Sleep(500 * time.Millisecond)
				}
				assert.Equal(t, test.most, s.playSmart.Calls("login"), "in %s", tryWindow)
				require.NoError(t, s.batcher.Flush(t.Context()))
			})
		})
	}
}

// TestAStrangerDoesNotLockAnOwnerOut: an owner who has logged in before can do so again, in the
// middle of an attack from everywhere; and after one from one network, an owner who never did.
func TestAStrangerDoesNotLockAnOwnerOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		for n := range 50 {
			require.Error(t, s.logIn(t, "mallory", "2001:db8:666::1", "ace", fmt.Sprintf("guess-%08d", n)))
		}
		require.NoError(t, s.logIn(t, "ace", "203.0.113.7", "ace", "correct-horse"), "the first login")
		for n := range 100 {
			require.Error(t, s.logIn(t, fmt.Sprint("bot-", n), fmt.Sprintf("2001:db8:%x::1", n), "ace", "guess-1234"))
			time.Sleep(100 * time.Millisecond)
		}
		require.NoError(t, s.logIn(t, "ace", "198.51.100.9", "ace", "correct-horse"), "and the next one, from another place")
		require.ErrorContains(t, s.logIn(t, "ace-2", "203.0.113.8", "ace", "correct-horse"), tooManyLogins, "who is new, waits")
		time.Sleep(tryWindow)
		require.NoError(t, s.logIn(t, "ace-2", "203.0.113.8", "ace", "correct-horse"))
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, shed := newLimits(), 0
		for n := range maxLimitKeys {
			address := fmt.Sprintf("2001:%x:%x:1::1", n>>16, n&0xffff)
			if l.take(fmt.Sprint("bot-", n), address, fmt.Sprint("account-", n), false) != nil {
				shed++
			}
			if n%400 == 0 {
				time.Sleep(time.Second)
			}
		}
		assert.Greater(t, shed, maxLimitKeys/3)
		for _, one := range []*limit{l.total, l.users, l.nets, l.wide, l.accounts} {
			assert.LessOrEqual(t, len(one.order), maxLimitKeys)
			assert.Len(t, one.counts, len(one.order))
		}
	})
}
