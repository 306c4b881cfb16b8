package emulator

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The credentials of an emulator are public, so a page of any site could use the one on its
// reader's machine: it could fill the memory, use faults up, and read players. The guard is in
// front of the services and the inspector, and keeps browsers out that show somebody else's page.

// guard knows the names under which an emulator may be reached, beside addresses and localhost.
type guard struct{ hosts []string }

// refuses returns why a request is not answered, or "" if it is.
//
// A site whose name its owner lets resolve to this machine (DNS rebinding) is one origin with the
// emulator, as far as the browser knows, so the name in the Host header must be known. Every other
// page is of another origin, and browsers say so: in Sec-Fetch-Site, which counts all ports of
// localhost as one site, and in Origin, which tells them apart. Programs send neither.
func (g guard) refuses(r *http.Request) string {
	if !g.answersTo(r.Host) {
		return fmt.Sprintf("the emulator answers to addresses and to localhost, not to %q: use http://127.0.0.1 with the port, "+
			"or allow the name with -host or emulator.WithHosts", r.Host)
	}
	const otherSite = "the emulator is not for pages of other sites"
	if origin, ok := r.Header["Origin"]; ok {
		if len(origin) != 1 {
			return otherSite
		}
		from, err := url.Parse(origin[0])
		if err != nil || !strings.EqualFold(from.Host, r.Host) {
			return otherSite
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return ""
	}
	return otherSite
}

// answersTo reports whether a Host header is an IP address, localhost or a name that was allowed,
// with or without a port.
func (g guard) answersTo(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
		if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
			name = host[1 : len(host)-1]
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || strconv.FormatUint(n, 10) != port) {
		return false
	}
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Zone() == "" // a zone may be any text
	}
	return strings.EqualFold(name, "localhost") ||
		slices.ContainsFunc(g.hosts, func(host string) bool { return strings.EqualFold(name, host) })
}

// hostName is what WithHosts takes.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)

// refused answers a request that the guard keeps out, in the words of the service that it was for.
// It leaves no trace: no record, no hit of a fault, no body in memory.
func (e *Emulator) refused(r *http.Request, why string) outcome {
	if m, _, ok := e.mounted(r.URL.EscapedPath()); ok {
		return m.service.refusal(http.StatusForbidden, why).outcome()
	}
	return reply{status: http.StatusForbidden, body: map[string]string{"error": why}}.outcome()
}
