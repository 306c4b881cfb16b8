package playline

import (
	"net/netip"
	"net/url"
)

// Service names one of the five services.
type Service string

// The services.
const (
	Smooven     Service = "smooven"
	Fyno        Service = "fyno"
	SmartSender Service = "smartsender"
	Sunshine    Service = "sunshine"
	PlaySmart   Service = "playsmart"
)

// FynoVersion selects one of the two environments of a Fyno workspace.
type FynoVersion string

// The versions. Idempotency keys work on live only.
const (
	FynoLive FynoVersion = "live"
	FynoTest FynoVersion = "test"
)

// SunshineScope is the scope claim of a Sunshine token: what its key belongs to.
type SunshineScope string

// The scopes.
const (
	SunshineApp     SunshineScope = "app"
	SunshineAccount SunshineScope = "account"
)

// parseBase checks a base URL. It does not repeat it: it may hold a password.
func parseBase(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return nil, &ValidationError{"URL", "cannot be parsed"}
	case u.Host == "" || u.Hostname() == "":
		return nil, &ValidationError{"URL", "must have a scheme and a host, such as https://api.example.com/v1"}
	case !isPrintable(u.Host):
		return nil, &ValidationError{"URL", "must have a host of ASCII characters: write an international name in its xn-- form"}
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, &ValidationError{"URL", "must have no user, query or fragment"}
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, &ValidationError{"URL", "must be https; http is for loopback addresses only"}
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
