package playline

import (
	"context"
	"encoding/base64"
	"time"

	"golang.org/x/time/rate"

	"github.com/playline/playline-go/internal/shape"
	"github.com/playline/playline-go/internal/transport"
)

// dialect is all in which one vendor differs from the others. Nothing else in the package asks which vendor it is.
type dialect struct {
	base          string
	limiter       func() *rate.Limiter // nil: no limit by default
	throttle      time.Duration        // how long to stay away after a 429 that does not say
	maxRetryAfter time.Duration
	maxBody       int // bytes of a request's body, 0: no limit is known
	// refusal reads an answer of any status: nil is a success.
	refusal func(status int, body []byte) *transport.Refusal
	// errorWord is the shape of the service's error bodies, see word.go.
	errorWord *shape.Shape
	// login takes the credentials from the configuration; nil means that there are none.
	login func(*config) *login
	// hint says how to configure the service.
	hint string
}

// login is what a service's credentials come to.
type login struct {
	auth    transport.Auth    // nil: only public is there
	public  transport.Auth    // for the operations that need no secret; nil: auth is used
	path    map[string]string // placeholders that are the same in every call
	keyed   bool              // idempotency keys are honoured
	secrets func() []string   // must not appear in any message; a function, because fmt prints what a struct holds
}

var dialects = map[Service]dialect{
	Smooven: {
		base:          "https://api.smooven.io/v1",
		maxRetryAfter: time.Minute,
		refusal:       smoovenRefusal,
		errorWord:     smoovenError,
		login: func(c *config) *login {
			if !c.smooven.on {
				return nil
			}
			l := &login{secrets: kept(string(c.smooven.key), string(c.smooven.appID))}
			if c.smooven.appID != "" {
				l.public = transport.APIKey("X-App-ID", string(c.smooven.appID))
			}
			if c.smooven.key != "" {
				l.auth, l.public = transport.Bearer(string(c.smooven.key)), nil
			}
			return l
		},
		hint: "use WithSmooven or set PLAYLINE_SMOOVEN_KEY",
	},
	Fyno: {
		base:          "https://api.fyno.io/v1",
		maxRetryAfter: time.Minute,
		refusal:       fynoRefusal,
		errorWord:     fynoError,
		login: func(c *config) *login {
			if !c.fyno.on {
				return nil
			}
			return &login{
				auth:    transport.Bearer(string(c.fyno.key)),
				path:    map[string]string{"WSID": c.fyno.workspace, "version": string(c.fyno.version)},
				keyed:   c.fyno.version == FynoLive,
				secrets: kept(string(c.fyno.key)),
			}
		},
		hint: "use WithFyno or set PLAYLINE_FYNO_WORKSPACE and PLAYLINE_FYNO_KEY",
	},
	SmartSender: {
		base: "https://api.smartsender.com/v1",
		// 10 at once and 170 a minute are never more than 180 in any minute.
		limiter:       func() *rate.Limiter { return rate.NewLimiter(rate.Limit(170.0/60), 10) },
		throttle:      time.Minute,
		maxRetryAfter: 12 * time.Minute,
		refusal:       smartSenderRefusal,
		errorWord:     smartSenderError,
		login: func(c *config) *login {
			if !c.smartSender.on {
				return nil
			}
			return &login{auth: transport.Bearer(string(c.smartSender.token)), secrets: kept(string(c.smartSender.token))}
		},
		hint: "use WithSmartSender or set PLAYLINE_SMARTSENDER_TOKEN",
	},
	Sunshine: {
		base:          "https://api.smooch.io",
		maxRetryAfter: time.Minute,
		maxBody:       100_000,
		refusal:       sunshineRefusal,
		errorWord:     sunshineError,
		login: func(c *config) *login {
			if !c.sunshine.on {
				return nil
			}
			s := &c.sunshine
			if s.token != nil {
				return sunshineTokens(s)
			}
			l := &login{path: map[string]string{"appId": s.appID}, secrets: kept(string(s.secret), basicCredentials(s.keyID, string(s.secret)))}
			if l.auth = transport.Basic(s.keyID, string(s.secret)); s.scope != "" {
				l.auth = transport.NewJWT(s.keyID, string(s.secret), string(s.scope))
			}
			return l
		},
		hint: "use WithSunshine or set PLAYLINE_SUNSHINE_APP_ID, and PLAYLINE_SUNSHINE_KEY_ID and PLAYLINE_SUNSHINE_SECRET or PLAYLINE_SUNSHINE_TOKEN",
	},
	PlaySmart: {
		base:          "https://playsmart-gateway-1w8ko864.uc.gateway.dev",
		maxRetryAfter: time.Minute,
		refusal:       playSmartRefusal,
		errorWord:     playSmartError,
		login: func(c *config) *login {
			if !c.playSmart.on {
				return nil
			}
			return &login{auth: transport.None{}, secrets: kept()}
		},
		hint: "use WithPlaySmart or set PLAYLINE_PLAYSMART_URL",
	},
}

// sunshineTokens is the login with tokens that the caller brings.
func sunshineTokens(s *sunshineConfig) *login {
	source := s.token
	tokens := transport.NewTokenSource(func(ctx context.Context) (string, error) {
		token, err := source(ctx)
		if rule := credentialRule(string(token)); err == nil && rule != "" {
			err = &ValidationError{"token", rule}
		}
		return string(token), err
	})
	return &login{path: map[string]string{"appId": s.appID}, auth: tokens, secrets: tokens.Recent}
}

func kept(secrets ...string) func() []string { return func() []string { return secrets } }

// basicCredentials is a key as it travels with basic auth: who has it has the key.
func basicCredentials(id string, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
}
