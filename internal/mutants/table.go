package main

// mutant is a piece of code that keeps a promise, and the code that replaces it to break the
// promise.
type mutant struct {
	promise string
	change  string
	file    string // in batcher/
	code    string // once in the file
	broken  string
	test    string
}

// mutants are in the order of the promises in batcher/doc.go.
var mutants = []mutant{
	{
		"accepted means kept", "what was not sent is rejected", "delivery.go",
		"	case Invalid:\n		return b.blame", "	case Invalid, NotSent:\n		return b.blame", "TestAnOutageCostsAProbeASecond",
	},
	{
		"accepted means kept", "a batch in doubt is taken as delivered", "delivery.go",
		"	if err == nil {\n		b.delivered(l, blk, receipt)", "	if err == nil || f.Failure == InDoubt {\n		b.delivered(l, blk, receipt)", "TestInDoubtAtLeastOnceCountsThePossibleDuplicates",
	},
	{
		"the ledger balances", "one event of a batch stays pending", "stats.go",
		"b.budget.release(int64(blk.events), ", "b.budget.release(int64(blk.events)-1, ", "TestTheLedgerBalancesDuringSendsAndCallbacks",
	},
	{
		"exactly one result", "a result is reported twice", "resolve.go",
		"		b.cfg.OnOutcome(b.outcome(l, blk, r, err))\n", "		b.cfg.OnOutcome(b.outcome(l, blk, r, err))\n		b.cfg.OnOutcome(b.outcome(l, blk, r, err))\n", "TestTheLedgerOfEachResult",
	},
	{
		"expired only with MaxAge", "an age limit of its own", "resolve.go",
		"	if b.cfg.MaxAge == 0 {\n		return\n	}\n", "	if b.cfg.MaxAge == 0 {\n		b.cfg.MaxAge = time.Hour\n	}\n", "TestWithoutMaxAgeNothingExpires",
	},
	{
		"expired within 5 s of MaxAge, also in an outage", "at the player's turn alone", "age_line.go",
		"	if a.batcher.cfg.MaxAge == 0 || a.closed", "	if a.batcher.cfg.MaxAge > 0 || a.closed", "TestNothingGrowsOlderThanMaxAgeInAnOutage",
	},
	{
		"a player whose events expire keeps its place in line", "it goes to the end", "scheduler.go",
		"	at := l.inLineSince\n", "	at := int64(0)\n", "TestAPlayerWhoseEventsExpireKeepsItsPlaceInLine",
	},
	{
		"a pause outlasts events that expire", "it ends with them", "lane_state.go",
		"f.from == waiting && pauses && !f.erased", "f.from == waiting && pauses && !f.erased && f.waits", "TestAPauseOutlastsItsEvents",
	},
	{
		"a player whose events expire learns that the service is back", "it goes on pausing", "delivery.go",
		"l.failures, l.shedFrom = 0, ready", "l.failures = 0", "TestTheServiceComesBackWhileEventsExpire",
	},
	{
		"unknown only with AtMostOnce", "events of other types are given up with them", "resolve.go",
		"		if i.once {\n", "		if i.once || true {\n", "TestAtMostOnce",
	},
	{
		"returned: handed back by Close", "the report forgets what was left", "close.go",
		"b.report.LeftOver = append(b.report.LeftOver, b.outcome(l, left, Returned, err))\n", "_ = b.outcome(l, left, Returned, err)\n", "TestCloseHandsBackTheRestAtItsDeadline",
	},
	{
		"order: one request a player", "an event that comes during a request makes the player ready", "lane_state.go",
		"		replied: always(take),\n", "		replied: always(take), filled: always(queue),\n", "TestOrderWithinAPlayer",
	},
	{
		"order of the events", "the halves of a batch change places", "resolve.go",
		"	a.next, z.next, z.barriers = z, blk.next, blk.barriers\n	l.head = a\n", "	a, z = z, a\n	a.next, z.next, z.barriers = z, blk.next, blk.barriers\n	l.head = a\n", "TestA400IsolatesExactlyTheBadEvents",
	},
	{
		"isolation: throttling", "one player's 429s shut the gate", "delivery.go",
		"silent := f.Failure == Throttled && l.failures > 0 && !probe", "silent := false", "TestAThrottledPlayerAloneDoesNotShutTheGate",
	},
	{
		"isolation: bad data", "a 400 counts as an outage", "delivery.go",
		"		return b.blame(l, blk, err)\n", "		b.blame(l, blk, err)\n		return sight{down: true}\n", "TestABadPlayerDelaysNobody",
	},
	{
		"isolation: a token source that hangs", "a probe waits for its token", "delivery.go",
		"	if probe {\n		back = b.sched.lend()\n	}\n", "", "TestAProbeDoesNotWaitForATokenSourceThatHangs",
	},
	{
		"an outage: one probe", "the gate never shuts", "gate.go",
		"g.failures < gateFailures && !g.shut", "g.failures > 0 && !g.shut", "TestAnOutageCostsAProbeASecond",
	},
	{
		"an outage: a slow start", "the gate opens wide", "gate.go",
		"g.shut, g.ramp, g.rampAt, g.failures, g.opened = false, 1,", "g.shut, g.ramp, g.rampAt, g.failures, g.opened = false, 0,", "TestAfterAnOutageRequestsRampUp",
	},
	{
		"an outage: no herd after it", "the backlog goes as fast as it can", "gate.go",
		"	g.pace.opens(now)\n", "", "TestAfterAnOutageRequestsAreAtMostTwiceAsManyAsUsual",
	},
	{
		"bounds of all", "room for one event too many", "budget.go",
		"taken>>bytesBits >= b.maxEvents", "taken>>bytesBits > b.maxEvents", "TestTryTrackReturnsErrFullAtTheBound",
	},
	{
		"bounds of each", "one event too many a player", "player.go",
		"l.events < cfg.MaxPlayerEvents", "l.events <= cfg.MaxPlayerEvents", "TestTryTrackReturnsErrFullAtTheBound",
	},
	{
		"Track waits in line", "who comes later passes the line", "budget.go",
		"return b.waiting.Load() == 0 && b.add(bytes)", "return b.add(bytes)", "TestBudgetWakeUps",
	},
	{
		"goroutines: MaxInFlight", "one more", "gate.go",
		"return inFlight < g.atOnce(most) &&", "return inFlight <= g.atOnce(most) &&", "TestGoroutinesAreAtMostMaxInFlight",
	},
	{
		"an idle player is forgotten", "it stays", "lane.go",
		"		delete(s.lanes, l.user)\n", "", "TestIdlePlayersAreForgottenAndComeBack",
	},
	{
		"Flush is a barrier", "it does not wait", "flush.go",
		"	bar.left.Add(1)\n", "	bar.left.Add(1)\n	defer bar.reach()\n	bar.left.Add(1)\n	defer bar.reach()\n	return\n", "TestFlushCoversWhatCameBeforeAndNotWhatComesAfter",
	},
	{
		"Flush ends with its context", "it waits on", "flush.go",
		"	case <-ctx.Done():\n		// What is done", "	case <-b.closing:\n		// What is done", "TestAFlushThatIsCancelledKeepsAll",
	},
	{
		"Close ends with its context", "it drains on", "close.go",
		"		case <-ctx.Done():\n			return ctx.Err()\n		case <-b.stirred:", "		case <-b.stirred:", "TestCloseHandsBackTheRestAtItsDeadline",
	},
	{
		"Close sends what it can", "it hands back all at once", "close.go",
		"	b.report.ended = b.drain(ctx, bar)\n", "", "TestCloseSendsWhatWaits",
	},
	{
		"trigger: 200 events", "a full batch lingers", "lane.go",
		"	if l.tail.events >= b.cfg.BatchEvents || l.tail.bytes >= b.cfg.BatchBytes {\n		event, l.tail.sealed = filled, true\n	}\n", "", "TestThe200thEventGoesAtOnce",
	},
	{
		"trigger: bytes", "a request holds more than BatchBytes", "lane.go",
		"l.tail.events < b.cfg.BatchEvents && l.frame+l.tail.bytes+l.tail.events+size <= b.cfg.BatchBytes", "l.tail.events < b.cfg.BatchEvents", "TestTheEventThatDoesNotFitSendsTheOthers",
	},
	{
		"trigger: linger", "a millisecond later", "lane.go",
		"at := max(l.head.born, l.head.came) + int64(b.cfg.Linger)", "at := max(l.head.born, l.head.came) + int64(b.cfg.Linger) + 1e6", "TestLingerIsExact",
	},
	{
		"trigger: a token about to end", "its end is not looked at", "lane.go",
		"			at = min(at, b.now()+int64(left-b.cfg.TokenRenewal))\n", "			_ = left\n", "TestATokenAboutToEndSendsWhatWaits",
	},
	{
		"trigger: no room", "who waits makes nobody go", "player.go",
		"size, b.endLingering)", "size, func() {})", "TestAWaitingTrackMakesEverythingGo",
	},
	{
		"full requests from a full batcher", "who waits for room seals what waits", "player.go",
		"size, b.endLingering)", "size, func() {\n		for l := range b.lanes() {\n			l.mu.Lock()\n			if l.tail != nil {\n				l.tail.sealed = true\n				b.stepLocked(l, hurried, b.now())\n			}\n			l.mu.Unlock()\n		}\n	})", "TestAFullBudgetSendsFullBatches",
	},
	{
		"full requests from a full batcher", "a signal seals what waits", "lane.go",
		"	l.tail.hurried = true\n", "	l.tail.sealed = true\n", "TestSignalsDuringAPauseSendFullBatches",
	},
	{
		"429, 503: a pause that grows", "always the shortest", "delivery.go",
		"ceiling := min(lanePause<<min(l.failures, 10), laneMaxPause)", "ceiling := lanePause", "TestPausesGrowWithJitterUpToAMinute",
	},
	{
		"Retry-After is a floor", "it is not looked at", "delivery.go",
		"min(retryAfter, b.cfg.MaxRetryAfter))\n	now := ", "0)\n	now := ", "TestRetryAfterIsAFloorAndCapped",
	},
	{
		"Retry-After is capped", "it is not", "delivery.go",
		"min(retryAfter, b.cfg.MaxRetryAfter))\n	now := ", "retryAfter)\n	now := ", "TestRetryAfterIsAFloorAndCapped",
	},
	{
		"401: the source is asked once more", "it parks at once", "lane_token.go",
		"f == Unauthorized && first", "f == Unauthorized && first && false", "Test401AsksTheSourceOnceMoreThenParks",
	},
	{
		"401: then it parks", "it never stops asking", "lane_token.go",
		"f == Unauthorized && first", "f == Unauthorized && (first || true)", "Test401AsksTheSourceOnceMoreThenParks",
	},
	{
		"403: it parks", "the source is asked", "lane_token.go",
		"f == Unauthorized && first", "first", "Test403ParksWithoutAskingAgain",
	},
	{
		"400: only the bad event is rejected", "the whole batch is", "resolve.go",
		"	if blk.events == 1 {\n		l.mu.Lock()\n		wholly", "	if blk.events > 0 {\n		l.mu.Lock()\n		wholly", "TestA400IsolatesExactlyTheBadEvents",
	},
	{
		"413: cut by bytes", "cut by number", "delivery.go",
		"l.head.bytes, l.head.half()", "l.head.bytes, l.head.events/2", "TestA413CutsWhereTheBytesAre",
	},
	{
		"believe only the service", "a stranger's refusal rejects events", "outcome.go",
		"	if e.Stranger && (e.Failure == Invalid || e.Failure == Forbidden) {", "	if e.Stranger && e.Failure == Forbidden {", "TestAStrangersRefusalLosesNothing",
	},
	{
		"believe only the service", "a stranger's 401 parks", "delivery.go",
		"		if f.Stranger {\n			return b.refusedByStranger", "		if f.Stranger && probe {\n			return b.refusedByStranger", "TestAStrangers401AsksTheSourceOnceAndNeverParks",
	},
	{
		"believe only the service", "a stranger's 413 rejects a single event", "delivery.go",
		"	if f.Stranger && b.sizes", "	if false && b.sizes", "TestASingleEventThatAStrangerFindsTooLarge",
	},
	{
		"believe only the service", "a stranger's refusal means that nothing arrived", "outcome.go",
		"	return e.Failure == InDoubt || e.Stranger && e.means() == Unavailable\n", "	return e.Failure == InDoubt\n", "TestAtMostOnceBehindAStranger",
	},
	{
		"believe only the service", "what an answer does not account for is not counted", "stats.go",
		"		b.ledger.unconfirmed += int64(blk.unconfirmed)\n", "", "TestAnAnswerThatConfirmsAPart",
	},
	{
		"a service that refuses everything", "all is rejected", "refused.go",
		"		r.held = true\n		return false, true\n", "", "TestAServiceThatRefusesEverything",
	},
	{
		"a service that refuses everything", "RejectRefused changes nothing", "refused.go",
		"	case r.goOn:\n		return true, false\n", "", "TestAServiceThatRefusesEverything",
	},
	{
		"a request that is too large in other words", "it is repeated whole", "sizes.go",
		"		return blk.failures >= smallerPass, true\n", "		return false, true\n", "TestAnOutagesBacklogPassesASizeLimit",
	},
	{
		"a request that is too large in other words", "the size that passed is forgotten", "delivery.go",
		"	b.fitLocked(l)\n", "", "TestTheSizeThatPassedIsRemembered",
	},
	{
		"a limiter's wait is no part of a request", "it is", "delivery.go",
		"	a, ok := b.sender.(Admitter)\n", "	a, ok := b.sender.(Admitter)\n	ok = false\n", "TestALimitersWaitIsNoPartOfARequest",
	},
	{
		"a probe that hangs", "it may take all of SendTimeout", "delivery.go",
		"		limit = b.sched.probeTime()\n", "", "TestAProbeThatHangsDoesNotHoldTheServiceDown",
	},
	{
		"a probe that hangs", "a slow service is held down", "gate.go",
		"			g.slow++\n", "", "TestAServiceThatIsSlowIsNotHeldDown",
	},
	{
		"an outage: late failures", "they shut the gate again", "gate.go",
		"	case seen.began < g.opened && !g.shut:", "	case seen.began < g.opened && false:", "TestALateFailureDoesNotShutTheGateAgain",
	},
	{
		"End keeps the next session's token", "it drops it", "parked.go",
		"	l.given++\n", "", "TestATokenThatIsSetDuringEndStays",
	},
	{
		"Close says what it leaves", "not a callback that still runs", "close.go",
		"	if r.Pending > 0 {", "	if r.Pending > 0 && false {", "TestCloseSaysThatACallbackStillRuns",
	},
	{
		"players that have gone leave nothing", "the maps keep their size", "lane.go",
		"		s.shrinkLocked()\n", "", "TestPlayersThatHaveGoneGiveTheirMemoryBack",
	},
	{
		"in doubt: copies are counted", "they are not", "delivery.go",
		"		blk.doubts++\n	}\n	return true", "	}\n	return true", "TestInDoubtAtLeastOnceCountsThePossibleDuplicates",
	},
	{
		"AtMostOnce is not sent again", "it is", "delivery.go",
		"		b.giveUpOnce(l, err)\n", "", "TestAtMostOnce",
	},
	{
		"a store: accepted means stored", "Track does not wait for the store", "storing.go",
		"	id, err := b.appendToStore(ctx, StoredEvent{GameID: b.cfg.GameID, UserID: l.user, Accepted: b.clock.wall(accepted), Once: once}, json)\n", "	id, err := uint64(0), error(nil)\n	go func() {\n		_, _ = b.appendToStore(ctx, StoredEvent{GameID: b.cfg.GameID, UserID: l.user, Accepted: b.clock.wall(accepted), Once: once}, append([]byte(nil), json...))\n	}()\n", "TestWhatTheStoreIsToldAndWhen",
	},
	{
		"a store: accepted means stored", "its error is passed over", "storing.go",
		"case err != nil && !b.cfg.MemoryOnStoreError:", "case err != nil && !b.cfg.MemoryOnStoreError && false:", "TestTrackFailsWhereTheStoreDoes",
	},
	{
		"a store: what it does not have is counted", "it is not", "storing.go",
		"	b.ledger.unstored++\n", "", "TestMemoryOnStoreError",
	},
	{
		"a store: sent only when that is noted", "its error is passed over", "delivery.go",
		"!b.noteSending(l, blk) {", "!b.noteSending(l, blk) && false {", "TestNothingIsSentThatTheStoreDidNotNote",
	},
	{
		"a store: noted once", "before each request", "storing.go",
		"	blk.noted = true\n", "", "TestWhatTheStoreIsToldAndWhen",
	},
	{
		"dead letters: kept before the store forgets", "after it", "resolve.go",
		"	b.keepDead(l, blk, r, err)\n", "	defer func() { b.keepDead(l, blk, r, err) }()\n", "TestWhatBecomesADeadLetter",
	},
	{
		"dead letters: what is unknown is kept", "it is not", "dead_letters.go",
		" && r != Unknown {", " {", "TestWhatBecomesADeadLetter",
	},
	{
		"dead letters: Erase forgets them", "it does not", "erase.go",
		"		err = b.eraseDead(ctx, userID)\n", "", "TestEraseForgetsDeadLetters",
	},
	{
		"a store: forgets what has its result", "before it is reported", "resolve.go",
		"	if b.cfg.OnOutcome != nil {\n		b.cfg.OnOutcome(b.outcome(l, blk, r, err))\n	}\n	b.settle(blk, r)\n	notForgotten := b.noteSettled(blk.ids())\n", "	notForgotten := b.noteSettled(blk.ids())\n	if b.cfg.OnOutcome != nil {\n		b.cfg.OnOutcome(b.outcome(l, blk, r, err))\n	}\n	b.settle(blk, r)\n", "TestWhatTheStoreIsToldAndWhen",
	},
	{
		"a store: forgets what has its result", "not what was rejected", "resolve.go",
		"	notForgotten := b.noteSettled(blk.ids())\n", "	var notForgotten error\n	if r != Rejected {\n		notForgotten = b.noteSettled(blk.ids())\n	}\n", "TestWhatTheStoreIsToldAndWhen",
	},
	{
		"a store: forgets what has its result", "not what expired", "resolve.go",
		"	notForgotten := b.noteSettled(blk.ids())\n", "	var notForgotten error\n	if r != Expired {\n		notForgotten = b.noteSettled(blk.ids())\n	}\n", "TestRecoveredEventsExpireByTheirOwnAge",
	},
	{
		"a store: forgets what has its result", "not what is unknown", "resolve.go",
		"	notForgotten := b.noteSettled(blk.ids())\n", "	var notForgotten error\n	if r != Unknown {\n		notForgotten = b.noteSettled(blk.ids())\n	}\n", "TestUnknownIsSettled",
	},
	{
		"a store: a cut block is still stored", "its parts have no ids", "block.go",
		"			if i.stored {\n				p.label(i.id)\n			}\n", "", "TestWhatTheStoreIsToldAndWhen",
	},
	{
		"a store: recovery keeps the order", "what is in doubt goes first", "recovery.go",
		"if e.Once && e.InDoubt {", "if e.InDoubt {", "TestRecovery",
	},
	{
		"a store: recovery keeps the order", "what is tracked now joins what may have copies", "recovery.go",
		"		l.tail.sealed = true // it has waited", "		l.tail.sealed = !l.tail.noted // it has waited", "TestRecoveredEventsComeFirst",
	},
	{
		"a store: AtMostOnce over a restart", "it is sent again in doubt", "recovery.go",
		"if e.Once && e.InDoubt {", "if e.Once && e.InDoubt && e.UserID == \"\" {", "TestRecovery",
	},
	{
		"a store: copies over a restart are counted", "they are not", "recovery.go",
		"b.noted, b.attempts, b.doubts = true, 1, 1", "b.noted, b.attempts, b.doubts = true, 1, 0", "TestRecovery",
	},
	{
		"a store: ages go on over a restart", "they start again at zero", "recovery.go",
		"	at := b.clock.at(e.Accepted)\n	if l.tail", "	at := b.now()\n	if l.tail", "TestRecoveredEventsExpireByTheirOwnAge",
	},
	{
		"a store: a store that cannot be read loses nothing", "what was read is sent", "recovery.go",
		"			return fmt.Errorf(\"batcher: the store cannot be read: %w\", err)\n", "			break\n", "TestAStoreThatCannotBeRead",
	},
	{
		"a store: Close leaves to it what it has", "and tells it to forget", "close.go",
		"				b.settle(spooled, Spooled)\n", "				b.settle(spooled, Spooled)\n				b.noteSettled(spooled.ids())\n", "TestCloseLeavesToTheStoreWhatItHas",
	},
	{
		"a store: Close waits for what is being stored", "it does not", "close.go",
		"	select {\n	case <-b.storing.done:\n	case <-ctx.Done():\n	}\n", "", "TestCloseWhileAnEventIsStored",
	},
	{
		"a store: Close waits for what is being stored", "beyond its context", "close.go",
		"	case <-b.storing.done:\n	case <-ctx.Done():\n", "	case <-b.storing.done:\n", "TestCloseWhileAnEventIsStored",
	},
	{
		"a store: what Track refused after all", "it stays in the store", "storing.go",
		"		if err == nil {\n			_ = b.noteSettled([]uint64{id}) // Stats tells of it\n		}\n", "", "TestCloseWhileAnEventIsStored",
	},
	{
		"a store: a player whose event is being stored", "is forgotten", "lane_state.go",
		"used: l.events > 0,", "used: l.head != nil,", "TestAnAppendThatHangs",
	},
	{
		"Erase drops what waits", "a pause is waited for first", "lane_state.go",
		"		unserved:  unlessErased(hold),\n", "		unserved:  always(hold),\n", "TestEraseWaitsForTheRequestUnderWay",
	},
	{
		"Erase: nothing more is taken", "Track takes it", "player.go",
		"		case l.erased:\n", "		case l.erased && false:\n", "TestEraseDropsWhatWaitsAndTellsIt",
	},
	{
		"MaxParkedBytes bounds what waits without a token", "nobody gives anything up", "parked_line.go",
		"return p.bytes > p.limit && l.place != nil", "return false && l.place != nil", "TestTheLongestParkedLosesItsOldestEvents",
	},
	{
		"MaxParkedBytes: who was parked first gives up first", "the last one does", "parked_line.go",
		"l.place = &place{at: p.lanes.PushBack(l)}", "l.place = &place{at: p.lanes.PushFront(l)}", "TestTheLongestParkedLosesItsOldestEvents",
	},
	{
		"MaxParkedBytes: a player with a token loses nothing", "it stays in the line", "parked.go",
		"	l.parked, l.refused = false, nil\n	b.countParkedLocked(l)\n", "	l.parked, l.refused = false, nil\n", "TestWhoIsNotParkedAnyMoreLeavesTheLine",
	},
}
