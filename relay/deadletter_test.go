package relay

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// TestPoison: what is no event becomes a dead letter with the cause, once, and the player's events
// before and behind it are delivered.
func TestPoison(t *testing.T) {
	t.Parallel()
	good := `{"type":"AppOpen","timestamp":"2026-01-02T03:04:05.000+00:00"}`
	for name, test := range map[string]struct {
		subject, format, body string
		want                  string
	}{
		"no header":         {"ace", "", good, "was not written by a Publisher"},
		"a later format":    {"ace", "2", good, `has format "2"`},
		"no JSON":           {"ace", format, "poison", "no event as JSON"},
		"empty":             {"ace", format, "", "no event as JSON"},
		"a list":            {"ace", format, "[]", "no event as JSON"},
		"an unknown type":   {"ace", format, `{"type":"Nonsense"}`, "type must be"},
		"customdata a list": {"ace", format, `{"type":"AppOpen","customdata":[1]}`, "customdata"},
		"too large":         {"ace", format, `{"type":"AppOpen","customdata":{"x":"` + strings.Repeat("x", 40_000) + `"}}`, "bytes as JSON"},
		"a bad player":      {"a=zz", format, good, "the player in the subject"},
		"not UTF-8":         {"=FF", format, good, "user_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t)
			p := f.publisher()
			track(t, p, "ace", 0, 3)
			require.NoError(t, p.Flush(t.Context()))
			m := nats.NewMsg("events." + "com=2Eexample=2Estackblaster" + "." + test.subject)
			m.Data = []byte(test.body)
			m.Header.Set(nats.MsgIdHdr, "poison-1")
			if test.format != "" {
				m.Header.Set(formatHeader, test.format)
			}
			_, err := f.connect().PublishMsg(t.Context(), m)
			require.NoError(t, err)
			track(t, p, "ace", 3, 6)
			require.NoError(t, p.Flush(t.Context()))
			r := f.relay()
			f.idle()
			assert.Equal(t, []int{0, 1, 2, 3, 4, 5}, f.numbers("ace"))
			assert.Equal(t, map[string]int64{Malformed: 1}, r.Stats().DeadLetters)
			letters := f.messages("EVENTS-dead")
			require.Len(t, letters, 1)
			assert.Equal(t, test.body, string(letters[0].Data))
			h := letters[0].Header
			assert.Contains(t, h.Get(CauseHeader), test.want)
			assert.Equal(t, Malformed, h.Get(ResultHeader))
			assert.Equal(t, "poison-1", h.Get(EventIDHeader))
			assert.Equal(t, "4", h.Get(SeqHeader))
			assert.True(t, strings.HasPrefix(h.Get(SubjectHeader), "events.") && strings.HasSuffix(h.Get(SubjectHeader), "."+test.subject))
			assert.NotEmpty(t, h.Get(StoredHeader))
			assert.NotEmpty(t, h.Get(TimeHeader))
		})
	}
}

// TestRejected: an event that the service says no to becomes a dead letter with its words; the
// others of its batch are delivered.
func TestRejected(t *testing.T) {
	t.Parallel()
	f := single(t)
	f.service.Inject(emulator.Fault{Operation: "ingestEvents", Status: 400, Match: bodyContains(`"n":3}`)})
	p := f.publisher()
	track(t, p, "ace", 0, 6)
	require.NoError(t, p.Flush(t.Context()))
	r := f.relay()
	f.idle()
	assert.Equal(t, []int{0, 1, 2, 4, 5}, f.numbers("ace"))
	assert.Equal(t, map[string]int64{"rejected": 1}, r.Stats().DeadLetters)
	letters := f.messages("EVENTS-dead")
	require.Len(t, letters, 1)
	assert.Contains(t, string(letters[0].Data), `"n":3}`)
	assert.Contains(t, letters[0].Header.Get(CauseHeader), "400")
	assert.Equal(t, "4", letters[0].Header.Get(SeqHeader))
	assert.Equal(t, "events-dead.com=2Eexample=2Estackblaster.ace", letters[0].Subject)
}

// TestDeadLetterOnce: a relay dies between the dead letter and the acknowledgement; the next one
// comes to the same end, and the stream drops its copy.
func TestDeadLetterOnce(t *testing.T) {
	t.Parallel()
	f := single(t)
	js := f.connect()
	p := f.publisher()
	track(t, p, "ace", 0, 2)
	require.NoError(t, p.Flush(t.Context()))
	// What the relay that died has done: its dead letter of the first event, as the code that it
	// shares with the next one makes it.
	first := f.messages("EVENTS")[0]
	e := &entry{seq: first.Sequence, subject: first.Subject, id: first.Header.Get(jetstream.MsgIDHeader), stored: first.Time}
	letter := deadLetter("events-dead.", e, first.Data, "rejected", errors.New("the first relay's words"))
	require.NoError(t, bury(t.Context(), js, letter, 0, slog.New(slog.DiscardHandler)))
	f.relay(func(c *Config) {
		c.Sender = sendFunc(func(context.Context, batcher.Batch) error {
			return &batcher.SendError{Failure: batcher.Invalid, Err: errors.New("the second relay's words")}
		})
	})
	f.idle()
	letters := f.messages("EVENTS-dead")
	require.Len(t, letters, 2, "one for each event")
	assert.Contains(t, letters[0].Header.Get(CauseHeader), "the first relay's words")
	assert.Contains(t, letters[1].Header.Get(CauseHeader), "the second relay's words")
}

// TestDeadLettersAreFull: an event whose dead letter finds no room stays where it is.
func TestDeadLettersAreFull(t *testing.T) {
	t.Parallel()
	f := single(t)
	js := f.connect()
	s, err := js.Stream(t.Context(), "EVENTS-dead")
	require.NoError(t, err)
	full := s.CachedInfo().Config
	full.MaxMsgs = 1
	_, err = js.UpdateStream(t.Context(), full)
	require.NoError(t, err)
	p := f.publisher()
	track(t, p, "ace", 0, 2)
	require.NoError(t, p.Flush(t.Context()))
	var log lines
	refuse := func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Sender = sendFunc(func(context.Context, batcher.Batch) error {
			return &batcher.SendError{Failure: batcher.Invalid, Err: errors.New("no")}
		})
	}
	r := f.relay(refuse)
	eventually(t, func() bool { return r.Stats().DeadLetters["rejected"] == 1 }, "not even one dead letter")
	eventually(t, func() bool { return log.contains("maximum messages exceeded") }, "the log does not say why it stands still")
	require.NoError(t, r.Close(t.Context()))
	assert.Equal(t, uint64(1), f.state("EVENTS").Msgs)
	full.MaxMsgs = -1
	_, err = js.UpdateStream(t.Context(), full)
	require.NoError(t, err)
	f.relay(refuse)
	f.idle()
	assert.Len(t, f.messages("EVENTS-dead"), 2)
}

func TestDeadLetterHeaders(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cause error
		want  string
	}{
		"none":          {nil, "no cause is known"},
		"a line break":  {errors.New("a\r\nNats-Msg-Id: b\x00\x7f"), "a  Nats-Msg-Id: b  "},
		"a long one":    {errors.New(strings.Repeat("x", 2*maxCause)), strings.Repeat("x", maxCause) + "..."},
		"a common text": {errors.New("400: no such level"), "400: no such level"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := deadLetter("events-dead.", &entry{subject: "events.1.game.ace", id: "x\ny"}, nil, "rejected", test.cause)
			assert.Equal(t, test.want, m.Header.Get(CauseHeader))
			assert.Equal(t, "x y", m.Header.Get(EventIDHeader))
			assert.Equal(t, "events-dead.game.ace", m.Subject)
		})
	}
}

// lines is a log that many may write to.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) contains(words string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), words)
}

func (l *lines) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), words)
}
