// Package odata maps the origin of a Dataverse environment in links to the
// proxy's own and back, in bytes that flow by.
//
// Dataverse answers with absolute URLs of itself. A client that follows one
// would leave the proxy, and one that was given the proxy's origin sends it
// back in places where Dataverse expects its own. The package replaces that
// origin where a link stands, and nothing else: all other bytes are the same,
// whatever the chunks they come in. It never parses and prints again, as a
// nextLink is opaque and record data is the client's business.
//
// # Use
//
// A [Mapper] is compiled once for an environment. For each request,
// [Mapper.At] gives the [View] of the client, whose local origin answers are
// mapped to. The view maps headers and targets, and makes a [Stream] for each
// body, or none if the body's type has no links to map:
//
//	view := mapper.At("http", r.Host)
//	target := view.Target(r.RequestURI)
//	if s := view.Request(odata.Message{ContentType: ..., Target: r.RequestURI}); s != nil {
//		body = s.Reader(body)
//	}
//	...
//	for name, values := range resp.Header {
//		for i, value := range values {
//			values[i] = view.Header(name, value)
//		}
//	}
//	if s := view.Response(odata.Message{ContentType: ..., Target: r.RequestURI, Status: resp.StatusCode}); s != nil {
//		body = s.Reader(body)
//	}
//
// Bodies must be decoded first. A mapped body has another length: drop its
// Content-Length, or map it whole with [Stream.All] and count. A body that is
// sent twice needs a stream each time.
//
// # What is a link
//
// In answers: the headers Location, Content-Location and OData-EntityId; in
// JSON, string values of keys that are or end in @odata.context, .nextLink,
// .deltaLink, .id, .editLink, .readLink, .associationLink, .navigationLink,
// .mediaReadLink or .mediaEditLink; in OData v2 JSON the uri, media_src and
// edit_media directly in __metadata, __deferred or __mediaresource, and __next;
// in a 202 answer the document's location; in an answer of
// RetrieveCurrentOrganization, told by the target or by the context, the
// values of Detail.Endpoints, be they objects or the lists Keys and Values; and
// all of these in the messages of a multipart/mixed batch, nested ones included.
//
// In requests: the same JSON, so that what an answer gave comes back as it was,
// and @odata.bind, a string or a list; the uri of an OData v2 reference (a
// target with /$links/); in the target's query $id and parameter aliases; and
// in a batch also request lines and Host. References such as $1 are no URLs
// and stay. A request that spells the environment's own origin stays too.
//
// A link is ours if it begins with one of the origins, in any case, with its
// default port or without, followed by a slash, a question mark, a number sign
// or the end. Slashes may be escaped as \/ in JSON, and anything by percent
// signs in a query; the replacement is escaped alike. Other escapes, in keys
// too, make it no link: nobody writes them, and leaving a link alone is the
// safer mistake.
//
// The common mistake is to replace the origin wherever it occurs. A record's
// website, a URL in an e-mail's text or JSON kept in a column would then come
// back changed, and be written so by the next client that updates the record.
//
// # Which JSON is read how
//
// An answer whose Content-Type says odata.metadata= is OData v4, where the key
// before a value tells all. It is searched for URLs, and each is judged by
// looking back (see lookback), at several gigabytes a second. All other JSON
// goes through a tokenizer that keeps the path to where it is (see walker), at
// about a gigabyte a second, and leaves alone what is nested deeper than 256
// levels. Malformed JSON passes unharmed; which links are found in it is not said.
//
// # What is held back
//
// A stream passes each byte on as soon as it is clear that no link begins
// there: at the end of a chunk at most the beginning of an origin stays behind,
// and in a batch an unfinished header line or what may become a delimiter. Memory
// does not grow with the body, or with one value in it.
//
// A Content-Length in a batch, of a message or of a part, is mended, for which
// the part is held until its end, but 512 KiB at most. What is longer streams,
// and the Content-Length that can no longer be kept right is left out, as the
// delimiters say as much. A length that nothing has changed keeps its spelling,
// and one that was wrong stays wrong by as much.
//
// Passed as they are: parts nested in more than four multiparts, lines of a
// batch longer than 128 KiB outside of bodies, messages with a Content-Encoding
// or without a Content-Type, a folded header line's continuation, and all after
// the last delimiter.
package odata
