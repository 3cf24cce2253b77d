package tokencache

import (
	"maps"
	"time"
)

// A trouble is a path on which forced tokens are refused.
type trouble struct {
	refusals int           // of forced tokens in a row
	latest   *entry        // the token of the latest refusal
	from     instant       // when that was,
	gap      time.Duration // and how long from then no other is fetched for the path
}

// The troubles are known by their paths. A few are told apart; all further ones
// share what is kept under no path, so that a client whose every request is
// refused makes no storm by asking for ever other things.
type troubles map[string]*trouble

func (t troubles) key(path string) string {
	if t[path] != nil || len(t) < mostTroubles {
		return path
	}
	return ""
}

// add records that the forced token e did not help a path, once for each token.
// So many in a row are free, unless the latest was long ago.
func (t troubles) add(path string, e *entry, now instant, free int) {
	e.judged = true
	maps.DeleteFunc(t, func(_ string, old *trouble) bool { return now.since(old.from) > episode })
	key := t.key(path)
	on := t[key]
	if on == nil {
		on = &trouble{}
		t[key] = on
	}
	if on.latest == e {
		return
	}
	on.latest, on.from = e, now
	if on.refusals++; on.refusals > free {
		on.gap = max(firstGap, min(maxGap, 2*on.gap))
	}
}

// end records that a forced token helped a path.
func (t troubles) end(path string) { delete(t, t.key(path)) }

// gapLeft is how long no token is fetched for the sake of a path.
func (t troubles) gapLeft(path string, now instant) time.Duration {
	if on := t[t.key(path)]; on != nil {
		return on.gap - now.since(on.from)
	}
	return 0
}
