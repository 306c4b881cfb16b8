package emulator

// newestEvents is how many of the newest events of all players can be found by their number.
const newestEvents = 4096

// eventPlace is the place of an event in the list of its user. The list itself is in the order of
// arrival only within a user.
type eventPlace struct {
	userID string
	index  int
}

// arrived numbers an event that is about to be appended to the list of its user. The caller holds
// mu.
func (p *playSmart) arrived(userID string, index int) {
	p.count++
	place := eventPlace{userID, index}
	if len(p.newest) < newestEvents {
		// number 1 is at 1 and number newestEvents at 0, so the ring begins with a place that is
		// empty until it is full
		if len(p.newest) == 0 {
			p.newest = append(p.newest, eventPlace{})
		}
		if p.count < newestEvents {
			p.newest = append(p.newest, place)
			return
		}
	}
	p.newest[p.count%newestEvents] = place
}

// after returns events with a number above last that keep wants, newest first, with their numbers,
// and the newest number. Of more than frameRows it returns a sample, evenly spread, because the
// newest would be one batch of one player, except for the first time, when it is the newest
// firstRows. More says how many were left out, those that the ring has lost included. For a user it
// looks at that user's events alone, all of them; their numbers then count from 1 within the user.
func (p *playSmart) after(userID string, last int, first bool, keep func(Event) bool) (events []numberedEvent, more, newest int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := func(number int) Event {
		place := p.newest[number%newestEvents]
		return p.events[place.userID][place.index]
	}
	newest, oldest := p.count, max(last, p.count-newestEvents)
	if userID != "" {
		newest, oldest = len(p.events[userID]), last
		at = func(number int) Event { return p.events[userID][number-1] }
	}
	more = oldest - last
	var wanted []numberedEvent
	for number := newest; number > oldest; number-- {
		// where there is much to look at, no more is looked at than the ring holds
		if newest-number >= newestEvents {
			more += number - oldest
			break
		}
		if event := at(number); keep(event) {
			wanted = append(wanted, numberedEvent{number, event})
		}
	}
	if shown := min(rowsOf(first), len(wanted)); first {
		events = wanted[:shown]
	} else {
		for i := range shown {
			events = append(events, wanted[i*len(wanted)/shown])
		}
	}
	return events, more + len(wanted) - len(events), newest
}

// numberedEvent is an event with its place in the order of arrival.
type numberedEvent struct {
	number int
	Event
}
