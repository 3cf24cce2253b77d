package simulator

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// firstVersion is where the row versions begin; one counter serves all sets.
const firstVersion = 73921464

// store holds the environment's records.
type store struct {
	mu      sync.Mutex // guards what follows
	sets    map[string]*entitySet
	files   map[fileKey]*storedFile
	graves  []grave
	many    map[navigation]bool // navigation properties that have held many records
	version int64
	seq     int64
}

// grave is where a record was.
type grave struct {
	set, id string
	version int64 // of the deletion
}

type entitySet struct {
	rows []*row // in order of creation
	byID map[string]*row
}

func newStore() *store {
	s := &store{version: firstVersion}
	s.clear()
	return s
}

func (s *store) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets, s.files = map[string]*entitySet{}, map[fileKey]*storedFile{}
	s.graves, s.many = nil, map[navigation]bool{}
}

// count returns the number of rows by set.
func (s *store) count() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for name, set := range s.sets {
		out[name] = len(set.rows)
	}
	return out
}

// names returns the sets that have had rows, sorted.
func (s *store) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for name := range s.sets {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// all returns the rows of a set in order of creation.
func (s *store) all(set string) []*row {
	s.mu.Lock()
	defer s.mu.Unlock()
	if es := s.sets[set]; es != nil {
		return slices.Clone(es.rows)
	}
	return nil
}

func (s *store) find(set string, k rowKey) (*row, *odataError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.locate(set, k); r != nil {
		return r, nil
	}
	return nil, notFound(set, k)
}

func (s *store) locate(set string, k rowKey) *row {
	es := s.sets[set]
	if es == nil {
		return nil
	}
	if k.id != "" {
		return es.byID[k.id]
	}
	i := slices.IndexFunc(es.rows, func(r *row) bool { return k.matches(r) })
	if i < 0 {
		return nil
	}
	return es.rows[i]
}

// create adds a record; its id may be given.
func (s *store) create(set, id string, attributes []attribute, j *journal) (*row, *odataError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.insert(set, id, attributes, j)
}

func (s *store) insert(set, id string, attributes []attribute, j *journal) (*row, *odataError) {
	id = strings.ToLower(id)
	setDefault(&id, newGUID())
	if s.locate(set, rowKey{id: id}) != nil {
		return nil, errDuplicate
	}
	s.seq++
	s.version++
	r := &row{id: id, seq: s.seq, version: s.version, attributes: attributes}
	s.replace(set, nil, r, j)
	return r, nil
}

// update writes over a record, or creates it where the condition allows that.
func (s *store) update(set string, k rowKey, c condition, changes []attribute, j *journal) (r *row, created bool, refusal *odataError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.locate(set, k)
	if refusal := c.check(set, k, old); refusal != nil {
		return nil, false, refusal
	}
	if old == nil {
		blank := &row{attributes: k.pairs}
		r, refusal = s.insert(set, k.id, blank.with(changes), j)
		return r, true, refusal
	}
	s.version++
	r = &row{id: old.id, seq: old.seq, version: s.version, attributes: old.with(changes), links: old.links}
	s.replace(set, old, r, j)
	return r, false, nil
}

// remove deletes a record and its files.
func (s *store) remove(set string, k rowKey, c condition, j *journal) *odataError {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.locate(set, k)
	if old == nil {
		return notFound(set, k)
	}
	if refusal := c.check(set, k, old); refusal != nil {
		return refusal
	}
	s.version++
	s.graves = append(s.graves, grave{set, old.id, s.version})
	s.replace(set, old, nil, j)
	for key := range s.files {
		if key.set == set && key.id == old.id {
			s.keep(key, nil, j)
		}
	}
	return nil
}

// replace puts a row in another's place. None before is a new row, none after
// a row that goes. The journal learns the way back, which is taken only where
// nobody else has written the row since.
func (s *store) replace(set string, before, after *row, j *journal) {
	es := s.sets[set]
	if es == nil {
		es = &entitySet{byID: map[string]*row{}}
		s.sets[set] = es
	}
	which := after
	if after == nil {
		which = before
	}
	i, _ := slices.BinarySearchFunc(es.rows, which.seq, func(r *row, seq int64) int { return cmp.Compare(r.seq, seq) })
	switch {
	case before == nil:
		es.rows = slices.Insert(es.rows, i, after)
	case after == nil:
		es.rows = slices.Delete(es.rows, i, i+1)
	default:
		es.rows[i] = after
	}
	if after == nil {
		delete(es.byID, which.id)
	} else {
		es.byID[which.id] = after
	}
	j.add(func() {
		if now := s.locate(set, rowKey{id: which.id}); now == after {
			s.replace(set, after, before, nil)
		}
	})
}
