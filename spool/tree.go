package spool

import (
	"bytes"
	"errors"
	"fmt"
)

// maxDepth is far more levels than a file of any size has.
const maxDepth = 32

// buckets returns the buckets that the newest meta page leads to, by name.
func (p *pages) buckets() (map[string]element, error) {
	found := map[string]element{}
	root, err := p.enter(p.meta.root)
	if err != nil {
		return nil, err
	}
	err = p.descend(root, nil, nil, 0, func(e element) error {
		if !e.bucket {
			return fmt.Errorf("there is a value %q where the buckets are", e.key)
		}
		found[string(e.key)] = e
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, name := range [][]byte{eventsBucket, notesBucket} {
		if _, ok := found[string(name)]; !ok {
			return nil, fmt.Errorf("the bucket %q is missing", name)
		}
	}
	if len(found) != 2 {
		return nil, fmt.Errorf("there are %d buckets where two are expected", len(found))
	}
	return found, nil
}

// values visits the values of a bucket in the order of the keys, until the function returns an
// error. Any other error names a fault of the structure; the values visited before are right.
func (p *pages) values(bucket element, visit func(key, value []byte) error) error {
	n, err := p.bucketNode(bucket)
	if err != nil {
		return err
	}
	return p.descend(n, nil, nil, 0, func(e element) error {
		if e.bucket {
			return errors.New("there is a bucket where values are")
		}
		return visit(e.key, e.value)
	})
}

// again returns the pages for another walk.
func (p *pages) again() *pages {
	return &pages{file: p.file, size: p.size, meta: p.meta, seen: make([]bool, len(p.seen))}
}

// bucketNode returns the root node of a bucket. A small bucket is within its own value.
func (p *pages) bucketNode(e element) (node, error) {
	const head = 16 // root page 8, sequence 8
	if len(e.value) < head {
		return node{}, errors.New("a bucket has no head")
	}
	if root := native.Uint64(e.value); root != 0 {
		return p.enter(root)
	}
	n, err := nodeOf(e.value[head:])
	if err == nil && !n.leaf {
		err = errors.New("a small bucket is not a leaf")
	}
	return n, err
}

// enter returns the node at a page that no walk has visited before. Therefore no walk follows a
// circle.
func (p *pages) enter(id uint64) (node, error) {
	n, err := p.page(id)
	if err != nil {
		return n, err
	}
	if end := id + uint64(len(n.data)/p.size); end > p.meta.high {
		return n, fmt.Errorf("page %d is beyond the %d pages that are in use", end-1, p.meta.high)
	}
	for at := range len(n.data) / p.size {
		if p.seen[int(id)+at] {
			return n, fmt.Errorf("page %d is in two places", int(id)+at)
		}
		p.seen[int(id)+at] = true
	}
	return n, nil
}

// descend visits the elements of the leaves below a node, whose keys must be in order: not less
// than low and less than high.
func (p *pages) descend(n node, low, high []byte, depth int, visit func(element) error) error {
	switch {
	case depth > maxDepth:
		return fmt.Errorf("it is more than %d levels deep", maxDepth)
	case !n.leaf && n.count == 0:
		return errors.New("a branch is empty")
	}
	if err := n.disjoint(); err != nil {
		return err
	}
	var last []byte
	next, err := n.elementOrEnd(0)
	if err != nil {
		return err
	}
	for i := range n.count {
		e := next
		if next, err = n.elementOrEnd(i + 1); err != nil {
			return err
		}
		if i == 0 && bytes.Compare(e.key, low) < 0 || i > 0 && bytes.Compare(e.key, last) <= 0 || high != nil && bytes.Compare(e.key, high) >= 0 {
			return errors.New("the keys of a page are not in order")
		}
		last = e.key
		if n.leaf {
			if err := visit(e); err != nil {
				return err
			}
			continue
		}
		upper := high
		if i+1 < n.count {
			upper = next.key
		}
		child, err := p.enter(e.child)
		if err != nil {
			return err
		}
		if err := p.descend(child, e.key, upper, depth+1, visit); err != nil {
			return err
		}
	}
	return nil
}

// leaves visits every value in every page that looks like a leaf, whether the tree leads there or
// not. It therefore finds whole leaves although a branch above them is lost. Free pages hold older
// copies of values. It does not read a crafted file with overlapping pages to its end.
func (p *pages) leaves(visit func(key, value []byte)) {
	left := 4 * len(p.file)
	for id := range len(p.seen) {
		n, err := p.page(uint64(id))
		if err == nil && n.leaf {
			if left -= p.leaf(n, visit); left < 0 {
				return
			}
		}
	}
}

// leaf returns how many bytes it visited.
func (p *pages) leaf(n node, visit func(key, value []byte)) (visited int) {
	end := 0
	for i := range n.count {
		e, err := n.element(i)
		if err != nil || e.at < end {
			continue
		}
		end = e.at + len(e.key) + len(e.value)
		visited += elementHead + len(e.key) + len(e.value)
		switch {
		case !e.bucket:
			visit(e.key, e.value)
		case len(e.value) > 16 && native.Uint64(e.value) == 0:
			if small, err := nodeOf(e.value[16:]); err == nil && small.leaf {
				visited += p.leaf(small, visit)
			}
		}
	}
	return visited
}
