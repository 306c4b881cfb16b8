package batcher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/playline/playline-go/batcher"
)

// modelAnswer is how the service treats a request.
type modelAnswer int

const (
	answers modelAnswer = iota
	losesBefore
	losesAfter
	isAway
	throttles
	throttlesFor
	unavailable
	unavailableFor
	distrusts
	forbids
	hangs
	hangsAfter
	modelAnswers
)

// modelWeather is how the service answers for some time.
type modelWeather struct {
	until  time.Duration // since the beginning
	answer modelAnswer   // of all requests; modelAnswers: at random
	faults int           // of 100 random answers, so many are not good
}

// modelService is the service: it stores events, or fails as the seed says.
type modelService struct {
	model   *model
	weather []modelWeather
	latency time.Duration
	limit   int // bytes of a body

	// The following is guarded by model.mu.
	requests map[string]int
	stored   map[string][]*modelEvent
}

func newModelService(m *model) *modelService {
	r := m.rand("weather", 0)
	s := &modelService{model: m, requests: map[string]int{}, stored: map[string][]*modelEvent{}, limit: 1 << 20}
	s.latency = []time.Duration{0, time.Millisecond, 200 * time.Millisecond, 3 * time.Second}[r.IntN(4)]
	if r.IntN(4) == 0 {
		s.limit = 300 + r.IntN(8000)
	}
	at := time.Duration(0)
	for range 8 {
		at += time.Duration(r.Int64N(int64(10 * time.Second)))
		w := modelWeather{until: at, answer: modelAnswers, faults: []int{0, 5, 30, 80}[r.IntN(4)]}
		if r.IntN(4) == 0 {
			w.answer = modelAnswer(r.IntN(int(modelAnswers)))
		}
		s.weather = append(s.weather, w)
	}
	return s
}

// draw decides how a request is treated. model.mu is held.
func (s *modelService) draw(r *rand.Rand) modelAnswer {
	if s.model.healed {
		return answers
	}
	w := modelWeather{answer: modelAnswers, faults: 10}
	for _, w = range s.weather {
		if time.Since(s.model.began) < w.until {
			break
		}
	}
	switch {
	case w.answer != modelAnswers:
		return w.answer
	case r.IntN(100) < w.faults:
		return modelAnswer(r.IntN(int(modelAnswers)))
	}
	return answers
}

// Send implements batcher.Sender.
func (s *modelService) Send(ctx context.Context, batch batcher.Batch) (batcher.Receipt, error) {
	m := s.model
	m.mu.Lock()
	m.enter(batch.UserID, "a request")
	if m.erasures[batch.UserID].lasts() {
		m.failed("a request of %s, which is erased", batch.UserID)
	}
	s.requests[batch.UserID]++
	r := m.rand("request/"+batch.UserID, s.requests[batch.UserID])
	events := s.read(batch)
	answer := s.draw(r)
	process := m.process
	m.mu.Unlock()

	err := s.answer(ctx, r, batch, events, answer)

	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process != process {
		return batcher.Receipt{}, err
	}
	failed, known := errors.AsType[*batcher.SendError](err)
	for _, e := range events {
		e.attempts++
		if err != nil && (!known || failed.Failure == batcher.InDoubt) {
			e.doubts++
		}
	}
	m.leave(batch.UserID)
	m.note("%s: request of %d events from %d, answer %d: %v", batch.UserID, len(events), modelFirst(events), answer, err)
	return batcher.Receipt{}, err
}

func modelFirst(events []*modelEvent) int {
	if len(events) == 0 {
		return 0
	}
	return events[0].number
}

// read checks a request and returns its events. model.mu is held.
func (s *modelService) read(batch batcher.Batch) []*modelEvent {
	m, body := s.model, batch.AppendBody(nil)
	var in struct {
		UserID string            `json:"user_id"`
		GameID string            `json:"game_id"`
		Events []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		m.failed("a body is no JSON: %v: %q", err, body)
		return nil
	}
	if in.UserID != batch.UserID || in.GameID != modelGame || batch.GameID != modelGame || len(in.Events) != batch.Events {
		m.failed("a request of %s for %s with %d events, that says %s, %s, %d",
			batch.UserID, batch.GameID, batch.Events, in.UserID, in.GameID, len(in.Events))
	}
	if len(in.Events) < 1 || len(in.Events) > m.cfg.BatchEvents || len(body) > m.cfg.BatchBytes {
		m.failed("a request of %d events and %d bytes, allowed are %d and %d",
			len(in.Events), len(body), m.cfg.BatchEvents, m.cfg.BatchBytes)
	}
	if m.closed {
		m.failed("a request after Close has returned")
	}
	if len(m.busy) > m.cfg.MaxInFlight {
		m.failed("%d lanes at work, MaxInFlight is %d", len(m.busy), m.cfg.MaxInFlight)
	}
	var events []*modelEvent
	for _, raw := range in.Events {
		e := m.seen(batch.UserID, raw)
		if e == nil {
			continue
		}
		if e.told > 0 {
			m.failed("event %d is sent after its result %s was told", e.number, e.result)
		}
		if e.once && e.doubts > 0 {
			m.failed("event %d of an AtMostOnce type is sent again in doubt", e.number)
		}
		events = append(events, e)
	}
	return events
}

// answer does what the answer says.
func (s *modelService) answer(ctx context.Context, r *rand.Rand, batch batcher.Batch, events []*modelEvent, answer modelAnswer) error {
	fail := func(f batcher.Failure, after time.Duration) error {
		return &batcher.SendError{Failure: f, RetryAfter: after, Err: fmt.Errorf("model: answer %d", answer)}
	}
	lost := func(cause error) error {
		if r.IntN(2) == 0 {
			return cause // any other error is in doubt
		}
		return &batcher.SendError{Failure: batcher.InDoubt, Err: cause}
	}
	latency := time.Duration(0)
	if s.latency > 0 {
		latency = time.Duration(r.Int64N(int64(s.latency)))
	}
	if answer == hangs || answer == hangsAfter {
		latency = 1 << 60
	}
	retryAfter := time.Duration(1+r.IntN(20)) * time.Second
	if answer == hangsAfter {
		_ = s.store(batch, events)
	}
	if latency > 0 {
		select {
		case <-time.After(latency):
		case <-ctx.Done():
			if answer == losesAfter || answer == answers && r.IntN(2) == 0 {
				_ = s.store(batch, events) // it arrived, but nobody waited for the answer
			}
			return lost(ctx.Err())
		}
	}
	switch answer {
	case losesBefore:
		return lost(errors.New("model: connection lost"))
	case losesAfter:
		_ = s.store(batch, events)
		return lost(errors.New("model: answer lost"))
	case isAway:
		return fail(batcher.NotSent, 0)
	case throttles:
		return fail(batcher.Throttled, 0)
	case throttlesFor:
		return fail(batcher.Throttled, retryAfter)
	case unavailable:
		return fail(batcher.Unavailable, 0)
	case unavailableFor:
		return fail(batcher.Unavailable, retryAfter)
	case distrusts:
		return fail(batcher.Unauthorized, 0)
	case forbids:
		return fail(batcher.Forbidden, 0)
	}
	return s.store(batch, events)
}

// store is the service when it is well: it refuses a request for a reason, or stores it.
func (s *modelService) store(batch batcher.Batch, events []*modelEvent) error {
	m := s.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.tokens.refuses(batch.UserID, batch.Token); ok {
		return &batcher.SendError{Failure: f, Err: errors.New("model: token")}
	}
	if len(batch.AppendBody(nil)) > s.limit {
		if len(events) == 1 {
			events[0].tooLarge = true
		}
		return &batcher.SendError{Failure: batcher.TooLarge, Err: errors.New("model: body")}
	}
	for _, e := range events {
		if e.poison {
			return &batcher.SendError{Failure: batcher.Invalid, Err: fmt.Errorf("model: event %d", e.number)}
		}
	}
	for _, e := range events {
		if e.stored == 0 {
			e.place = len(s.stored[batch.UserID])
		}
		e.stored++
		s.stored[batch.UserID] = append(s.stored[batch.UserID], e)
	}
	return nil
}

// enter says that the batcher has the application or the service do something for a player. model.mu is held.
func (m *model) enter(user, what string) {
	if m.erasing[user] {
		m.failed("%s of %s begins while a callback of what is erased or expired is under way", what, user)
	}
	if is := m.busy[user]; is != "" {
		m.failed("%s of %s begins while %s is under way", what, user, is)
	}
	m.busy[user] = what
	if len(m.busy) > m.cfg.MaxInFlight {
		m.failed("%d players at once, MaxInFlight is %d", len(m.busy), m.cfg.MaxInFlight)
	}
}

func (m *model) leave(user string) { delete(m.busy, user) }
