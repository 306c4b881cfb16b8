package spool

// idSet is a set of ids that lie close together: those of one segment, a bit each.
type idSet struct {
	base uint64 // no id is smaller
	bits []uint64
}

func (s *idSet) has(id uint64) bool {
	i := (id - s.base) / 64
	return id >= s.base && i < uint64(len(s.bits)) && s.bits[i]&(1<<((id-s.base)%64)) != 0
}

// add returns whether the id is new. It must not be smaller than the base.
func (s *idSet) add(id uint64) bool {
	if s.has(id) {
		return false
	}
	i := (id - s.base) / 64
	for uint64(len(s.bits)) <= i {
		s.bits = append(s.bits, 0)
	}
	s.bits[i] |= 1 << ((id - s.base) % 64)
	return true
}

// remove returns whether the id was in the set.
func (s *idSet) remove(id uint64) bool {
	if !s.has(id) {
		return false
	}
	s.bits[(id-s.base)/64] &^= 1 << ((id - s.base) % 64)
	return true
}
