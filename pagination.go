package playline

import "iter"

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

// Cursor says where a page of SmartSender's stands.
type Cursor struct {
	Page  int `json:"page"`
	Pages int `json:"pages"`
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

// pages walks a list page by page and yields its items. It fetches a page only when the ones before are used up, and ends with
// the first error.
//
// O is what selects a page, P the page; parts takes a page apart and says which one is next.
func pages[O, P, T any](o O, fetch func(O) (*P, error), parts func(*P, O) (items []T, next O, more bool)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		o := o // a second walk begins at the start again
		for {
			page, err := fetch(o)
			if err != nil {
				var none T
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
			o = next
		}
	}
}
