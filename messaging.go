package playline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
)

// MessagingService reaches the clients of Sunshine Conversations: the channels over which a user talks. A user is named by its
// id or its external id.
//
// Vendor: https://docs.smooch.io/rest/
type MessagingService service

// ClientStatus is the state of a client's link.
type ClientStatus string

// The states.
const (
	ClientActive   ClientStatus = "active"
	ClientBlocked  ClientStatus = "blocked"
	ClientInactive ClientStatus = "inactive"
	ClientPending  ClientStatus = "pending"
)

// MessagingClient is one channel of a user.
type MessagingClient struct {
	ID            string          `json:"id"`
	Type          string          `json:"type"` // an open set: whatsapp, sdk, mailgun, ...
	Status        ClientStatus    `json:"status"`
	IntegrationID string          `json:"integrationId"`
	ExternalID    string          `json:"externalId"`
	LastSeen      Timestamp       `json:"lastSeen"`
	LinkedAt      Timestamp       `json:"linkedAt"`
	DisplayName   string          `json:"displayName"`
	AvatarURL     string          `json:"avatarUrl"`
	Info          json.RawMessage `json:"info"` // as it came
	Raw           json.RawMessage `json:"raw"`  // the channel's own data, as it came
}

// ClientPage is one page of a user's clients.
type ClientPage struct {
	Clients []MessagingClient `json:"clients"`
	Meta    ClientPageMeta    `json:"meta"`
	Links   ClientPageLinks   `json:"links"`
}

// ClientPageMeta says what is beside a page.
type ClientPageMeta struct {
	HasMore      bool   `json:"hasMore"`
	AfterCursor  string `json:"afterCursor"`
	BeforeCursor string `json:"beforeCursor"`
}

// ClientPageLinks are the addresses of the pages beside a page; the client does not follow them.
type ClientPageLinks struct {
	Prev string `json:"prev"`
	Next string `json:"next"`
}

// ClientListOptions select a page; the zero value is the first page of 25.
type ClientListOptions struct {
	BrandID string `url:"brandId,omitempty"` // needed where users are kept apart by brand and named by external id
	After   string `url:"page[after],omitempty"`
	Before  string `url:"page[before],omitempty"` // not together with After
	Size    int    `url:"page[size],omitempty"`   // 1 to 100
}

// Validate checks the bounds.
func (o ClientListOptions) Validate() error {
	return firstOf(
		check{"brandId", optionalText(o.BrandID)},
		check{"page[after], page[before]", ruleIf(o.After != "" && o.Before != "", "must not both be set")},
		check{"page[after]", cursorRule(o.After)},
		check{"page[before]", cursorRule(o.Before)},
		check{"page[size]", ruleIf(o.Size < 0 || o.Size > 100, "must be from 1 to 100")},
	)
}

func cursorRule(s string) string {
	return ruleIf(s != "" && len(s) != 24, "must be a cursor of 24 characters, as in Meta")
}

// parts goes by the cursor, backwards with Before. Where the service says that there is more and gives no cursor the walk does not move, which
// pages takes for an error: the list is not whole.
func (p *ClientPage) parts(o ClientListOptions) ([]MessagingClient, ClientListOptions, bool) {
	next := o
	if o.Before != "" {
		next.Before = cmp.Or(p.Meta.BeforeCursor, o.Before)
	} else {
		next.After = cmp.Or(p.Meta.AfterCursor, o.After)
	}
	return p.Clients, next, p.Meta.HasMore
}

// BrandOptions name a brand, where users are kept apart by brand and named by external id.
type BrandOptions struct {
	BrandID string `url:"brandId,omitempty"`
}

// Validate checks the brand.
func (o BrandOptions) Validate() error { return firstOf(check{"brandId", optionalText(o.BrandID)}) }

// RemovedClient is the answer to Messaging.RemoveClient; it holds nothing.
type RemovedClient struct{}

type clientEnvelope struct {
	Client *MessagingClient `json:"client"`
}

func (e *clientEnvelope) complete() error {
	if e.Client == nil {
		return errors.New("client is missing")
	}
	return nil
}

// CreateClient asks a channel to link a user to it. The client is pending until the user has confirmed.
//
// Class unsent: a repeat may start a second link. The body has at most 100 kB.
// Vendor: https://docs.smooch.io/rest/
func (s *MessagingService) CreateClient(ctx context.Context, userID string, client ClientCreate, opts ...RequestOption) (*MessagingClient, error) {
	in := input{path: []string{userID}, query: BrandOptions{client.BrandID}, body: client}
	out, err := call[clientEnvelope](ctx, (*service)(s), opCreateClient, in, opts)
	if err != nil {
		return nil, err
	}
	return out.Client, nil
}

// ListClients returns one page of a user's clients, linked and pending.
//
// Class safe.
// Vendor: https://docs.smooch.io/rest/
func (s *MessagingService) ListClients(ctx context.Context, userID string, o ClientListOptions, opts ...RequestOption) (*ClientPage, error) {
	return call[ClientPage](ctx, (*service)(s), opListClients, input{path: []string{userID}, query: o}, opts)
}

// AllClients walks all clients of a user from the page in o on. If the service says that there is more and
// not where, or goes in a circle, the walk ends with an error that matches ErrUnavailable: the list is not
// whole. A cursor is a place in a list that changes while clients are removed: collect the clients first,
// and remove them then.
func (s *MessagingService) AllClients(ctx context.Context, userID string, o ClientListOptions, opts ...RequestOption) iter.Seq2[MessagingClient, error] {
	return pages(o, func(o ClientListOptions) (*ClientPage, error) { return s.ListClients(ctx, userID, o, opts...) }, (*ClientPage).parts)
}

// RemoveClient removes a client and takes it out of every conversation. A client of type sdk cannot be removed.
//
// Class safe. A 404 after an attempt of unknown outcome is a success: that attempt had worked.
// Vendor: https://docs.smooch.io/rest/
func (s *MessagingService) RemoveClient(ctx context.Context, userID, clientID string, o BrandOptions, opts ...RequestOption) (*RemovedClient, error) {
	return call[RemovedClient](ctx, (*service)(s), opRemoveClient, input{path: []string{userID, clientID}, query: o}, opts)
}
