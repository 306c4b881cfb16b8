package main

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/playline/playline-go/batcher"
)

// conduct changes the service and the bad tokens as the plan says.
func (s *soak) conduct(ctx context.Context) error {
	outage := s.plan.Recovery - s.plan.Outage
	fail := func(kind faultKind) func() error {
		return func() error {
			f := fault{Kind: kind}
			if kind == hang { // the last one
				f.For = time.Until(s.start.Add(s.plan.Recovery))
			}
			return s.control.fault(ctx, f)
		}
	}
	acts := []act{
		{s.plan.Outage, fail(unavailable)},
		{s.plan.Outage + outage/3, fail(lose)},
		{s.plan.Outage + outage/2, fail(reset)},
		{s.plan.Outage + outage*2/3, fail(hang)},
		{s.plan.End / 2, s.cure},
	}
	slices.SortFunc(acts, func(a, b act) int { return cmp.Compare(a.at, b.at) })
	for _, a := range acts {
		select {
		case <-time.After(time.Until(s.start.Add(a.at))):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := a.do(); err != nil {
			return err
		}
	}
	return nil
}

// act is an action at a time of the soak.
type act struct {
	at time.Duration
	do func() error
}

// cure replaces the bad tokens.
func (s *soak) cure() error {
	s.out.Parked = s.batcher.Stats().Parked
	s.cured.Store(true)
	for player := range s.plan.Players {
		if s.plan.hasBadToken(player) {
			s.batcher.SetToken(userID(player), s.goodToken(userID(player)))
		}
	}
	return nil
}

// token is the token source.
func (s *soak) token(_ context.Context, user string) (batcher.Token, error) {
	player := playerOf(user)
	switch {
	case s.plan.hasShortToken(player):
		return batcher.Token{Value: batcher.Secret(s.key.issue(user, time.Now().Add(s.plan.Lifetime)))}, nil
	case s.plan.hasBadToken(player) && !s.cured.Load():
		return batcher.Token{Value: batcher.Secret(s.stale.issue(user, time.Unix(1<<40, 0)))}, nil
	}
	return s.goodToken(user), nil
}

func (s *soak) goodToken(user string) batcher.Token {
	return batcher.Token{Value: batcher.Secret(s.key.issue(user, time.Now().Add(time.Hour)))}
}

// playerOf returns the number in a user id, or -1 if it has none.
func playerOf(user string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(user, "device-"))
	if err != nil {
		return -1
	}
	return n
}
