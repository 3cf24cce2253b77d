package simulator

import (
	"fmt"
	"strings"
	"sync"
)

// pageTable knows the next and delta links that were given out, by their path and query
// as bytes: a client must send a link back exactly as it got it.
type pageTable struct {
	mu     sync.Mutex // guards what follows
	issued map[string]position
	oldest []string
}

// position is where a page begins.
type position struct {
	page     int // of the page that came before
	seen     int // rows on the pages before
	afterSeq int64
	since    int64 // the version from which on changes are tracked, 0 for none
}

// pagesKept bounds the table; the oldest link goes first.
const pagesKept = 10_000

func newPageTable() *pageTable { return &pageTable{issued: map[string]position{}} }

// resume finds the place that a request continues from, the beginning if it
// has no $skiptoken.
func (p *pageTable) resume(tg target) (position, *odataError) {
	if _, ok := tg.option("$skiptoken"); !ok {
		return position{page: 1}, nil
	}
	from, ok := p.find(tg)
	if !ok {
		return position{}, errSkipToken
	}
	return from, nil
}

func (p *pageTable) find(tg target) (position, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.issued[tg.path+"?"+tg.query]
	return at, ok
}

// rest is what is left of the rows. In order of creation a page goes on after
// the last row that was seen, so that rows may be deleted meanwhile; in any
// other order it goes on by number.
func (from position) rest(rows []*row, ordered bool) []*row {
	if ordered {
		return rows[min(from.seen, len(rows)):]
	}
	for i, r := range rows {
		if r.seq > from.afterSeq {
			return rows[i:]
		}
	}
	return nil
}

// link makes the absolute link to the page after this one. Its cookie is
// escaped twice inside and is half raw outside, as Dataverse writes it.
func (p *pageTable) link(c *call, from position, page []*row) string {
	first, last := page[0], page[len(page)-1]
	number := from.page + 1
	const cookie = "%%3Ccookie%%20pagenumber=%%22%d%%22%%20pagingcookie=%%22%%253ccookie%%2520page%%253d%%2522%d%%2522%%253e" +
		"%%253c%s%%2520last%%253d%%2522%%257b%s%%257d%%2522%%2520first%%253d%%2522%%257b%s%%257d%%2522%%2520%%252f%%253e" +
		"%%253c%%252fcookie%%253e%%22%%20istracking=%%22False%%22%%20/%%3E"
	query := c.target.queryWithout("$skiptoken")
	if query != "" {
		query += "&"
	}
	query += "$skiptoken=" + fmt.Sprintf(cookie, number, number-1, primaryKey(c.set), strings.ToUpper(last.id), strings.ToUpper(first.id))
	p.remember(c.target.path+"?"+query, position{page: number, seen: from.seen + len(page), afterSeq: last.seq, since: c.since})
	return c.t.requestOrigin(c.r) + c.target.path + "?" + query
}

func (p *pageTable) remember(target string, at position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.issued[target]; !ok {
		p.oldest = append(p.oldest, target)
	}
	p.issued[target] = at
	if len(p.oldest) > pagesKept {
		delete(p.issued, p.oldest[0])
		p.oldest = p.oldest[1:]
	}
}
