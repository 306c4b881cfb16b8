package playline

import (
	"errors"
	"fmt"
	"iter"
)

// PageOptions select a page of SmartSender's lists; the zero value is the first page at the service's own size.
type PageOptions struct {
	Page int `url:"page,omitempty"`       // from 1
	Size int `url:"limitation,omitempty"` // 1 to 20
}

// Validate checks the bounds.
func (o PageOptions) Validate() error {
	return firstOf(
		check{"page", ruleIf(o.Page < 0, "must be at least 1")},
		check{"limitation", ruleIf(o.Size < 0 || o.Size > 20, "must be from 1 to 20")},
	)
}

// Cursor says which page of one of SmartSender's lists this is, and how many there are.
type Cursor struct {
	Page  int `json:"page"`
	Pages int `json:"pages"`
}

// readPage reads a page of one of SmartSender's lists: the cursor, and the items of the collection that
// can be read. Without the number of pages, or without a list, nobody knows whether more follows.
func readPage[T any](b []byte) (Cursor, []T, error) {
	var in struct {
		Cursor struct {
			Page  *int `json:"page"`
			Pages *int `json:"pages"`
		} `json:"cursor"`
		Collection []T `json:"collection"`
	}
	switch err := decodeLoosely(b, &in); {
	case err != nil:
		return Cursor{}, nil, err
	case in.Cursor.Page == nil:
		return Cursor{}, nil, errors.New("cursor.page is missing")
	case in.Cursor.Pages == nil:
		return Cursor{}, nil, errors.New("cursor.pages is missing")
	case in.Collection == nil:
		return Cursor{}, nil, errors.New("collection is missing")
	}
	return Cursor{*in.Cursor.Page, *in.Cursor.Pages}, in.Collection, nil
}

// next returns the options of the page after the one that o asked for. It goes by what was asked, not by what the service says
// that it sent: a service that sends the same page again must not be asked for ever.
func (c Cursor) next(o PageOptions) (PageOptions, bool) {
	o.Page = max(o.Page, 1)
	if o.Page >= c.Pages {
		return o, false
	}
	o.Page++
	return o, true
}

// maxEmptyPages is how many pages in a row may be empty and still claim that more follow. Without a bound a server could keep a walk
// busy for ever that yields nothing, and so gives its caller no chance to leave it.
const maxEmptyPages = 100

// pages walks a list page by page and yields its items. It fetches a page only when the ones before are used up, and ends with
// the first error. A server that has more and does not say where, leads it in a circle, or through empty pages without end, is one.
//
// O is what selects a page, P the page; parts takes a page apart and says which one is next.
func pages[O comparable, P, T any](o O, fetch func(O) (*P, error), parts func(*P, O) (items []T, next O, more bool)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		o := o // a second walk begins at the start again
		var none T
		// Brent's way to find a circle without keeping every page that was seen: a mark that is moved after 1, 2, 4, 8 ... pages.
		// A walk that has gone round meets it.
		mark, steps, until, empty := o, 0, 1, 0
		for {
			page, err := fetch(o)
			if err != nil {
				yield(none, err)
				return
			}
			items, next, more := parts(page, o)
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if !more {
				return
			}
			if empty++; len(items) > 0 {
				empty = 0
			}
			switch {
			case next == o:
				yield(none, fmt.Errorf("%w: the service says that there is more and not where, the rest of the list is unknown", ErrUnavailable))
				return
			case next == mark:
				yield(none, fmt.Errorf("%w: the service's pages go in a circle, the rest of the list is unknown", ErrUnavailable))
				return
			case empty == maxEmptyPages:
				yield(none, fmt.Errorf("%w: the service sends empty pages without end, the rest of the list is unknown", ErrUnavailable))
				return
			}
			if steps++; steps == until {
				mark, steps, until = next, 0, 2*until
			}
			o = next
		}
	}
}
