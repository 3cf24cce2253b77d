package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// Names that Dataverse and Entra spell in a way that net/http would respell.
// They go into the header map under these keys, never through Set.
const (
	headerAuthenticate = "WWW-Authenticate"
	headerETag         = "ETag"
	headerODataVersion = "OData-Version"
	headerEntityID     = "OData-EntityId"
	headerServiceReqID = "x-ms-service-request-id"
	headerReqID        = "REQ_ID"
	headerCRMService   = "CRM.ServiceId"
	headerActivity     = "AuthActivityId"
	headerDOPHint      = "x-ms-dop-hint"
	headerTimeLeft     = "x-ms-ratelimit-time-remaining-xrm-requests"
	headerBurstLeft    = "x-ms-ratelimit-burst-remaining-xrm-requests"
	headerSource       = "X-Source"
	headerOperationID  = "x-ms-dyn-backgroundoperationid"
)

// stampHeaders puts on an answer what every answer of Dataverse carries, some
// of it twice, as in the published capture of WhoAmI.
func (t *Tenant) stampHeaders(h http.Header) {
	frontID, serviceID := newGUID(), newGUID()
	affinity := "ARRAffinity=" + t.affinity() + "; path=/; secure; HttpOnly"
	const longLived = "; expires=Sun, 07-Jan-2074 21:10:42 GMT; path=/; secure; HttpOnly"

	h["Cache-Control"] = []string{"no-cache"}
	h["Expires"] = []string{"-1"}
	h["Vary"] = []string{"Accept-Encoding"}
	h[headerServiceReqID] = []string{frontID, serviceID}
	h["Set-Cookie"] = []string{
		affinity, "ReqClientId=" + newGUID() + longLived, "orgId=" + t.orgID + longLived, affinity,
	}
	h["Strict-Transport-Security"] = []string{"max-age=31536000; includeSubDomains"}
	h[headerReqID] = []string{serviceID}
	h[headerCRMService] = []string{"framework"}
	h[headerActivity] = []string{newGUID()}
	h[headerDOPHint] = []string{"48"}
	h[headerODataVersion] = []string{"4.0"}
	h[headerSource] = []string{digits(frontID), digits(serviceID)}
}

// affinity names the one web server that there is: 88 digits and more, always
// the same.
func (t *Tenant) affinity() string {
	sum := sha256.Sum256([]byte(t.orgID))
	node := hex.EncodeToString(sum[:])
	return node + node + strings.ToUpper(node[:26])
}

// digits turns seed into a long decimal number, as X-Source has them.
func digits(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	var b strings.Builder
	for _, c := range sum {
		b.WriteByte('0' + c/100)
		b.WriteByte('0' + c/10%10)
		b.WriteByte('0' + c%10)
	}
	return b.String()[:83]
}

// allow says which methods a resource takes, in both headers that say so.
func allow(h http.Header, methods string) {
	h["Allow"] = []string{methods}
	h["Public"] = []string{methods}
}
