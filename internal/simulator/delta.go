package simulator

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const trackChanges = "odata.track-changes"

// notTracked are the query options that do not go with change tracking.
func notTracked() []string { return []string{"$filter", "$orderby", "$expand", "$top"} }

// track notes the version from which on changes will be told, if the client
// wants to be told of them.
func (c *call) track() *odataError {
	if _, ok := c.preference(trackChanges); !ok {
		return nil
	}
	for _, option := range notTracked() {
		if _, ok := c.target.option(option); ok {
			return &odataError{400, "0x80060888", "The query option '" + option + "' is not supported when change tracking is requested."}
		}
	}
	c.applied(trackChanges)
	c.since = c.t.rows.now()
	return nil
}

// deltaLink is where to ask for the changes since a version. Its token is
// escaped in lower case, as Dataverse does it, and must come back like that.
func (p *pageTable) deltaLink(c *call, since int64) string {
	query := ""
	for part := range strings.SplitSeq(c.target.query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if name = unescape(name, true); part != "" && name != "$skiptoken" && name != "$deltatoken" {
			query += part + "&"
		}
	}
	at := strings.NewReplacer("/", "%2f", " ", "%20", ":", "%3a").Replace(time.Now().UTC().Format("01/02/2006 15:04:05"))
	target := fmt.Sprintf("%s?%s$deltatoken=%d%%21%s", c.target.path, query, since, at)
	p.remember(target, position{since: since})
	return c.t.requestOrigin(c.r) + target
}

// listChanges is GET of a delta link: the records of the set that were written
// since, as they are now, and those that are gone.
func (c *call) listChanges() {
	from, ok := c.t.pages.find(c.target)
	if !ok {
		c.refuse(&odataError{400, "0x80060888", "The $deltatoken is not one that this environment issued."})
		return
	}
	now := c.t.rows.now()
	rows, graves := c.t.rows.changes(c.set, from.since)
	selected, context := c.selection()
	v := c.newView(c.set, selected, nil)
	var out bytes.Buffer
	o := newObject(&out)
	v.context(o, c.set+context+"/$delta")
	o.text("@odata.deltaLink", c.t.pages.deltaLink(c, now))
	o.name("value")
	list(&out, len(rows)+len(graves), func(i int) {
		one := newObject(&out)
		if i < len(rows) {
			v.record(one, rows[i])
		} else {
			v.context(one, c.set+"/$deletedEntity")
			one.text("id", graves[i-len(rows)].id)
			one.text("reason", "deleted")
		}
		one.end()
	})
	o.end()
	c.writeJSON(http.StatusOK, out.Bytes())
}

// now is the newest version there is.
func (s *store) now() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// changes are the rows that were written after a version, oldest first, and the
// graves of those that were deleted after it.
func (s *store) changes(set string, since int64) (rows []*row, graves []grave) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if es := s.sets[set]; es != nil {
		for _, r := range es.rows {
			if r.version > since {
				rows = append(rows, r)
			}
		}
	}
	slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.version, b.version) })
	for i, g := range s.graves {
		again := slices.ContainsFunc(s.graves[i+1:], func(later grave) bool { return later.set == set && later.id == g.id })
		if g.set == set && g.version > since && !again && s.locate(set, rowKey{id: g.id}) == nil {
			graves = append(graves, g)
		}
	}
	return rows, graves
}
