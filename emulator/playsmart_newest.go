package emulator

// newestEvents is how many of the newest events of all players can be told by their number.
const newestEvents = 4096

// eventPlace is where an event stands: in the list of its user. The list itself is in the order of arrival only within a user.
type eventPlace struct {
	userID string
	index  int
}

// arrived numbers an event that is about to be appended to the list of its user. The caller holds mu.
func (p *playSmart) arrived(userID string, index int) {
	p.count++
	place := eventPlace{userID, index}
	if len(p.newest) < newestEvents {
		// number 1 stands at 1 and number newestEvents at 0, so the ring begins with a place that stays empty until it is full
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

// after returns the newest events with a number above last that keep wants, newest first, limit of them at most, with their numbers, and
// the newest number. More says how many there were besides, those that the ring has lost included. For a user it looks at that user's
// events alone, all of them; their numbers then count from 1 within the user.
func (p *playSmart) after(userID string, last, limit int, keep func(Event) bool) (events []numberedEvent, more, newest int) {
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
	more = max(0, oldest-last)
	for number := newest; number > oldest; number-- {
		// where there is much to look at, no more is counted than the ring holds
		if newest-number >= newestEvents {
			more += number - oldest
			break
		}
		event := at(number)
		switch {
		case !keep(event):
		case len(events) < limit:
			events = append(events, numberedEvent{number, event})
		default:
			more++
		}
	}
	return events, more, newest
}

// numberedEvent is an event with its place in the order of arrival.
type numberedEvent struct {
	number int
	Event
}
