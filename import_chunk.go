package playline

import (
	"context"
	"errors"
	"slices"
)

// chunk imports the valid players of one chunk and settles all of them, unless the import has to stop before. read is how many
// players the input has given so far.
func (in *importer) chunk(ctx context.Context, chunk []placed, read int) {
	valid := make([]Player, 0, len(chunk))
	places := make([]int, 0, len(chunk)) // of the valid ones, in the chunk
	causes := make([]error, len(chunk))
	first := make(map[string]bool, len(chunk))
	imported := 0 // as the service says
	for i, p := range chunk {
		switch err := p.player.Validate(); {
		case err != nil:
			causes[i] = err
		case first[p.player.ExternalID]:
			causes[i] = &ValidationError{"external_id", "must be unique within 1000 players: one before has it too"}
		default:
			first[p.player.ExternalID] = true
			valid, places = append(valid, p.player), append(places, i)
		}
	}
	if len(valid) > 0 {
		result, err := in.send(ctx, valid)
		if !in.blame(err, causes, places, chunk[0].index) {
			return
		}
		imported = max(result.Imported, 0)
	}
	in.settle(chunk, causes, imported, read)
}

// send imports the players of one request. The result is never nil.
func (in *importer) send(ctx context.Context, players []Player) (*ImportResult, error) {
	opts := in.opts
	var response Response
	if in.capture != nil {
		opts = append(slices.Clip(opts), CaptureResponse(&response))
	}
	result, err := in.service.Import(ctx, players, opts...)
	if result == nil {
		result = &ImportResult{}
	}
	if in.capture != nil {
		in.mu.Lock()
		defer in.mu.Unlock()
		*in.capture = response
	}
	return result, err
}

// blame writes the failures of a request to the causes of its players; places are the places of the request's players in causes,
// and first is the place of causes in the input. It returns false if the chunk must be sent again later: nothing of it arrived, and the import has stopped.
func (in *importer) blame(err error, causes []error, places []int, first int) (settled bool) {
	if err == nil {
		return true
	}
	if partial, ok := errors.AsType[*PartialError](err); ok {
		for _, item := range partial.Items {
			if item.Index >= 0 {
				place := places[item.Index]
				item.Index = first + place // from now on in the whole input
				causes[place] = item
				continue
			}
			// The service says that somebody failed and not who. All players of the request that are not blamed
			// otherwise are suspects, and saying so loses nobody.
			for _, i := range places {
				if causes[i] == nil {
					causes[i] = item
				}
			}
		}
		return true
	}
	unknown := errors.Is(err, ErrOutcomeUnknown)
	if unknown || !stops(err) {
		for _, i := range places {
			causes[i] = err
		}
	}
	if stops(err) {
		in.mu.Lock()
		defer in.mu.Unlock()
		if in.stopped == nil {
			in.stopped = err
		}
	}
	return unknown || !stops(err)
}

// stops reports whether an error would meet every further chunk too. The players of a request are valid, so what is invalid is
// an option.
func stops(err error) bool {
	if _, invalid := errors.AsType[*ValidationError](err); invalid {
		return true
	}
	return isContextEnd(err) || slices.ContainsFunc(
		[]error{ErrUnauthorized, ErrForbidden, ErrNotConfigured, ErrUnavailable, ErrRateLimited, ErrOutcomeUnknown},
		func(target error) bool { return errors.Is(err, target) },
	)
}

// settle adds a chunk to the summary and tells the caller; imported is how many players the service says it imported.
func (in *importer) settle(chunk []placed, causes []error, imported, read int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	s := in.summary
	fine := 0 // players without a failure
	for i, p := range chunk {
		if causes[i] == nil {
			fine++
			continue
		}
		s.Failed++
		f := ImportFailure{p.index, p.player, causes[i]}
		if in.options.OnFailure != nil {
			in.options.OnFailure(f)
		} else {
			s.Failures = append(s.Failures, f)
		}
	}
	s.Imported += min(imported, fine)
	s.Unaccounted += fine - min(imported, fine)
	s.Read = max(s.Read, read)
	s.Resume.settle(ImportRange{chunk[0].index, chunk[len(chunk)-1].index + 1})
	if in.options.Progress != nil {
		in.options.Progress(s.ImportProgress)
	}
}

// settle adds a range and moves Next over what is settled without a gap.
func (p *ImportPoint) settle(r ImportRange) {
	at, _ := slices.BinarySearchFunc(p.Done, r, func(a, b ImportRange) int { return a.First - b.First })
	p.Done = slices.Insert(slices.Clone(p.Done), at, r)
	for len(p.Done) > 0 && p.Done[0].First <= p.Next {
		p.Next = max(p.Next, p.Done[0].End)
		p.Done = p.Done[1:]
	}
	if len(p.Done) == 0 {
		p.Done = nil
	}
}
