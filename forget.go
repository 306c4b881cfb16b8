package playline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/playline/playline-go/batcher"
)

// EventEraser drops the events that wait for a player somewhere. *batcher.Batcher is one, and with a
// Store it erases there too. For a fleet the module relay has one for a game server and one for its
// stream and relays.
type EventEraser interface {
	// Erase drops what waits for a player and takes no more. A player of whom nothing waits is no error.
	Erase(ctx context.Context, userID string) (batcher.Erasure, error)
}

// ForgetOptions change what Forget does.
type ForgetOptions struct {
	// DryRun reads and changes nothing.
	DryRun bool
	// Events are where events of the player may wait: the batchers of this process, and whatever else
	// holds some.
	Events []EventEraser
	// LiftSuppressions also removes Fyno's suppressions of the e-mail address and the phone number. They
	// keep messages from these, also for others who share them, so they stay by default.
	LiftSuppressions bool
}

// Forget erases a person, as an erasure request wants it: the events that wait, Sunshine's clients,
// SmartSender's contact, Smooven's player, and Fyno's suppressions and profile, in this order.
//
// One service's failure does not hold up the others. The error joins what failed, with the report beside
// it; the report is nil only if the identity is invalid. A configured service that could not be asked,
// because the identity holds no key for it, is an error that matches ErrNotAsked: Smooven and Fyno need
// an id, so an e-mail address alone does not erase a person. Forget looks again after each deletion whose
// answer does not say that it worked; one that nothing confirms matches ErrUnconfirmed.
//
// To resume call Forget again with FlowReport.Identity, which holds the ids that were learned, until the
// error is nil: what is gone is reported as nothing there. With the identity as it was given Forget does
// the rest too, but it does not find a contact that it cleared and the service does not delete, and
// reports nothing there. A nil error does not mean that nothing is left: FlowReport.Complete is false
// while FlowReport.Impossible lists what these APIs have no operation for, until the vendor erases it. The
// game itself must stop sending the person's data: the erasers refuse events that are tracked later, but
// a registration makes a new player.
//
// Keys are the services' ids. Without a contact's id Forget looks for SmartSender's contact by e-mail
// address, where only the case of ASCII letters is ignored, and by phone number. If that is not surely one
// contact the step fails with an *AmbiguousError and erases nothing. It also fails if ContactID is gone
// but another contact has the same address or number: if the contact was merged into that one, set
// ContactID to it; if it is someone else's, leave Email and Phone empty. Smooven cannot look an external
// id up: without SmoovenID, or if that is gone, Forget registers it with no data, which returns the player
// id, and deletes that. Fyno's profile is erased in the version that the client is configured for.
func (c *Client) Forget(ctx context.Context, who Identity, o ForgetOptions, opts ...RequestOption) (*FlowReport, error) {
	if err := who.Validate(); err != nil {
		return nil, err
	}
	for i, e := range o.Events {
		if e == nil {
			return nil, &ValidationError{fmt.Sprintf("events[%d]", i), "must not be nil"}
		}
	}
	f := &forgetting{flow{c, ctx, opts, &FlowReport{DryRun: o.DryRun, Identity: who}}, who, o}
	f.events() // first, so that nothing comes after
	f.clients()
	f.contact()
	f.player()
	f.suppressions()
	f.profile()
	return f.report, f.report.Err()
}

// forgetting is one call of Forget.
type forgetting struct {
	flow
	who Identity
	o   ForgetOptions
}

func (f *forgetting) events() {
	id := f.who.or(f.who.PlaySmartID)
	switch {
	case len(f.o.Events) == 0:
		f.say(PlaySmart, "events that wait", FlowNotConfigured, "ForgetOptions.Events is empty: what waits in a batcher or in a spool is not erased")
	case id == "":
		f.say(PlaySmart, "events that wait", FlowNotAsked, "the identity holds no ID or PlaySmartID")
	}
	for i, e := range f.o.Events {
		if id == "" {
			break
		}
		what := "events that wait"
		if len(f.o.Events) > 1 {
			what += fmt.Sprintf(" (%d of %d)", i+1, len(f.o.Events))
		}
		f.step(PlaySmart, what, func() (result, error) {
			if f.o.DryRun {
				return result{FlowPlanned, "drop them and take no more"}, nil
			}
			erased, err := e.Erase(f.ctx, id)
			r := result{FlowNothing, ""}
			if erased.Events > 0 {
				r = result{FlowDone, fmt.Sprintf("%d dropped", erased.Events)}
			}
			if erased.InDoubt > 0 {
				r.detail += fmt.Sprintf(", %d of them may have arrived", erased.InDoubt)
			}
			return r, err
		})
	}
	if f.ready(PlaySmart, "account and stored events", id != "" || f.who.Email != "", "ID, PlaySmartID or e-mail address") {
		f.say(PlaySmart, "account and stored events", FlowImpossible, "the API has no operation for it, ask the vendor: https://doc.playsmart.api.dolly.gg")
	}
}

func (f *forgetting) clients() {
	id := f.who.or(f.who.SunshineID)
	if !f.ready(Sunshine, "clients", id != "", "ID or SunshineID") {
		return
	}
	var found []MessagingClient
	f.step(Sunshine, "look for clients", func() (result, error) {
		for client, err := range f.Messaging.AllClients(f.ctx, id, ClientListOptions{BrandID: f.who.BrandID}, f.opts...) {
			if isGone(err) {
				break
			}
			if err != nil { // what came before it is removed all the same: a list that breaks at its end breaks there each time
				return result{"", fmt.Sprintf("%d found", len(found))}, err
			}
			found = append(found, client)
		}
		if len(found) == 0 {
			return result{FlowNothing, ""}, nil
		}
		return result{FlowFound, fmt.Sprintf("%d found", len(found))}, nil
	})
	first := len(f.report.Steps)
	for _, client := range found {
		what := clientStep(client)
		if client.Type == "sdk" {
			f.say(Sunshine, what, FlowImpossible, "clients of this type cannot be removed; they go with the user")
			continue
		}
		f.step(Sunshine, what, func() (result, error) {
			if f.o.DryRun {
				return result{FlowPlanned, "remove it"}, nil
			}
			_, err := f.Messaging.RemoveClient(f.ctx, id, client.ID, BrandOptions{f.who.BrandID}, f.opts...)
			return erased(err)
		})
	}
	f.confirmClients(id, f.report.Steps[first:])
	f.say(Sunshine, "user, conversations and messages", FlowImpossible,
		"this library has no operation for it; the vendor's API deletes users: https://docs.smooch.io/rest/")
}

func clientStep(c MessagingClient) string { return fmt.Sprintf("client %s (%s)", c.ID, c.Type) }

// confirmClients lists the clients again after their removal: an empty object is all that Sunshine
// answers to it, which anything between here and there can answer too.
func (f *forgetting) confirmClients(id string, steps []FlowStep) {
	removed := func(s FlowStep) bool { return s.Status == FlowDone }
	if !slices.ContainsFunc(steps, removed) {
		return
	}
	var left []string
	var failed error
	for client, err := range f.Messaging.AllClients(f.ctx, id, ClientListOptions{BrandID: f.who.BrandID}, f.opts...) {
		if failed = err; err != nil {
			break
		}
		left = append(left, clientStep(client))
	}
	if isGone(failed) {
		failed = nil
	}
	for i, s := range steps {
		switch {
		case !removed(s):
		case slices.Contains(left, s.What):
			steps[i].Status, steps[i].Detail = FlowUnconfirmed, "the service took the removal and still lists the client"
		case failed != nil:
			steps[i].Status, steps[i].Detail, steps[i].Err = FlowFailed, "the service took the removal; whether the client is gone is not known", failed
		}
	}
}

func (f *forgetting) player() {
	if !f.ready(Smooven, "player", f.who.ID+f.who.SmoovenID != "", "ID or SmoovenID") {
		return
	}
	f.step(Smooven, "player", func() (result, error) {
		id := f.who.SmoovenID
		switch {
		case f.endpoints[Smooven].auth == nil:
			return result{}, notConfigured(opDeletePlayer, "the public app id is not enough for it: ")
		case f.o.DryRun && id == "":
			return result{FlowPlanned, planByExternalID}, nil
		case f.o.DryRun:
			player, err := f.Players.Get(f.ctx, id, f.opts...)
			switch {
			case isGone(err) && f.who.ID != "":
				return result{FlowPlanned, planByExternalID}, nil
			case isGone(err):
				return result{FlowNothing, ""}, nil
			case err != nil:
				return result{}, err
			case player.PlayerID != id:
				return result{FlowUnconfirmed, "the answer about the player does not name it"}, nil
			}
			return result{FlowPlanned, "delete it"}, nil
		case id == "":
			return f.playerByExternalID()
		}
		r, err := f.deletePlayer(id)
		if r.status == FlowNothing && f.who.ID != "" { // who was deleted and registered again has another id
			return f.playerByExternalID()
		}
		return r, err
	})
}

const planByExternalID = "register the external id without data, which returns the player id, and delete that player; there is no look-up"

// playerByExternalID deletes the player that has the game's id.
func (f *forgetting) playerByExternalID() (result, error) {
	registered, err := f.Players.Register(f.ctx, Player{ExternalID: f.who.ID}, f.opts...)
	if err != nil {
		return result{}, err
	}
	if registered.PlayerID == "" {
		return result{}, errors.New("the service returned no player id for the external id: give Identity.SmoovenID")
	}
	f.report.Identity.SmoovenID = registered.PlayerID
	r, err := f.deletePlayer(registered.PlayerID)
	if registered.Created && r.status == FlowDone {
		r = result{FlowNothing, "an empty player was made to look it up, and deleted"}
	}
	return r, err
}

// deletePlayer deletes a player and looks whether it is gone: Smooven does not document what it answers
// to a deletion.
func (f *forgetting) deletePlayer(id string) (result, error) {
	_, err := f.Players.Delete(f.ctx, id, f.opts...)
	if r, err := erased(err); r.status != FlowDone {
		return r, err
	}
	left, err := f.Players.Get(f.ctx, id, f.opts...)
	switch {
	case isGone(err):
		return result{FlowDone, ""}, nil
	case err != nil:
		return result{"", "the service took the deletion; whether the player is gone is not known"}, err
	case left.PlayerID == id:
		return result{FlowUnconfirmed, "the service took the deletion and still shows the player"}, nil
	}
	return result{FlowUnconfirmed, "the service took the deletion; its answer about the player says neither that it is gone nor who it is"}, nil
}

// erased says what the end of a deletion means.
func erased(err error) (result, error) {
	switch {
	case isGone(err):
		return result{FlowNothing, ""}, nil
	case err != nil:
		return result{}, err
	}
	return result{FlowDone, ""}, nil
}
