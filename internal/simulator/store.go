package simulator

import (
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
	version int64
	seq     int64
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
func (s *store) create(set, id string, attributes []attribute) (*row, *odataError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.insert(set, id, attributes)
}

func (s *store) insert(set, id string, attributes []attribute) (*row, *odataError) {
	es := s.sets[set]
	if es == nil {
		es = &entitySet{byID: map[string]*row{}}
		s.sets[set] = es
	}
	id = strings.ToLower(id)
	setDefault(&id, newGUID())
	if es.byID[id] != nil {
		return nil, errDuplicate
	}
	s.seq++
	s.version++
	r := &row{id: id, seq: s.seq, version: s.version, attributes: attributes}
	es.rows = append(es.rows, r)
	es.byID[id] = r
	return r, nil
}

// update writes over a record, or creates it where the condition allows that.
func (s *store) update(set string, k rowKey, c condition, changes []attribute) (r *row, created bool, refusal *odataError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.locate(set, k)
	if refusal := c.check(set, k, old); refusal != nil {
		return nil, false, refusal
	}
	if old == nil {
		blank := &row{attributes: k.pairs}
		r, refusal = s.insert(set, k.id, blank.with(changes))
		return r, true, refusal
	}
	s.version++
	r = &row{id: old.id, seq: old.seq, version: s.version, attributes: old.with(changes)}
	es := s.sets[set]
	es.byID[r.id] = r
	i, _ := slices.BinarySearchFunc(es.rows, r.seq, func(r *row, seq int64) int { return int(r.seq - seq) })
	es.rows[i] = r
	return r, false, nil
}

// remove deletes a record and its files.
func (s *store) remove(set string, k rowKey, c condition) *odataError {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.locate(set, k)
	if old == nil {
		return notFound(set, k)
	}
	if refusal := c.check(set, k, old); refusal != nil {
		return refusal
	}
	es := s.sets[set]
	delete(es.byID, old.id)
	i, _ := slices.BinarySearchFunc(es.rows, old.seq, func(r *row, seq int64) int { return int(r.seq - seq) })
	es.rows = slices.Delete(es.rows, i, i+1)
	for key := range s.files {
		if key.set == set && key.id == old.id {
			delete(s.files, key)
		}
	}
	return nil
}
