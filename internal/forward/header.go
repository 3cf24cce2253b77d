package forward

import (
	"net/http"
	"strings"
)

// documented are header names as Dataverse and the standards write them, by
// the form into which net/http puts them. Old clients compare names as text.
// Names that begin with x-ms- and MSCRM. are completed by spelling.
var documented = map[string]string{
	"Odata-Version":    "OData-Version",
	"Odata-Maxversion": "OData-MaxVersion",
	"Odata-Entityid":   "OData-EntityId",
	"Odata-Isolation":  "OData-Isolation",
	"Req_id":           "REQ_ID",
	"Crm.serviceid":    "CRM.ServiceId",
	"Authactivityid":   "AuthActivityId",
	"Callerobjectid":   "CallerObjectId",
	"Mscrmcallerid":    "MSCRMCallerID",
	"Mimetype":         "mimetype",
	"Etag":             "ETag",
	"Www-Authenticate": "WWW-Authenticate",
	"Content-Md5":      "Content-MD5",
	"Soapaction":       "SOAPAction",
	"X-Http-Method":    "X-HTTP-Method",
	"P3p":              "P3P",

	"Mscrm.solutionuniquename":                      "MSCRM.SolutionUniqueName",
	"Mscrm.suppressduplicatedetection":              "MSCRM.SuppressDuplicateDetection",
	"Mscrm.bypasscustompluginexecution":             "MSCRM.BypassCustomPluginExecution",
	"Mscrm.bypassbusinesslogicexecution":            "MSCRM.BypassBusinessLogicExecution",
	"Mscrm.bypassbusinesslogicexecutionstepids":     "MSCRM.BypassBusinessLogicExecutionStepIds",
	"Mscrm.suppresscallbackregistrationexpanderjob": "MSCRM.SuppressCallbackRegistrationExpanderJob",
	"Mscrm.mergelabels":                             "MSCRM.MergeLabels",
	"Mscrm.sessiontoken":                            "MSCRM.SessionToken",
	"Idempotency-Key":                               "idempotency-key",
	"X-Idempotency-Key":                             "x-idempotency-key",
}

// spelling is the documented form of a name that net/http has put into its
// own. The two idempotency keys are spelt in lower case, by which the standard
// transport does not know them: it would take one as leave to send a POST
// twice.
func spelling(name string) string {
	if s, ok := documented[name]; ok {
		return s
	}
	if strings.HasPrefix(name, "X-Ms-") {
		return strings.ToLower(name)
	}
	if rest, ok := strings.CutPrefix(name, "Mscrm."); ok {
		return "MSCRM." + rest
	}
	return name
}

// respell puts a header's names into their documented form.
func respell(h http.Header) {
	for name, values := range h {
		if s := spelling(name); s != name {
			delete(h, name)
			h[s] = values
		}
	}
}

// cleanRequest takes out what is between client and proxy only. ReverseProxy
// has removed the hop-by-hop headers by now.
func cleanRequest(h http.Header) {
	for name := range h {
		if isPrivate(name) {
			delete(h, name)
		}
	}
	delete(h, "Upgrade")       // ReverseProxy has put it back
	delete(h, "Connection")    // together with this
	delete(h, "Authorization") // of whatever kind, it is not for Dataverse
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = nil // keeps net/http from inventing one
	}
}

// cleanResponse takes out what is between upstream and proxy only.
func cleanResponse(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, "Proxy-") {
			delete(h, name)
		}
	}
	delete(h, "Strict-Transport-Security") // it would pin all of localhost to https
}

func isPrivate(name string) bool {
	return name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "Proxy-")
}
