package playline

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// injections are values that a careless client would let out as more than one header, or as more than one request.
var injections = map[string]string{
	"CR LF":               "abc\r\nX-Admin: 1",
	"LF":                  "abc\nX-Admin: 1",
	"CR":                  "abc\rX-Admin: 1",
	"NUL":                 "abc\x00def",
	"a folded line":       "abc\r\n def",
	"a second request":    "abc\r\n\r\nDELETE /players/ace HTTP/1.1\r\nHost: x",
	"at the end":          "abc\r\n",
	"at the start":        "\r\nabc",
	"DEL":                 "abc\x7f",
	"vertical tab":        "abc\vdef",
	"escape":              "abc\x1b[2J",
	"U+0085, a next line": "abc\u0085def",
	"U+2028":              "abc\u2028def",
	"U+560A, which cuts to LF in some servers": "abc\u560a\u560dX-Admin: 1",
	"bad UTF-8": "abc\xff",
}

// headerArguments are all ways in which an argument comes into a header. Each returns what the library says to a value.
var headerArguments = map[string]func(ctx context.Context, s *scripted, value string) error{
	"WithSmooven key": func(_ context.Context, s *scripted, v string) error { return newWith(s, WithSmooven(Secret(v))) },
	"WithSmoovenAppID": func(_ context.Context, s *scripted, v string) error {
		return newWith(s, WithSmoovenAppID(Secret(v)))
	},
	"WithFyno key": func(_ context.Context, s *scripted, v string) error {
		return newWith(s, WithFyno("W", FynoLive, Secret(v)))
	},
	"WithFyno workspace": func(_ context.Context, s *scripted, v string) error {
		return newWith(s, WithFyno(v, FynoLive, "k"))
	},
	"WithFyno version": func(_ context.Context, s *scripted, v string) error {
		return newWith(s, WithFyno("W", FynoVersion(v), "k"))
	},
	"WithSmartSender token": func(_ context.Context, s *scripted, v string) error { return newWith(s, WithSmartSender(Secret(v))) },
	"WithSunshine app id":   func(_ context.Context, s *scripted, v string) error { return newWith(s, WithSunshine(v, "k", "s")) },
	"WithSunshine key id":   func(_ context.Context, s *scripted, v string) error { return newWith(s, WithSunshine("a", v, "s")) },
	"WithSunshine secret": func(_ context.Context, s *scripted, v string) error {
		return newWith(s, WithSunshine("a", "k", Secret(v)))
	},
	"WithSunshineJWT key id": func(_ context.Context, s *scripted, v string) error {
		return newWith(s, WithSunshineJWT("a", v, "s", SunshineApp))
	},
	"WithSunshineJWT secret": func(_ context.Context, s *scripted, v string) error {
		return newWith(s, WithSunshineJWT("a", "k", Secret(v), SunshineApp))
	},
	"WithSunshineJWT scope": func(_ context.Context, s *scripted, v string) error {
		return newWith(s, WithSunshineJWT("a", "k", "s", SunshineScope(v)))
	},
	"WithSunshineToken app id": func(_ context.Context, s *scripted, v string) error { return newWith(s, WithSunshineToken(v, "t")) },
	"WithSunshineToken token": func(_ context.Context, s *scripted, v string) error {
		return newWith(s, WithSunshineToken("a", Secret(v)))
	},
	"WithBaseURL host": func(_ context.Context, s *scripted, v string) error {
		return newWith(s, WithSmooven("k"), WithBaseURL(Smooven, "https://example.com"+v))
	},
	"Header name":         requestOption(func(v string) RequestOption { return Header(v, "x") }),
	"Header value":        requestOption(func(v string) RequestOption { return Header("X-Trace", v) }),
	"User-Agent":          requestOption(func(v string) RequestOption { return Header("User-Agent", v) }),
	"Accept":              requestOption(func(v string) RequestOption { return Header("Accept", v) }),
	"IdempotencyKey":      requestOption(IdempotencyKey),
	"Ingest.Send's token": func(ctx context.Context, s *scripted, v string) error { return ingestUnder(ctx, s, Secret(v)) },
}

func newWith(s *scripted, opts ...Option) error {
	c, err := New(append(opts, WithHTTPClient(newHTTPClient(s)))...)
	if err != nil {
		return err
	}
	return getPlayer(context.Background(), c)
}

func requestOption(option func(string) RequestOption) func(context.Context, *scripted, string) error {
	return func(ctx context.Context, s *scripted, v string) error {
		c, err := New(WithFyno("W", FynoLive, keyFyno), WithHTTPClient(newHTTPClient(s)))
		if err != nil {
			return err
		}
		_, err = fireAce(ctx, c, option(v))
		return err
	}
}

func ingestUnder(ctx context.Context, s *scripted, token Secret) error {
	c, err := New(WithPlaySmart(), WithHTTPClient(newHTTPClient(s)))
	if err != nil {
		return err
	}
	batch := IngestBatch{UserID: "ace", GameID: "com.example.stackblaster", Events: []GameplayEvent{{Type: AppOpen, Timestamp: time.Now()}}}
	_, err = c.Ingest.Send(ctx, token, batch)
	return err
}

// TestSecurityHeadersCannotBeInjected: what would break out of a header is an error that says where and what, before the network.
func TestSecurityHeadersCannotBeInjected(t *testing.T) {
	t.Parallel()
	for argument, give := range headerArguments {
		t.Run(argument, func(t *testing.T) {
			t.Parallel()
			for name, value := range injections {
				s := script(jsonBody(202, eventReply))
				err := give(t.Context(), s, value)
				var invalid *ValidationError
				require.ErrorAs(t, err, &invalid, name)
				assert.NotEmpty(t, invalid.Field)
				assert.Regexp(t, "^(must|cannot)", invalid.Rule, name)
				assert.NotContains(t, err.Error(), "abc", "the value is repeated")
				assert.Zero(t, s.count(), "%s: a request was made", name)
			}
		})
	}
}

// TestSecurityOrdinaryHeaderArgumentsWork is what the table above must not forbid.
func TestSecurityOrdinaryHeaderArgumentsWork(t *testing.T) {
	t.Parallel()
	for argument, value := range map[string]string{
		"Header value": `a "quoted", text; q=0.5 ~!@#$%^&*()`, "User-Agent": "game/1.2 (linux; amd64)", "Header name": "X-Trace_1",
		"IdempotencyKey": "match-7/round:3==", "Ingest.Send's token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhY2UifQ.c2ln-_",
	} {
		reply := eventReply
		if argument == "Ingest.Send's token" {
			reply = `{"success":true,"message":"taken"}`
		}
		s := script(jsonBody(202, reply))
		require.NoError(t, headerArguments[argument](t.Context(), s, value), argument)
		assert.Contains(t, fmt.Sprint(s.last(t).header), value, argument)
	}
}

// TestSecurityABatchersTokenCannotBeInjected: a bad token parks its player, whose events are kept, and is never sent.
func TestSecurityABatchersTokenCannotBeInjected(t *testing.T) {
	t.Parallel()
	for name, value := range injections {
		for _, way := range []string{"the source", "SetToken"} {
			synctest.Test(t, func(t *testing.T) {
				s := script(jsonBody(202, `{"success":true,"message":"taken"}`))
				b, err := newClient(t, s).NewBatcher(batcher.Config{
					GameID: "com.example.stackblaster", Linger: time.Millisecond,
					Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
						return batcher.Token{Value: batcher.Secret(value)}, nil
					}),
				})
				require.NoError(t, err)
				if way == "SetToken" {
					b.SetToken("ace", batcher.Token{Value: batcher.Secret(value)})
				}
				require.NoError(t, b.Player("ace").TrackAttrs(t.Context(), batcher.AppOpen))
				time.Sleep(time.Minute)
				require.Len(t, b.Parked(), 1, name)
				assert.NotContains(t, b.Parked()[0].Cause.Error(), "abc", name)
				assert.Zero(t, s.count(), name)
				b.SetToken("ace", batcher.Token{Value: batcher.Secret(tokenPlayer)})
				report, err := b.Close(t.Context())
				require.NoError(t, err, name)
				assert.Equal(t, batcher.Ledger{Accepted: 1, Delivered: 1}, report.Ledger)
				assert.Equal(t, "Bearer "+tokenPlayer, s.last(t).header.Get("Authorization"))
			})
		}
	}
}
