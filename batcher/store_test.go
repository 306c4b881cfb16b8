package batcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// told in the order of a Store's calls.
func telling(s *memoryStore) func(Outcome) {
	return func(o Outcome) { s.note("told %s %v", o.Result, numbersOf(o.Records)) }
}

func requested(s *memoryStore, answer func(request) error) func(request) error {
	return func(r request) error {
		s.note("request %v", r.ns)
		return answer(r)
	}
}

func TestWhatTheStoreIsToldAndWhen(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		answer func(request) error
		want   []string
	}{
		{"delivered", script(), []string{"sending [0 1 2]", "request [0 1 2]", "told delivered [0 1 2]", "settled [0 1 2]"}},
		{"after failures: noted once", script(failure(Unavailable), failure(InDoubt)), []string{
			"sending [0 1 2]", "request [0 1 2]", "request [0 1 2]", "request [0 1 2]", "told delivered [0 1 2]", "settled [0 1 2]",
		}},
		{"one is bad", func(r request) error {
			if slices.Contains(r.ns, 1) {
				return failure(Invalid)
			}
			return nil
		}, []string{
			"sending [0 1 2]", "request [0 1 2]", "request [0]", "told delivered [0]", "settled [0]",
			"request [1 2]", "request [1]", "told rejected [1]", "settled [1]", "request [2]", "told delivered [2]", "settled [2]",
		}},
		{"too large", func(r request) error {
			if len(r.ns) > 2 {
				return failure(TooLarge)
			}
			return nil
		}, []string{
			"sending [0 1 2]", "request [0 1 2]", "request [0]", "told delivered [0]", "settled [0]",
			"request [1 2]", "told delivered [1 2]", "settled [1 2]",
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newMemoryStore()
			storeBubble(t, s, Config{OnOutcome: telling(s)}, func(t *testing.T, r *rig) {
				r.service.answers(requested(s, row.answer))
				for n := range 3 {
					r.track("ace")
					assert.Equal(t, []string{fmt.Sprint("append ", n)}, s.happened(), "when Track has returned")
				}
				after(5 * time.Second)
				after(time.Minute)
				assert.Equal(t, row.want, s.happened())
				assert.Empty(t, s.rest())
			})
		})
	}
}

func TestWhatTheStoreGets(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{AtMostOnce: []EventType{IAPPurchase}}, func(t *testing.T, r *rig) {
		time.Sleep(time.Second)
		r.track("ace")
		require.NoError(t, r.trackType(t.Context(), "blitz", IAPPurchase))
		rest := s.rest()
		require.Len(t, rest, 2)
		assert.Equal(t, StoredEvent{
			ID: 0, GameID: game, UserID: "ace", Accepted: bubbleStart.Add(time.Second).In(rest[0].Accepted.Location()),
			JSON: []byte(`{"type":"LevelCompleted","timestamp":"2000-01-01T00:00:01.000+00:00","customdata":{"n":0}}`),
		}, rest[0])
		assert.True(t, rest[1].Once)
		assert.Equal(t, "blitz", rest[1].UserID)
	})
}

func TestUnknownIsSettled(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{AtMostOnce: []EventType{IAPPurchase}}, func(t *testing.T, r *rig) {
		r.service.answers(script(failure(InDoubt)))
		r.track("ace")
		require.NoError(t, r.trackType(t.Context(), "ace", IAPPurchase))
		r.track("ace")
		after(time.Minute)
		assert.Equal(t, []int{1}, r.numbered("ace", Unknown))
		assert.Equal(t, []int{0, 2}, r.numbered("ace", Delivered))
		assert.Empty(t, s.rest())
	})
}

var errDisk = fmt.Errorf("the disk: %w", syscall.ENOSPC)

func TestTrackFailsWhereTheStoreDoes(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	s.fails(func(StoredEvent) error { return errDisk }, nil, nil)
	storeBubble(t, s, Config{MaxPlayerEvents: 1}, func(t *testing.T, r *rig) {
		for range 3 { // the room comes back each time
			err := r.trackType(t.Context(), "ace", AppOpen)
			require.ErrorIs(t, err, syscall.ENOSPC)
			assert.Contains(t, err.Error(), "the store does not keep the event")
			require.ErrorIs(t, r.try("ace"), syscall.ENOSPC)
		}
		assert.Equal(t, Ledger{}, r.Ledger())
		assert.Equal(t, PlayerStats{}, r.Player("ace").Stats())
		assert.Zero(t, r.Stats().PendingBytes)
		assert.Zero(t, r.Stats().Unstored)
		after(11 * time.Minute)
		assert.Zero(t, r.Stats().Players, "a player who got no event is forgotten")
		assert.Empty(t, r.service.requests())

		s.fails(nil, nil, nil)
		r.track("ace")
		after(time.Minute)
		assert.Equal(t, []int{3}, r.numbered("ace", Delivered))
	})
}

func TestMemoryOnStoreError(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{MemoryOnStoreError: true}, func(t *testing.T, r *rig) {
		r.track("ace")
		s.fails(func(StoredEvent) error { return errDisk }, nil, nil)
		r.track("ace")
		s.fails(nil, nil, nil)
		r.track("ace")
		assert.Equal(t, int64(1), r.Stats().Unstored)
		require.ErrorIs(t, r.Stats().LastError, syscall.ENOSPC)
		s.happened()
		after(time.Minute)
		assert.Equal(t, [][]int{{0, 1, 2}}, r.service.batches())
		assert.Equal(t, []string{"sending [0 1]", "settled [0 1]"}, s.happened(), "without the one that it does not have")

		s.fails(func(StoredEvent) error { return errDisk }, nil, nil)
		r.track("ace")
		after(time.Minute)
		assert.Equal(t, []int{0, 1, 2, 3}, r.numbered("ace", Delivered))
		assert.Empty(t, s.happened(), "nothing to tell")
	})
}

func TestNothingIsSentThatTheStoreDidNotNote(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{}, func(t *testing.T, r *rig) {
		s.fails(nil, func([]uint64) error { return errDisk }, nil)
		r.tracks("ace", 2)
		after(time.Minute)
		assert.Empty(t, r.service.requests())
		require.ErrorIs(t, r.Stats().LastError, syscall.ENOSPC)
		require.ErrorIs(t, r.Player("ace").Stats().LastError, syscall.ENOSPC)
		assert.Greater(t, r.Player("ace").Stats().Failures, 3)
		assert.False(t, r.Stats().Outage, "it says nothing about the service")
		s.fails(nil, nil, nil)
		require.NoError(t, r.Flush(within(t, 2*time.Minute)))
		assert.Equal(t, []int{0, 1}, r.numbered("ace", Delivered))
		assert.Equal(t, 1, r.told()[0].Attempts, "what was not sent is no attempt")
	})
}

func TestSettledFails(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	said := 0
	storeBubble(t, s, Config{Log: slog.New(logged(func(slog.Record) { said++ }))}, func(t *testing.T, r *rig) {
		s.fails(nil, nil, func([]uint64) error { return errDisk })
		r.track("ace")
		require.NoError(t, r.Flush(t.Context()))
		require.ErrorIs(t, r.Stats().LastError, syscall.ENOSPC)
		assert.Equal(t, int64(1), r.Ledger().Delivered)
		assert.Equal(t, 1, said)
		require.Len(t, s.rest(), 1)
		assert.True(t, s.rest()[0].InDoubt, "the next process sends it again")
	})
}

func TestCloseLeavesToTheStoreWhatItHas(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{Tokens: TokenFunc(func(_ context.Context, user string) (Token, error) {
		if user == "blitz" {
			return Token{}, ErrNoToken
		}
		return Token{Value: "token"}, nil
	})}, func(t *testing.T, r *rig) {
		r.tracks("ace", 2)
		r.tracks("blitz", 3)
		s.happened()
		report, err := r.Close(t.Context())
		require.NoError(t, err, "nothing is lost")
		assert.Empty(t, report.LeftOver)
		assert.Equal(t, Ledger{Accepted: 5, Delivered: 2, Spooled: 3}, report.Ledger)
		assert.Equal(t, []string{"sending [0 1]", "settled [0 1]"}, s.happened())
		rest := s.rest()
		require.Len(t, rest, 3)
		for _, e := range rest {
			assert.Equal(t, "blitz", e.UserID)
			assert.False(t, e.InDoubt)
		}
		require.ErrorIs(t, r.Track(t.Context(), "ace", Event{Type: AppOpen}), ErrClosed)
		assert.Empty(t, s.happened(), "the store is not asked")
	})
}

func TestCloseHandsBackWhatTheStoreDoesNotHave(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{
		MemoryOnStoreError: true, Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken }),
	}, func(t *testing.T, r *rig) {
		r.track("ace")
		s.fails(func(StoredEvent) error { return errDisk }, nil, nil)
		r.tracks("ace", 2)
		s.fails(nil, nil, nil)
		r.track("ace")
		report, err := r.Close(t.Context())
		require.ErrorContains(t, err, "2 events of 1 players")
		assert.Equal(t, Ledger{Accepted: 4, Returned: 2, Spooled: 2}, report.Ledger)
		require.Len(t, report.LeftOver, 1)
		assert.Equal(t, []int{1, 2}, numbersOf(report.LeftOver[0].Records))
		assert.Len(t, s.rest(), 2)
	})
}

// TestCloseDuringARequest: the sender does not heed its context, so its events may arrive after Close. They stay in the Store, in doubt.
func TestCloseDuringARequest(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error { time.Sleep(time.Minute); return nil })
		r.tracks("ace", 2)
		r.Signal(LevelEnd)
		synctest.Wait()
		var flushed error
		var wait sync.WaitGroup
		wait.Go(func() { flushed = r.Flush(t.Context()) })
		synctest.Wait()
		report, err := r.Close(within(t, time.Second))
		require.NoError(t, err)
		wait.Wait()
		require.ErrorIs(t, flushed, ErrClosed)
		assert.Equal(t, Ledger{Accepted: 2, Spooled: 2}, report.Ledger)
		time.Sleep(time.Minute)
		rest := s.rest()
		require.Len(t, rest, 2)
		assert.True(t, rest[0].InDoubt && rest[1].InDoubt)
	})
}

// TestCopiesThatOnlyThisProcessKnowsOf: the Store says of an event that it is in doubt, and not how often.
func TestCopiesThatOnlyThisProcessKnowsOf(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(answersWith(InDoubt))
		r.track("ace")
		for len(r.service.requests()) < 3 {
			after(time.Second)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		report, err := r.Close(ctx)
		require.NoError(t, err)
		n := int64(len(r.service.requests()))
		assert.Equal(t, Ledger{Accepted: 1, Spooled: 1, PossibleDuplicates: n - 1}, report.Ledger)
	})
}

// TestCloseWhileAnEventIsStored: Close comes while Append is under way, and waits for it as long as its context lasts. What is not stored
// by then was not accepted.
func TestCloseWhileAnEventIsStored(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		err      error // of Append, which takes five seconds
		memory   bool
		patience time.Duration // of Close
		busy     bool          // it has to wait for a request as well, for ten seconds
		want     error         // of Track
		ledger   Ledger
		calls    []string
	}{
		{"stored while Close sends", nil, false, time.Minute, true, nil, Ledger{Accepted: 2, Delivered: 2}, []string{"append 1", "sending [1]", "settled [1]"}},
		{"stored when nothing is to be sent", nil, false, time.Minute, false, nil, Ledger{Accepted: 2, Delivered: 2}, []string{"append 1", "sending [1]", "settled [1]"}},
		{"stored too late", nil, false, time.Second, false, ErrClosed, Ledger{Accepted: 1, Delivered: 1}, []string{"append 1", "settled [1]"}},
		{"not stored", errDisk, false, time.Minute, false, errDisk, Ledger{Accepted: 1, Delivered: 1}, []string{}},
		{"not stored while Close sends", errDisk, false, time.Minute, true, errDisk, Ledger{Accepted: 1, Delivered: 1}, []string{}},
		{"not stored, too late", errDisk, false, time.Second, false, ErrClosed, Ledger{Accepted: 1, Delivered: 1}, []string{}},
		{"not stored, but kept in memory", errDisk, true, time.Minute, false, nil, Ledger{Accepted: 2, Delivered: 2}, []string{}},
		{"not stored, and too late for the memory", errDisk, true, time.Second, false, ErrClosed, Ledger{Accepted: 1, Delivered: 1}, []string{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newMemoryStore()
			storeBubble(t, s, Config{MemoryOnStoreError: row.memory, SendTimeout: time.Minute}, func(t *testing.T, r *rig) {
				if row.busy {
					r.service.answers(func(request) error { time.Sleep(10 * time.Second); return nil })
				}
				r.track("blitz")
				s.happened()
				var wait sync.WaitGroup
				s.fails(func(StoredEvent) error { time.Sleep(5 * time.Second); return row.err }, nil, nil)
				wait.Go(func() { assert.ErrorIs(t, r.trackType(t.Context(), "ace", AppOpen), row.want) })
				synctest.Wait()
				assert.Equal(t, int64(2), r.Ledger().Pending)
				assert.Equal(t, 1, r.Player("ace").Stats().Pending)
				report, err := r.Close(within(t, row.patience))
				require.NoError(t, err)
				assert.Equal(t, row.ledger, report.Ledger)
				if row.patience == time.Second {
					assert.Equal(t, time.Second+graceAfterCancel, r.since())
				}
				wait.Wait()
				synctest.Wait()
				assert.Equal(t, row.ledger, r.Ledger(), "the report was the last word")
				calls := slices.DeleteFunc(s.happened(), func(c string) bool { return c == "sending [0]" || c == "settled [0]" })
				assert.Equal(t, row.calls, calls)
				assert.Empty(t, s.rest())
			})
		})
	}
}

// TestCloseWhileAWaitingTrackIsStored: it stood in line for room, got it, and hands its event to the Store when Close comes.
func TestCloseWhileAWaitingTrackIsStored(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		patience time.Duration
		want     error
		ledger   Ledger
	}{
		{"Close waits for it", time.Minute, nil, Ledger{Accepted: 2, Delivered: 2}},
		{"too late", time.Second, ErrClosed, Ledger{Accepted: 1, Delivered: 1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newMemoryStore()
			storeBubble(t, s, Config{MaxEvents: 1, MaxPlayerEvents: 1}, func(t *testing.T, r *rig) {
				release := make(chan struct{})
				r.service.answers(func(request) error { <-release; return nil })
				r.track("blitz")
				s.fails(func(StoredEvent) error { time.Sleep(5 * time.Second); return nil }, nil, nil)
				var wait sync.WaitGroup
				wait.Go(func() { assert.ErrorIs(t, r.trackType(t.Context(), "ace", AppOpen), row.want) })
				synctest.Wait()
				assert.Equal(t, 1, r.Stats().Waiting)
				close(release)
				synctest.Wait()
				assert.Zero(t, r.Stats().Waiting)
				report, err := r.Close(within(t, row.patience))
				require.NoError(t, err)
				assert.Equal(t, row.ledger, report.Ledger)
				wait.Wait()
				assert.Equal(t, row.ledger, r.Ledger())
			})
		})
	}
}

// TestStoringKeepsTheBounds: what is being stored counts.
func TestStoringKeepsTheBounds(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"of a player": {MaxPlayerEvents: 3}, "of all": {MaxEvents: 3, MaxPlayerEvents: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMemoryStore()
			release := make(chan struct{})
			cfg.Linger = time.Hour
			storeBubble(t, s, cfg, func(t *testing.T, r *rig) {
				release = make(chan struct{})
				var mu sync.Mutex
				now, most := 0, 0
				s.fails(func(StoredEvent) error {
					mu.Lock()
					now++
					most = max(most, now)
					mu.Unlock()
					<-release
					mu.Lock()
					now--
					mu.Unlock()
					return nil
				}, nil, nil)
				var wait sync.WaitGroup
				for range 10 {
					wait.Go(func() { assert.NoError(t, r.trackType(t.Context(), "ace", AppOpen)) })
				}
				synctest.Wait()
				assert.Equal(t, 3, most)
				assert.Equal(t, PlayerStats{Pending: 3, PendingBytes: int(r.Stats().PendingBytes)}, r.Player("ace").Stats())
				require.ErrorIs(t, r.Player("ace").TryTrack(Event{Type: AppOpen}), ErrFull)
				assert.Equal(t, int64(3), r.Ledger().Pending)
				close(release)
				wait.Wait() // nobody lingers while somebody waits for room
				assert.Less(t, r.since(), time.Hour)
				assert.LessOrEqual(t, most, 3)
				require.NoError(t, r.Flush(t.Context()))
				assert.Len(t, r.numbered("ace", Delivered), 10)
			})
		})
	}
}

// TestAnAppendThatHangs holds nobody else up, not even another event of its player.
func TestAnAppendThatHangs(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{IdleTimeout: time.Second, Linger: time.Second}, func(t *testing.T, r *rig) {
		s.fails(func(e StoredEvent) error {
			if e.UserID == "ace" {
				time.Sleep(time.Minute)
			}
			return nil
		}, nil, nil)
		var wait sync.WaitGroup
		wait.Go(func() { assert.NoError(t, r.trackType(t.Context(), "ace", AppOpen)) })
		synctest.Wait()
		r.track("blitz")
		s.fails(nil, nil, nil)
		r.track("ace")
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, [][]int{{0}}, r.service.batches("blitz"))
		assert.Equal(t, [][]int{{1}}, r.service.batches("ace"))
		assert.Less(t, r.since(), time.Second)
		after(30 * time.Second)
		assert.Equal(t, 1, r.Stats().Players, "the idle one is forgotten, the one whose event is being stored is not")
		require.NoError(t, r.Player("ace").End(t.Context()))
		assert.Equal(t, 1, r.Stats().Players)
		wait.Wait()
		after(2 * time.Second)
		assert.Equal(t, []int{1, 0}, r.numbered("ace", Delivered))
		after(10 * time.Second)
		assert.Zero(t, r.Stats().Players)
	})
}

// TestAPlayerIsForgottenWhoseEventWasNotStored: the alarm that forgets it went off while its event was being stored.
func TestAPlayerIsForgottenWhoseEventWasNotStored(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{IdleTimeout: time.Second}, func(t *testing.T, r *rig) {
		r.SetToken("ace", Token{Value: "token"})
		s.fails(func(StoredEvent) error { time.Sleep(time.Minute); return errDisk }, nil, nil)
		require.ErrorIs(t, r.trackType(t.Context(), "ace", AppOpen), syscall.ENOSPC)
		assert.Equal(t, 1, r.Stats().Players)
		after(2 * time.Second)
		assert.Zero(t, r.Stats().Players)
	})
}

func TestAppendGetsTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &waitingStore{memoryStore: newMemoryStore()}
		r := newRig(t, Config{Store: s})
		err := r.trackType(within(t, time.Second), "ace", AppOpen)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, r.since())
		assert.Equal(t, Ledger{}, r.Ledger())
		r.close()
	})
}

// waitingStore never has room.
type waitingStore struct{ *memoryStore }

func (*waitingStore) Append(ctx context.Context, _ StoredEvent) (uint64, error) {
	<-ctx.Done()
	return 0, errors.Join(errDisk, ctx.Err())
}

// TestCloseLeavesAStoreBehindThatHangs: the Store's calls end with their contexts, and one that does not heed its context is left behind.
func TestCloseLeavesAStoreBehindThatHangs(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		sending  func(ctx context.Context, release <-chan struct{}) error
		settled  func(release <-chan struct{})
		erased   bool
		longest  time.Duration
		sendings int
	}{
		"Sending, which heeds its context": {
			sending: func(ctx context.Context, _ <-chan struct{}) error { <-ctx.Done(); return ctx.Err() },
			longest: time.Second, sendings: 1,
		},
		"Sending, which does not": {
			sending: func(_ context.Context, release <-chan struct{}) error { <-release; return errDisk },
			longest: time.Second + graceAfterCancel, sendings: 1,
		},
		"Settled, of an erased player's event": {
			settled: func(release <-chan struct{}) { <-release }, erased: true,
			longest: time.Second + 2*graceAfterCancel,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				s := &hungStore{memoryStore: newMemoryStore(), release: release, sending: row.sending, settled: row.settled}
				r := newRig(t, Config{Store: s, Linger: time.Millisecond})
				r.service.answers(func(request) error { <-release; return nil })
				r.track("ace")
				after(time.Second)
				if row.erased {
					_, err := r.Erase(within(t, time.Second), "ace")
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
				start := time.Now()
				_, _ = r.Close(within(t, time.Second))
				assert.Equal(t, row.longest, time.Since(start))
				assert.Equal(t, row.sendings, s.sendings)
				close(release)
				synctest.Wait()
			})
		})
	}
}

// hungStore hangs in some of its calls.
type hungStore struct {
	*memoryStore

	release  <-chan struct{}
	sending  func(ctx context.Context, release <-chan struct{}) error
	settled  func(release <-chan struct{})
	sendings int // that hung
}

func (s *hungStore) Sending(ctx context.Context, ids []uint64) error {
	if s.sending != nil {
		s.sendings++
		return s.sending(ctx, s.release)
	}
	return s.memoryStore.Sending(ctx, ids)
}

func (s *hungStore) Settled(ctx context.Context, ids []uint64) error {
	if s.settled != nil {
		s.settled(s.release)
	}
	return s.memoryStore.Settled(ctx, ids)
}

// TestSendingEndsWithTheRequest: a Store that never notes what is to be sent holds a request up for SendTimeout, and the event is tried again.
func TestSendingEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &hungStore{memoryStore: newMemoryStore()}
		s.sending = func(ctx context.Context, _ <-chan struct{}) error { <-ctx.Done(); return ctx.Err() }
		r := newRig(t, Config{Store: s, Linger: time.Millisecond, SendTimeout: time.Second})
		r.track("ace")
		after(1100 * time.Millisecond)
		assert.Equal(t, 1, s.sendings)
		assert.ErrorIs(t, r.Stats().LastError, context.DeadlineExceeded)
		assert.Empty(t, r.service.requests(), "what the Store did not note is not sent")
		_, err := r.Close(within(t, time.Second))
		require.NoError(t, err, "the Store has it")
	})
}

// TestStoreIDs: a Sender learns which id each event of its batch has in the Store.
func TestStoreIDs(t *testing.T) {
	t.Parallel()
	collect := func(b Batch) (out []string) {
		for id, stored := range b.StoreIDs() {
			out = append(out, fmt.Sprint(id, stored))
		}
		return out
	}
	assert.Equal(t, []string{"0 false", "0 false"}, collect(NewBatch("ace", "game", Token{}, []byte("{}"), []byte("{}"))), "no Store")
	blk := &block{stored: true}
	for i := range 3 {
		blk.add([]byte("{}"), 0, false)
		if i != 1 { // with MemoryOnStoreError an event may be in memory alone
			blk.label(uint64(i) * 7)
		}
	}
	assert.Equal(t, []string{"0 true", "0 false", "14 true"}, collect(Batch{Events: 3, block: blk}))
	for range (Batch{Events: 3, block: blk}).StoreIDs() {
		break
	}
}
