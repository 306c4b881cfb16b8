package relay

import (
	"fmt"
	"slices"
	"strings"
)

// Role is a kind of program of a fleet, by what it does to the streams.
type Role string

// The roles. Each has the rights that Permissions lists, and works with them.
const (
	RoleSetup      Role = "setup"       // calls CreateStream
	RoleGameServer Role = "game-server" // has a Publisher
	RoleRelay      Role = "relay"       // has a Relay
	RoleEraser     Role = "eraser"      // has an Eraser
	RoleSupport    Role = "support"     // reads and removes DeadLetters
)

// Permission is what one user of the NATS servers may do. Its String is the permissions block of
// that user in a server's configuration.
type Permission struct {
	Publish   []string // subjects, with wildcards
	Subscribe []string
	// Inbox is what the connection must be given in nats.CustomInboxPrefix. The default prefix is
	// the same for everybody, so with a right to it a program reads the answers, and the events, of
	// all others.
	Inbox string
}

// String returns the block, in one line, as a server's configuration has it.
func (p Permission) String() string {
	quoted := func(subjects []string) string {
		var b strings.Builder
		for i, s := range subjects {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%q", s)
		}
		return b.String()
	}
	return fmt.Sprintf("permissions: { publish: [%s], subscribe: [%s] }", quoted(p.Publish), quoted(p.Subscribe))
}

// Permissions returns the least rights with which a role works for one game, in the account of the
// streams. stream is what CreateStream is given.
//
// The rights of a game server end at its own game. Those of the other roles end at the stream: NATS
// cannot bound a purge, a consumer or the deletion of a message by the subjects in a stream. And in
// NATS, who may publish to a stream chooses where the stream's answer goes, without a check: inside
// one account a program that is meant ill can have such answers written under any subject. So
// games, or programs, that must not trust each other belong into accounts of their own; see
// [ServerConfig].
func Permissions(role Role, stream StreamConfig, gameID string) (Permission, error) {
	stream = stream.withDefaults()
	if err := stream.validate(); err != nil {
		return Permission{}, err
	}
	game, err := token(gameID)
	if err != nil {
		return Permission{}, err
	}
	events, dead, leases := stream.Name, stream.Name+"-dead", stream.Name+"-leases"
	api := func(call string, names ...string) (out []string) {
		for _, name := range names {
			out = append(out, "$JS.API."+call+"."+name)
		}
		return out
	}
	p := Permission{Inbox: "_INBOX." + stream.Prefix + "." + game + "." + string(role)}
	p.Subscribe = []string{p.Inbox + ".>"}
	switch role {
	case RoleSetup:
		p.Publish = slices.Concat(api("STREAM.CREATE", events, dead, leases), api("STREAM.INFO", events, dead, leases))
	case RoleGameServer:
		p.Publish = []string{stream.Prefix + "." + game + ".*"}
	case RoleRelay:
		p.Publish = slices.Concat(
			api("STREAM.INFO", events, dead, leases),
			api("CONSUMER.CREATE", events+".*.*.*."+game+".*"), // the last tokens are the subjects that it reads
			api("CONSUMER.INFO", events+".*"), api("CONSUMER.DELETE", events+".*"), api("CONSUMER.MSG.NEXT", events+".*"),
			[]string{"$JS.ACK." + events + ".>"},
			api("STREAM.MSG.GET", leases), api("STREAM.MSG.DELETE", leases), []string{stream.leasePrefix() + game + ".>"},
			[]string{stream.deadPrefix() + game + ".*", stream.erasedPrefix() + game + ".*"},
		)
	case RoleEraser:
		p.Publish = slices.Concat(
			api("STREAM.INFO", events, dead), api("STREAM.PURGE", events, dead), []string{stream.erasePrefix() + game + ".*"},
		)
		p.Subscribe = append(p.Subscribe, stream.erasedPrefix()+game+".*")
	case RoleSupport:
		p.Publish = slices.Concat(api("STREAM.INFO", dead), api("STREAM.MSG.GET", dead), api("STREAM.MSG.DELETE", dead))
	default:
		return Permission{}, fmt.Errorf("relay: there is no role %q", role)
	}
	return p, nil
}

// ServerConfig returns two accounts for one game, to be pasted into accounts { } in the
// configuration of the NATS servers: one of the streams, with a user for each role, and one of the
// game servers, which can reach nothing but the one subject that their events are published to. A
// game server's account also cannot choose where the stream's answers go: the server translates
// them between the accounts. Games with a stream and these two accounts each can do nothing to each
// other.
//
// The passwords are variables of the servers' environment, such as EVENTS_RELAY_PASSWORD for the
// relays of a stream EVENTS. Replace them by NKeys or certificates if you use those.
func ServerConfig(stream StreamConfig, gameID string) (string, error) {
	stream = stream.withDefaults()
	var b strings.Builder
	variable := func(role Role) string {
		return strings.ToUpper(strings.ReplaceAll(stream.Name+"-"+string(role), "-", "_")) + "_PASSWORD"
	}
	user := func(role Role) error {
		p, err := Permissions(role, stream, gameID)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(&b, "      { user: %q, password: $%s,\n        # nats.CustomInboxPrefix(%q)\n        %s }\n",
			strings.ToLower(stream.Name)+"-"+string(role), variable(role), p.Inbox, p)
		return nil
	}
	server, err := Permissions(RoleGameServer, stream, gameID)
	if err != nil {
		return "", err
	}
	subject := server.Publish[0]
	_, _ = fmt.Fprintf(&b, "  %q {\n    jetstream: enabled\n    users: [\n", stream.Name)
	for _, role := range []Role{RoleSetup, RoleRelay, RoleEraser, RoleSupport} {
		if role == RoleEraser && !stream.Erasable {
			continue
		}
		if err := user(role); err != nil {
			return "", err
		}
	}
	_, _ = fmt.Fprintf(&b, "    ]\n    exports: [ { service: %q, accounts: [%q] } ]\n  }\n", subject, stream.Name+"-servers")
	_, _ = fmt.Fprintf(&b, "  %q {\n    users: [\n", stream.Name+"-servers")
	if err := user(RoleGameServer); err != nil {
		return "", err
	}
	_, _ = fmt.Fprintf(&b, "    ]\n    imports: [ { service: { account: %q, subject: %q } } ]\n  }\n", stream.Name, subject)
	return b.String(), nil
}
