package simulator

import "slices"

// navigation is a navigation property of a set's records.
type navigation struct{ set, property string }

// link is one of the records that a navigation property leads to.
type link struct {
	property string
	to       reference
}

// linked are the records that a navigation property leads to, in the order in
// which they were associated.
func (r *row) linked(property string) []reference {
	var out []reference
	for _, l := range r.links {
		if l.property == property {
			out = append(out, l.to)
		}
	}
	return out
}

// leadsTo is the record that a look-up column names.
func (r *row) leadsTo(property string) (reference, bool) {
	for _, a := range r.attributes {
		if a.name == "_"+property+"_value" && a.set != "" {
			return reference{a.set, unquote(a.value)}, true
		}
	}
	return reference{}, false
}

// associate links a record to others by a navigation property that holds many.
// What is linked already stays. Nothing knows here that the other record may
// have a property that leads back.
func (s *store) associate(set string, k rowKey, links []link, j *journal) *odataError {
	return s.relink(set, k, j, func(r *row) []link {
		out := slices.Clone(r.links)
		for _, l := range links {
			s.many[navigation{set, l.property}] = true
			if !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
		return out
	})
}

// disassociate removes the link to the record with this id.
func (s *store) disassociate(set string, k rowKey, property, id string, j *journal) *odataError {
	missing := false
	refusal := s.relink(set, k, j, func(r *row) []link {
		i := slices.IndexFunc(r.links, func(l link) bool { return l.property == property && l.to.id == id })
		if missing = i < 0; missing {
			return r.links
		}
		return slices.Delete(slices.Clone(r.links), i, i+1)
	})
	if refusal == nil && missing {
		return notFound(set, rowKey{id: id})
	}
	return refusal
}

func (s *store) relink(set string, k rowKey, j *journal, change func(*row) []link) *odataError {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.locate(set, k)
	if old == nil {
		return notFound(set, k)
	}
	changed := *old // a link is no column: the version stays
	changed.links = change(old)
	s.replace(set, old, &changed, j)
	return nil
}

// holdsMany tells whether a property has held links to many records.
func (s *store) holdsMany(set, property string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.many[navigation{set, property}]
}

// manyOf lists a set's navigation properties that have held many records, sorted.
func (s *store) manyOf(set string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for n := range s.many {
		if n.set == set {
			out = append(out, n.property)
		}
	}
	slices.Sort(out)
	return out
}

// rowsOf returns the records that references name, less those that are gone.
func (s *store) rowsOf(references []reference) []*row {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*row
	for _, to := range references {
		if r := s.locate(to.set, rowKey{id: to.id}); r != nil {
			out = append(out, r)
		}
	}
	return out
}
