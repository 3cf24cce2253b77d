package simulator

import (
	"bytes"
	"fmt"
	"net/http"
)

// exposed is what a part may say in Access-Control-Expose-Headers.
const exposed = "Preference-Applied, OData-EntityId, Location, ETag, OData-Version, Content-Encoding, Transfer-Encoding, Content-Length, Retry-After"

// batchAnswer puts the answers of a batch together. Published samples write the
// parts in two ways, so the answers take turns: odd ones have a space after the
// colons and two blank lines at the end of a message without a body; even ones
// have no space after the colons of Location and OData-EntityId and one blank
// line, and list the headers that scripts may read.
type batchAnswer struct {
	boundary string
	out      bytes.Buffer
	messages int
}

func newBatchAnswer() *batchAnswer { return &batchAnswer{boundary: "batchresponse_" + newGUID()} }

// add writes the answers of a part. A change set that failed has one, which
// takes the place of the change set.
func (a *batchAnswer) add(part batchPart, answers []*performed) {
	fmt.Fprintf(&a.out, "--%s\r\n", a.boundary)
	if !part.changeSet || answers[0].status >= http.StatusBadRequest {
		a.message(answers[0])
		return
	}
	boundary := "changesetresponse_" + newGUID()
	fmt.Fprintf(&a.out, "Content-Type: multipart/mixed; boundary=%s\r\n\r\n", boundary)
	for _, answer := range answers {
		fmt.Fprintf(&a.out, "--%s\r\n", boundary)
		a.message(answer)
	}
	fmt.Fprintf(&a.out, "--%s--\r\n", boundary)
}

// end writes the last delimiter and returns the body.
func (a *batchAnswer) end() []byte {
	fmt.Fprintf(&a.out, "--%s--\r\n", a.boundary)
	return a.out.Bytes()
}

func (a *batchAnswer) message(answer *performed) {
	a.messages++
	compact := a.messages%2 == 0
	a.field("Content-Type", "application/http")
	a.field("Content-Transfer-Encoding", "binary")
	if answer.contentID != "" {
		a.field("Content-ID", answer.contentID)
	}
	fmt.Fprintf(&a.out, "\r\nHTTP/1.1 %d %s\r\n", answer.status, http.StatusText(answer.status))
	a.header(answer, compact)
	a.out.WriteString("\r\n")
	if answer.body.Len() > 0 {
		a.out.Write(answer.body.Bytes())
	}
	if answer.body.Len() > 0 || !compact {
		a.out.WriteString("\r\n")
	}
}

func (a *batchAnswer) header(answer *performed, compact bool) {
	h := answer.header
	if answer.status >= http.StatusBadRequest {
		a.field(headerReqID, newGUID())
	}
	for _, value := range h["Content-Type"] {
		a.field("Content-Type", value)
	}
	a.field(headerODataVersion, "4.0")
	for _, name := range []string{headerETag, "Preference-Applied", "Retry-After", headerOperationID, "x-ms-file-name", "x-ms-file-size"} {
		for _, value := range h[name] {
			a.field(name, value)
		}
	}
	colon := ": "
	if compact {
		colon = ":"
	}
	if id := h[headerEntityID]; id != nil && answer.names {
		a.out.WriteString("Location" + colon + id[0] + "\r\n" + headerEntityID + colon + id[0] + "\r\n")
	} else if location := h["Location"]; location != nil {
		a.out.WriteString("Location" + colon + location[0] + "\r\n")
	}
	if compact { // last: some clients take the first OData-EntityId they find for the header
		a.field("Access-Control-Expose-Headers", exposed)
	}
}

func (a *batchAnswer) field(name, value string) { a.out.WriteString(name + ": " + value + "\r\n") }
