package tokenstore

import (
	"io/fs"
	"strings"
	"time"
)

const (
	mostNames  = 10000            // looked at in one go
	afterCrash = time.Minute      // a file that is being written is older than this only if its writer is gone
	unreadable = 24 * time.Hour   // a file with an entry's name that is none is removed after this
	clockSkew  = 10 * time.Minute // between machines that share a folder
)

// prune removes what nobody will use again: entries of other keys and
// identities that have expired, and what a crash left in the middle of being
// written. The entries of the given keys stay, for the token that follows will
// replace them. Failing is no matter: the next call tries again.
func (f *folder) prune(now time.Time, keys []sealer) {
	keep := map[string]bool{}
	for _, key := range keys {
		keep[key.name()] = true
	}
	dir, err := f.root.Open(".")
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(mostNames)
	for _, name := range names {
		if !keep[name] && f.isStale(name, now) {
			_ = f.root.Remove(name)
		}
	}
}

// isStale says whether a file is of no more use. What has no name of ours is
// somebody else's.
func (f *folder) isStale(name string, now time.Time) bool {
	info, err := f.root.Lstat(name)
	if err != nil || info.IsDir() {
		return false
	}
	age := now.Sub(info.ModTime()).Abs() // a time to come was written by a wrong clock
	switch {
	case strings.HasPrefix(name, temporary):
		return age > afterCrash
	case !strings.HasSuffix(name, suffix):
		return false
	}
	if at, ok := f.expiry(name, info); ok {
		return now.Sub(at) > clockSkew
	}
	return age > unreadable
}

// expiry is what the header of an entry says.
func (f *folder) expiry(name string, info fs.FileInfo) (at time.Time, ok bool) {
	if !info.Mode().IsRegular() {
		return time.Time{}, false
	}
	header, err := f.read(name, int64(headerSize))
	if err != nil {
		return time.Time{}, false
	}
	return expiryOf(header)
}
