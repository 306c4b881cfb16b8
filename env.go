package playline

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// envService is how the variables of one service become options. required are the variables without which the others are of
// no use.
type envService struct {
	service   Service
	required  []string
	optional  []string
	inPlaceOf map[string][]string // an optional variable, and the required ones that are not needed with it
	url       string
	options   func(get func(string) string) []Option
}

// envServices is the table of NewFromEnv.
var envServices = []envService{
	{
		service:  Smooven,
		optional: []string{"PLAYLINE_SMOOVEN_KEY", "PLAYLINE_SMOOVEN_APP_ID"}, // one of the two, see missing
		url:      "PLAYLINE_SMOOVEN_URL",
		options: func(get func(string) string) []Option {
			var opts []Option
			if key := get("PLAYLINE_SMOOVEN_KEY"); key != "" {
				opts = append(opts, WithSmooven(Secret(key)))
			}
			if id := get("PLAYLINE_SMOOVEN_APP_ID"); id != "" {
				opts = append(opts, WithSmoovenAppID(Secret(id)))
			}
			return opts
		},
	},
	{
		service:  Fyno,
		required: []string{"PLAYLINE_FYNO_WORKSPACE", "PLAYLINE_FYNO_KEY"},
		optional: []string{"PLAYLINE_FYNO_VERSION"},
		url:      "PLAYLINE_FYNO_URL",
		options: func(get func(string) string) []Option {
			version := FynoVersion(get("PLAYLINE_FYNO_VERSION"))
			if version == "" {
				version = FynoLive
			}
			return []Option{WithFyno(get("PLAYLINE_FYNO_WORKSPACE"), version, Secret(get("PLAYLINE_FYNO_KEY")))}
		},
	},
	{
		service:  SmartSender,
		required: []string{"PLAYLINE_SMARTSENDER_TOKEN"},
		url:      "PLAYLINE_SMARTSENDER_URL",
		options: func(get func(string) string) []Option {
			return []Option{WithSmartSender(Secret(get("PLAYLINE_SMARTSENDER_TOKEN")))}
		},
	},
	{
		service:   Sunshine,
		required:  []string{"PLAYLINE_SUNSHINE_APP_ID", "PLAYLINE_SUNSHINE_KEY_ID", "PLAYLINE_SUNSHINE_SECRET"},
		optional:  []string{"PLAYLINE_SUNSHINE_SCOPE", "PLAYLINE_SUNSHINE_TOKEN"},
		inPlaceOf: map[string][]string{"PLAYLINE_SUNSHINE_TOKEN": {"PLAYLINE_SUNSHINE_KEY_ID", "PLAYLINE_SUNSHINE_SECRET"}},
		url:       "PLAYLINE_SUNSHINE_URL",
		options: func(get func(string) string) []Option {
			if token := get("PLAYLINE_SUNSHINE_TOKEN"); token != "" {
				return []Option{WithSunshineToken(get("PLAYLINE_SUNSHINE_APP_ID"), Secret(token))}
			}
			app, key, secret := get("PLAYLINE_SUNSHINE_APP_ID"), get("PLAYLINE_SUNSHINE_KEY_ID"), Secret(get("PLAYLINE_SUNSHINE_SECRET"))
			if scope := SunshineScope(get("PLAYLINE_SUNSHINE_SCOPE")); scope != "" {
				return []Option{WithSunshineJWT(app, key, secret, scope)}
			}
			return []Option{WithSunshine(app, key, secret)}
		},
	},
	{
		service: PlaySmart,
		url:     "PLAYLINE_PLAYSMART_URL",
		options: func(func(string) string) []Option { return []Option{WithPlaySmart()} },
	},
}

// NewFromEnv returns a client for the services that the environment configures. opts come after it and win.
//
//	PLAYLINE_SMOOVEN_KEY         secret key
//	PLAYLINE_SMOOVEN_APP_ID      public app id; alone it is enough for Players.Register
//	PLAYLINE_FYNO_WORKSPACE      workspace id
//	PLAYLINE_FYNO_KEY            API key
//	PLAYLINE_FYNO_VERSION        live (default) or test
//	PLAYLINE_SMARTSENDER_TOKEN   project token
//	PLAYLINE_SUNSHINE_APP_ID     app id
//	PLAYLINE_SUNSHINE_KEY_ID     key id
//	PLAYLINE_SUNSHINE_SECRET     the key's secret
//	PLAYLINE_SUNSHINE_SCOPE      app or account: sign tokens; default: basic auth
//	PLAYLINE_SUNSHINE_TOKEN      a bearer token, in place of key id and secret
//	PLAYLINE_PLAYSMART_URL       base URL; PlaySmart needs nothing, and is on where anything is set
//
// PLAYLINE_SMOOVEN_URL, PLAYLINE_FYNO_URL, PLAYLINE_SMARTSENDER_URL and PLAYLINE_SUNSHINE_URL replace base URLs too. A service
// of which a part is missing is an error that names every missing variable, of all services.
func NewFromEnv(opts ...Option) (*Client, error) { return newFromEnv(os.Getenv, opts) }

func newFromEnv(get func(string) string, opts []Option) (*Client, error) {
	value := func(name string) string { return strings.TrimSpace(get(name)) }
	var fromEnv []Option
	var missing []string
	found := false
	for _, s := range envServices {
		set, lacks := s.look(value)
		missing = append(missing, lacks...)
		found = found || set
		if !set && s.service != PlaySmart || len(lacks) > 0 {
			continue
		}
		for _, opt := range s.options(value) {
			fromEnv = append(fromEnv, from(strings.Join(s.names(value), ", "), opt))
		}
		if url := value(s.url); url != "" {
			fromEnv = append(fromEnv, from(s.url, WithBaseURL(s.service, url)))
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("playline: the environment lacks %s", strings.Join(missing, "; "))
	}
	if !found {
		return nil, fmt.Errorf("playline: the environment configures no service: set %s", strings.Join(envNeeds(), ", or "))
	}
	return New(append(fromEnv, opts...)...)
}

// from adds to the error of an option which variables it was made of.
func from(names string, opt Option) Option {
	return func(c *config) error {
		if err := opt(c); err != nil {
			return fmt.Errorf("%w (from %s)", err, names)
		}
		return nil
	}
}

// names returns the service's variables that are set, without the one of the URL.
func (s envService) names(value func(string) string) []string {
	return slices.DeleteFunc(slices.Concat(s.required, s.optional), func(name string) bool { return value(name) == "" })
}

// look reports whether any variable of the service is set, and what then is missing.
func (s envService) look(value func(string) string) (set bool, missing []string) {
	isSet := func(name string) bool { return value(name) != "" }
	var lacks []string
	for _, name := range s.required {
		if isSet(name) {
			set = true
		} else {
			lacks = append(lacks, name)
		}
	}
	for name, others := range s.inPlaceOf {
		if isSet(name) {
			lacks = slices.DeleteFunc(lacks, func(other string) bool { return slices.Contains(others, other) })
		}
	}
	oneOf := false
	for _, name := range s.optional {
		oneOf = oneOf || isSet(name)
	}
	set = set || oneOf || isSet(s.url)
	if s.service == Smooven && !oneOf {
		lacks = []string{"PLAYLINE_SMOOVEN_KEY (or PLAYLINE_SMOOVEN_APP_ID)"}
	}
	if !set || len(lacks) == 0 {
		return set, nil
	}
	return set, []string{fmt.Sprintf("%s (for %s)", strings.Join(lacks, ", "), s.service)}
}

// envNeeds lists what each service needs.
func envNeeds() []string {
	var needs []string
	for _, s := range envServices {
		switch {
		case len(s.required) > 0:
			needs = append(needs, strings.Join(s.required, " and "))
		case len(s.optional) > 0:
			needs = append(needs, s.optional[0])
		default:
			needs = append(needs, s.url)
		}
	}
	return needs
}
