package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/bits"
	"os"
)

// pages is a segment's file in the layout of the engine, read without the engine. The engine maps a
// file into memory and trusts it. A wrong page number leads it beyond the mapping or in a circle,
// on its own goroutines, where the spool cannot catch the panic. Therefore this code, which trusts
// nothing, reads a file first, and the engine gets only sound files.
type pages struct {
	file []byte
	size int    // of a page
	meta meta   // the newest that is valid
	err  error  // what is wrong already: a page that cannot be read, a meta page that is not valid, a file that is too short
	seen []bool // of each page: a walk came to it; it belongs to one place
}

// meta is a page that points to the root of the file. There are two, and the engine writes them in
// turn.
type meta struct {
	pageSize   int
	root, high uint64 // the page of the root bucket, the number of pages
	txid       uint64
}

const (
	pageHead    = 16 // id 8, flags 2, count 2, overflow 4
	elementHead = 16 // branch: position 4, length of the key 4, page 8; leaf: flags 4, position 4, lengths of key and value 4 + 4
	metaBytes   = 64
	branchPage  = 1
	leafPage    = 2
	aBucket     = 1 // flag of a leaf's element
	noFreelist  = ^uint64(0)
)

var native = binary.NativeEndian // as the engine writes

// scratch is memory for reading one file after the other. The bytes of a file are valid until the
// next one.
type scratch struct{ bytes []byte }

// take returns n bytes with arbitrary content; a nil scratch returns new ones.
func (s *scratch) take(size int64) []byte {
	if s == nil {
		return make([]byte, size)
	}
	if int64(cap(s.bytes)) < size {
		s.bytes = nil // it can go before there is more
		s.bytes = make([]byte, size)
	}
	return s.bytes[:size]
}

// readPages reads a file. An error means that nothing in it can be found. The pages record any
// other fault.
func readPages(f *os.File, mem *scratch) (*pages, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, unreadable := readBlocks(f, mem.take(info.Size()))
	if unreadable != nil && refused(unreadable) {
		return nil, unreadable
	}
	p, err := pagesOf(file)
	if err != nil {
		return nil, errors.Join(unreadable, err)
	}
	p.err = errors.Join(unreadable, p.err)
	return p, nil
}

// readBlocks reads all that can be read into the given bytes; a block that cannot is zeros, and the
// first error is returned.
func readBlocks(f io.ReaderAt, data []byte) (read []byte, unreadable error) {
	if n, err := f.ReadAt(data, 0); err == nil || errors.Is(err, io.EOF) {
		return data[:n], nil
	}
	const block = 4096
	for at := 0; at < len(data); at += block {
		part := data[at:min(at+block, len(data))]
		if _, err := f.ReadAt(part, int64(at)); err != nil && !errors.Is(err, io.EOF) {
			clear(part)
			if unreadable == nil {
				unreadable = fmt.Errorf("byte %d cannot be read: %w", at, err)
			}
		}
	}
	return data, unreadable
}

func pagesOf(file []byte) (*pages, error) {
	p := &pages{file: file}
	valid := 0
	use := func(m meta, ok bool) {
		if !ok {
			return
		}
		valid++
		if valid == 1 || m.txid > p.meta.txid {
			p.meta = m
		}
	}
	first, ok := metaAt(file, 0)
	use(first, ok)
	if ok {
		use(metaAt(file, first.pageSize))
	} else { // the second tells by itself how far it is from the beginning
		for size := 512; size <= 1<<16 && valid == 0; size *= 2 {
			if m, ok := metaAt(file, size); ok && m.pageSize == size {
				use(m, true)
			}
		}
	}
	if valid == 0 {
		return nil, errors.New("it has no valid meta page: it is not a segment, or its beginning is lost")
	}
	p.size = p.meta.pageSize
	switch have := uint64(len(file) / p.size); {
	case valid == 1: // the last commit may have been the other one's
		p.err = errors.New("one of its two meta pages is not valid")
	case have < p.meta.high:
		p.err = fmt.Errorf("it is cut short: %d of %d pages are there", have, p.meta.high)
	}
	p.seen = make([]bool, len(file)/p.size)
	return p, nil
}

func metaAt(file []byte, at int) (m meta, ok bool) {
	if at+pageHead+metaBytes > len(file) {
		return m, false
	}
	b := file[at+pageHead:]
	sum := fnv.New64a()
	sum.Write(b[:metaBytes-8])
	m = meta{int(native.Uint32(b[8:])), native.Uint64(b[16:]), native.Uint64(b[40:]), native.Uint64(b[48:])}
	return m, native.Uint32(b) == 0xED0CDAED && native.Uint32(b[4:]) == 2 && native.Uint64(b[56:]) == sum.Sum64() &&
		m.pageSize >= 512 && m.pageSize <= 1<<16 && bits.OnesCount(uint(m.pageSize)) == 1
}

// node is a branch or a leaf: a page with those that it overflows into, or a small bucket within a
// leaf's value.
type node struct {
	data  []byte
	leaf  bool
	count int
}

// The engine writes the elements' keys and values one after the other. If they could overlap, a
// small file could yield any number of bytes.
func (n node) disjoint() error {
	end := 0
	for i := range n.count {
		e, err := n.element(i)
		if err != nil {
			return err
		}
		if e.at < end {
			return fmt.Errorf("element %d of a page overlaps another", i)
		}
		end = e.at + len(e.key) + len(e.value)
	}
	return nil
}

// page returns the node at a page.
func (p *pages) page(id uint64) (node, error) {
	if id < 2 || id >= uint64(len(p.seen)) {
		return node{}, fmt.Errorf("page %d is beyond the file's %d pages", id, len(p.seen))
	}
	data := p.file[int(id)*p.size:]
	if got := native.Uint64(data); got != id {
		return node{}, fmt.Errorf("page %d says that it is page %d", id, got)
	}
	n := 1 + uint64(native.Uint32(data[12:]))
	if n > uint64(len(p.seen))-id {
		return node{}, fmt.Errorf("page %d overflows into %d pages, beyond the file's %d", id, n, len(p.seen))
	}
	return nodeOf(data[:int(n)*p.size])
}

func nodeOf(data []byte) (node, error) {
	if len(data) < pageHead {
		return node{}, errors.New("a bucket has no head")
	}
	n := node{data: data, count: int(native.Uint16(data[10:]))}
	switch flags := native.Uint16(data[8:]); flags {
	case branchPage:
	case leafPage:
		n.leaf = true
	default:
		return node{}, fmt.Errorf("a page is neither a branch nor a leaf, but %#x", flags)
	}
	if pageHead+n.count*elementHead > len(data) {
		return node{}, fmt.Errorf("a page has no room for its %d elements", n.count)
	}
	return n, nil
}

// element is one of a node's: of a branch the page below, of a leaf a value or a bucket.
type element struct {
	key, value []byte
	child      uint64
	bucket     bool
	at         int // where the key begins
}

func (n node) element(i int) (e element, err error) {
	at := pageHead + i*elementHead
	b := n.data[at:]
	position, keyBytes, valueBytes := uint64(native.Uint32(b)), uint64(native.Uint32(b[4:])), uint64(0)
	if n.leaf {
		e.bucket = native.Uint32(b)&aBucket != 0
		position, keyBytes, valueBytes = uint64(native.Uint32(b[4:])), uint64(native.Uint32(b[8:])), uint64(native.Uint32(b[12:]))
	} else {
		e.child = native.Uint64(b[8:])
	}
	if position < elementHead || position+keyBytes+valueBytes > uint64(len(b)) {
		return e, fmt.Errorf("element %d of a page lies outside of it", i)
	}
	e.at = at + int(position)
	e.key = b[position : position+keyBytes]
	e.value = b[position+keyBytes : position+keyBytes+valueBytes]
	return e, nil
}

// elementOrEnd is element, and nothing behind the last.
func (n node) elementOrEnd(i int) (element, error) {
	if i >= n.count {
		return element{}, nil
	}
	return n.element(i)
}
