package playline

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"golang.org/x/time/rate"
)

// Option configures a Client. A wrong value is an error of New.
type Option func(*config) error

// WithSmooven configures Smooven with a project's secret key (sk_live_...).
func WithSmooven(key Secret) Option {
	return func(c *config) error {
		c.smooven.key, c.smooven.on = key, true
		return required("WithSmooven", "key", string(key))
	}
}

// WithSmoovenAppID configures Smooven with a project's public app id (app_live_...). It is enough for Players.Register and for
// nothing else; with WithSmooven too, the secret key is used.
func WithSmoovenAppID(appID Secret) Option {
	return func(c *config) error {
		c.smooven.appID, c.smooven.on = appID, true
		return required("WithSmoovenAppID", "appID", string(appID))
	}
}

// WithFyno configures Fyno with a workspace id, a version and an API key for that version.
func WithFyno(workspace string, version FynoVersion, key Secret) Option {
	return func(c *config) error {
		if version != FynoLive && version != FynoTest {
			return &ValidationError{"WithFyno: version", "must be live or test"}
		}
		c.fyno.workspace, c.fyno.version, c.fyno.key, c.fyno.on = workspace, version, key, true
		return required("WithFyno", "workspace", workspace, "key", string(key))
	}
}

// WithSmartSender configures SmartSender with a project's token.
//
// The service allows 180 requests a minute and locks a project that goes over, for longer each time. So a limiter is on by
// default: bursts of 10, then 170 a minute, which stays below 180 in any minute.
func WithSmartSender(token Secret) Option {
	return func(c *config) error {
		c.smartSender.token, c.smartSender.on = token, true
		return required("WithSmartSender", "token", string(token))
	}
}

// WithSunshine configures Sunshine Conversations with basic auth: an app id, a key id and the key's secret.
// A key id with a colon is refused, because basic auth would end it there: see WithSunshineJWT.
func WithSunshine(appID, keyID string, secret Secret) Option {
	return func(c *config) error {
		if strings.Contains(keyID, ":") {
			return &ValidationError{"WithSunshine: keyID", "must not hold a colon: basic auth ends it there, WithSunshineJWT takes it"}
		}
		return withSunshineKey("WithSunshine", c, appID, keyID, secret, "")
	}
}

// WithSunshineJWT configures Sunshine Conversations with HS256 tokens, which the client signs, keeps for
// five minutes and renews. The secret itself is never sent.
func WithSunshineJWT(appID, keyID string, secret Secret, scope SunshineScope) Option {
	return func(c *config) error {
		if scope != SunshineApp && scope != SunshineAccount {
			return &ValidationError{"WithSunshineJWT: scope", "must be app or account"}
		}
		return withSunshineKey("WithSunshineJWT", c, appID, keyID, secret, scope)
	}
}

func withSunshineKey(option string, c *config, appID, keyID string, secret Secret, scope SunshineScope) error {
	c.sunshine = sunshineConfig{appID: appID, keyID: keyID, secret: secret, scope: scope, on: true}
	return required(option, "appID", appID, "keyID", keyID, "secret", string(secret))
}

// WithSunshineToken configures Sunshine Conversations with a bearer token that somebody else has signed or
// issued, such as an OAuth token. WithSunshineTokenSource takes one that is renewed.
func WithSunshineToken(appID string, token Secret) Option {
	return func(c *config) error {
		c.sunshine = sunshineConfig{appID: appID, token: func(context.Context) (Secret, error) { return token, nil }, on: true}
		return required("WithSunshineToken", "appID", appID, "token", string(token))
	}
}

// WithSunshineTokenSource configures Sunshine Conversations with a source of bearer tokens. It is asked
// once per attempt, by several goroutines at once, so it keeps a token itself for as long as that is valid. Its
// context is the attempt's. An error of the source fails the call and matches what the source returned;
// nothing is sent then, and the client does not ask again.
func WithSunshineTokenSource(appID string, source func(ctx context.Context) (Secret, error)) Option {
	return func(c *config) error {
		if source == nil {
			return &ValidationError{"WithSunshineTokenSource: source", "must not be nil"}
		}
		c.sunshine = sunshineConfig{appID: appID, token: source, on: true}
		return required("WithSunshineTokenSource", "appID", appID)
	}
}

// WithPlaySmart configures PlaySmart. It has no credentials of its own: a player's token goes with the call.
func WithPlaySmart() Option {
	return func(c *config) error {
		c.playSmart.on = true
		return nil
	}
}

// WithEventTypes adds event types that PlaySmart has learned since this version, for Ingest.Send and for the
// batchers of Client.NewBatcher. A name has 1 to 100 printable ASCII characters and no spaces. The service
// refuses a whole request for a type that it does not know.
func WithEventTypes(types ...EventType) Option {
	return func(c *config) error {
		for _, t := range types {
			if err := firstOf(
				check{"WithEventTypes: types", credentialRule(string(t))},
				check{"WithEventTypes: types", lengthRule(string(t), 100)},
			); err != nil {
				return err
			}
		}
		c.eventTypes = append(c.eventTypes, types...)
		return nil
	}
}

// WithBaseURL replaces the address of a service, for another region, a proxy, or an emulator. A path in it stays as a prefix.
// It must be https, or http to a loopback address.
func WithBaseURL(s Service, base string) Option {
	return func(c *config) error {
		u, err := parseBase(base)
		if err != nil {
			return fmt.Errorf("playline: base URL of %s: %w", s, err)
		}
		if _, ok := dialects[s]; !ok {
			return &ValidationError{"WithBaseURL: service", "must be one of the five services"}
		}
		c.base[s] = u
		return nil
	}
}

// WithLimiter replaces the rate limiter of a service; every attempt takes one token, retries too. Nil means no limit. Only
// SmartSender has a limiter by default. A limiter may be shared between clients.
func WithLimiter(s Service, limiter *rate.Limiter) Option {
	return func(c *config) error {
		if _, ok := dialects[s]; !ok {
			return &ValidationError{"WithLimiter: service", "must be one of the five services"}
		}
		c.limiters[s] = limiter
		return nil
	}
}

// WithAnySuccess takes every 2xx of a service as its word, whatever stands in the answer. By default only an answer with the shape that
// the vendor documents counts, because proxies, portals and mocks answer with a 2xx too, and nothing is carried out then.
//
// The option is the way out if a vendor changes its answers before this package knows: without it each such answer counts as lost,
// and with it everything that a stranger answers with a 2xx counts as done. What cannot be read of an answer is left empty in the result.
// Operations that ask for something are not covered: the GETs, the two of Accounts, and Verify.Validate, which would let anybody in.
func WithAnySuccess(s Service) Option {
	return func(c *config) error {
		if _, ok := dialects[s]; !ok {
			return &ValidationError{"WithAnySuccess: service", "must be one of the five services"}
		}
		c.anySuccess[s] = true
		return nil
	}
}

// WithHTTPClient sends through a copy of client, which itself is not changed: its transport, its cookie jar and its timeout
// (which then bounds one attempt) are used, its redirect policy is not. The default has a transport of its own, whatever a
// program does to http.DefaultTransport: proxy from the environment, the system's certificates, TLS 1.2
// at least, 64 warm connections per host. A client with InsecureSkipVerify gets a warning in the log
// (WithLogger), once.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) error {
		if client == nil {
			return &ValidationError{"WithHTTPClient: client", "must not be nil"}
		}
		c.http = client
		return nil
	}
}

// WithLogger logs attempts at debug, retries at info and failed calls at warn level. The default is silence.
func WithLogger(log *slog.Logger) Option {
	return func(c *config) error {
		if log == nil {
			return &ValidationError{"WithLogger: log", "must not be nil"}
		}
		c.log = log
		return nil
	}
}

// WithRetryPolicy changes the retry policy of all calls; fields at zero keep their default.
func WithRetryPolicy(p RetryPolicy) Option {
	return func(c *config) error {
		c.retry = p.over(c.retry)
		return p.validate()
	}
}

// WithMaxResponseBytes changes how long an answer may be, after decompression; the default is 16 MiB. A longer one is an
// error. Suppressions.List is the one answer that grows with a workspace.
func WithMaxResponseBytes(n int64) Option {
	return func(c *config) error {
		if n <= 0 {
			return &ValidationError{"WithMaxResponseBytes: n", "must be positive"}
		}
		c.maxBody = n
		return nil
	}
}

// required checks the arguments of an option, given as names and values.
func required(option string, pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if rule := credentialRule(pairs[i+1]); rule != "" {
			return &ValidationError{option + ": " + pairs[i], rule}
		}
	}
	return nil
}
