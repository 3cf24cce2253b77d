package simulator

// journal is the way back from what a change set has done so far. A nil one
// takes no notes.
type journal struct{ back []func() }

func (j *journal) add(undo func()) {
	if j != nil {
		j.back = append(j.back, undo)
	}
}

// rollBack undoes what is in the journal, the last thing first. Others may have
// seen what is undone: a change set is atomic here, but not isolated.
func (s *store) rollBack(j *journal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(j.back) > 0 {
		last := len(j.back) - 1
		j.back[last]()
		j.back = j.back[:last]
	}
}
