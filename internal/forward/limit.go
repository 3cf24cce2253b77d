package forward

import "time"

const (
	window    = 5 * time.Minute  // for which Dataverse counts, and nothing larger is tried after a refusal
	probeStep = 15 * time.Second // between the steps upwards after that
)

// A limit is how many requests may be under way at one time. Unless it is
// fixed there is none at first. The one that Dataverse names when it refuses
// holds for one web server and for all programs that sign in with the same
// account, so it may be too low or too high: it goes down by one when it does
// not do, and up again by an eighth a step where requests wait for it.
type limit struct {
	most  int // 0: no limit
	fixed bool
	epoch int       // counts the changes
	next  time.Time // when a larger one is tried
}

// newLimit is the fixed one, or for 0 the one that follows Dataverse.
func newLimit(most int) limit { return limit{most: max(0, most), fixed: most > 0} }

func (l *limit) allows(active int) bool { return l.most == 0 || active < l.most }

// refused takes note that a request was refused since more than named were
// under way, and says whether the limit has changed. A request that was sent
// before the latest change says nothing new.
func (l *limit) refused(epoch, named int, now time.Time) bool {
	if l.fixed || epoch != l.epoch {
		return false
	}
	if l.most == 0 || named < l.most {
		l.most = named
	} else {
		l.most = max(1, l.most-1)
	}
	l.epoch++
	l.next = now.Add(window)
	return true
}

// probe tries a larger limit, if it is time and somebody waits for it.
func (l *limit) probe(now time.Time, wanted bool) {
	if l.fixed || l.most == 0 || !wanted || now.Before(l.next) {
		return
	}
	l.most += max(1, l.most/8)
	l.epoch++
	l.next = now.Add(probeStep)
}
