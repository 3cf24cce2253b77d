package guard_test

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

const (
	mixed = "Content-Type: multipart/mixed; boundary=b"
	soap  = "Content-Type: text/xml; charset=utf-8\nSOAPAction: \"Execute\""

	batchTarget = "POST " + api + "$batch"
	soapTarget  = "POST /XRMServices/2011/Organization.svc/web"
)

// inBatch is a batch with a request whose header has these lines.
func inBatch(header string) string {
	return "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n" +
		"POST /api/data/v9.2/accounts HTTP/1.1\r\nContent-Type: application/json; type=entry\r\n" + header + "\r\n\r\n{\"name\":\"x\"}\r\n--b--\r\n"
}

// envelope is one of SOAP with this in its header.
func envelope(header string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>` + header +
		`</s:Header><s:Body><Execute xmlns="http://schemas.microsoft.com/xrm/2011/Contracts/Services"/></s:Body></s:Envelope>`
}

func utf16Of(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

const caller = "MSCRMCallerID: " + id

var bodies = []struct {
	name    string
	start   string
	header  string
	body    string
	refused bool
}{
	// Batches that pass.
	{"batch", batchTarget, mixed, inBatch("Prefer: return=minimal"), false},
	{"in JSON", batchTarget, mixed, inBatch("A: b") + "\r\n{\r\n\"MSCRMCallerID\": \"x\",\r\n  \"new_callerid\": 5\r\n}", false},
	{"in a value", batchTarget, mixed, inBatch("A: MSCRMCallerID: x"), false},
	{"prose", batchTarget, mixed, inBatch("A: b") + "\r\nThe Caller ID: 555\r\n", false},
	{"lower-case charset", batchTarget, mixed + "; charset=\"UTF-8\"", inBatch("A: b"), false},
	{"a name of 70 letters", batchTarget, mixed, inBatch(strings.Repeat("x", 70) + "CallerID: 1"), false},
	{"empty lines", batchTarget, mixed, "\r\n\r\n\n\n\r\r", false},

	// A caller's id in a batch.
	{"MSCRMCallerID", batchTarget, mixed, inBatch(caller), true},
	{"CallerObjectId", batchTarget, mixed, inBatch("CallerObjectId: " + id), true},
	{"upper case", batchTarget, mixed, inBatch("MSCRMCALLERID:" + id), true},
	{"space before the colon", batchTarget, mixed, inBatch("MSCRMCallerID \t : " + id), true},
	{"space before the name", batchTarget, mixed, inBatch(" \tMSCRMCallerID: " + id), true},
	{"no-break space before the name", batchTarget, mixed, inBatch("\u00a0MSCRMCallerID\u2003: " + id), true},
	{"controls", batchTarget, mixed, inBatch("\v\fMSCRMCallerID\x00: " + id), true},
	{"much space", batchTarget, mixed, inBatch(strings.Repeat(" ", 9000) + caller), true},
	{"folded before the colon", batchTarget, mixed, inBatch("MSCRMCallerID\r\n : " + id), true},
	{"folded after the colon", batchTarget, mixed, inBatch("MSCRMCallerID:\r\n " + id), true},
	{"as a continuation", batchTarget, mixed, inBatch("Prefer: a\r\n\t" + caller), true},
	{"in the part's own header", batchTarget, mixed, "--b\r\n" + caller + "\r\nContent-Type: application/http\r\n\r\nGET /x HTTP/1.1\r\n\r\n", true},
	{"bare LF", batchTarget, mixed, strings.ReplaceAll(inBatch(caller), "\r\n", "\n"), true},
	{"bare CR", batchTarget, mixed, strings.ReplaceAll(inBatch(caller), "\r\n", "\r"), true},
	{"nested", batchTarget, mixed, "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n" + inBatch(caller) + "\r\n--c--", true},
	{"before the first part", batchTarget, mixed, caller + "\r\n--b--", true},
	{"after the last part", batchTarget, mixed, inBatch("A: b") + caller, true},
	{"another boundary", batchTarget, mixed + "x", inBatch(caller), true},
	{"nothing after the name", batchTarget, mixed, "--b\r\nMSCRMCallerID", true},
	{"another target", "POST /x", mixed, inBatch(caller), true},
	{"another case of the type", "POST /x", "Content-Type: MultiPart/MIXED ;boundary=b", inBatch(caller), true},
	{"GET", "GET " + api + "$batch", mixed, inBatch(caller), true},
	{"UTF-16", batchTarget, mixed, utf16Of(inBatch(caller), binary.LittleEndian), true},

	// Batches that cannot be searched.
	{"base64", batchTarget, mixed, inBatch("A: b\r\nContent-Transfer-Encoding: base64"), true},
	{"quoted-printable", batchTarget, mixed, inBatch("content-transfer-encoding : quoted-printable"), true},
	{"base64, folded", batchTarget, mixed, inBatch("Content-Transfer-Encoding:\r\n base64"), true},
	{"base64 at the end", batchTarget, mixed, "--b\r\nContent-Transfer-Encoding: base64", true},
	{"no transfer encoding at all", batchTarget, mixed, inBatch("Content-Transfer-Encoding:"), true},
	{"compressed part", batchTarget, mixed, inBatch("Content-Encoding: gzip"), true},
	{"part of a foreign charset", batchTarget, mixed, "--b\r\nContent-Type: multipart/mixed; boundary=c; charset=ibm037\r\n\r\n", true},
	{"the same, folded", batchTarget, mixed, "--b\r\nContent-Type: multipart/mixed;\r\n boundary=c;\r\n charset=ibm037\r\n\r\n", true},
	{"a value too long", batchTarget, mixed, inBatch("Content-Type: a/b; c=" + strings.Repeat("x", 5000)), true},
	{"foreign charset", batchTarget, mixed + "; charset=utf-7", inBatch("A: b"), true},
	{"charset of RFC 2231", batchTarget, mixed + "; charset*=utf-8''utf-16", inBatch("A: b"), true},
	{"charset, quotes left open", batchTarget, mixed + `; charset="utf-8`, inBatch("A: b"), true},
	{"compressed", batchTarget, mixed + "\nContent-Encoding: gzip", "\x1f\x8b", true},
	{"not compressed", batchTarget, mixed + "\nContent-Encoding: identity", inBatch("A: b"), false},
	{"JSON batch", batchTarget, "Content-Type: application/json", `{"requests":[]}`, true},
	{"JSON batch, encoded target", "POST " + api + "%24Batch", "Content-Type: application/json", `{"requests":[]}`, true},
	{"no type", batchTarget, "A: b", inBatch("A: b"), true},
	{"two types", batchTarget, mixed + "\n" + mixed, inBatch("A: b"), true},
	{"two types, one of them harmless", "POST " + api + "accounts", "Content-Type: application/json\n" + mixed, inBatch("A: b"), true},
	{"types in a list", batchTarget, "Content-Type: multipart/mixed, text/plain", inBatch("A: b"), true},
	{"form", batchTarget, "Content-Type: multipart/form-data; boundary=b", inBatch("A: b"), true},
	{"MTOM", soapTarget, `Content-Type: multipart/related; type="application/xop+xml"; boundary=b`, envelope(""), true},

	// SOAP.
	{"SOAP", soapTarget, soap, envelope(`<SdkClientVersion xmlns="x">9.1</SdkClientVersion>`), false},
	{"text", soapTarget, soap, envelope("<a:key>CallerId</a:key>&lt;CallerId&gt;"), false},
	{"a longer name", soapTarget, soap, envelope("<b:new_CallerId>1</b:new_CallerId>"), false},
	{"byte order mark", soapTarget, soap, "\xef\xbb\xbf" + envelope(""), false},
	{"no declaration", soapTarget, soap, strings.TrimPrefix(envelope(""), `<?xml version="1.0" encoding="utf-8"?>`), false},
	{"Latin-1", soapTarget, "Content-Type: text/xml; charset=iso-8859-1", strings.Replace(envelope("\xe4"), "utf-8", "ISO-8859-1", 1), false},
	{"CallerId", soapTarget, soap, envelope(`<CallerId xmlns="http://schemas.microsoft.com/xrm/2011/Contracts">` + id + `</CallerId>`), true},
	{"with a prefix", soapTarget, soap, envelope(`<a:CallerId>` + id + `</a:CallerId>`), true},
	{"with a long prefix", soapTarget, soap, envelope("<" + strings.Repeat("p", 200) + ":CallerId>" + id), true},
	{"with a line break", soapTarget, soap, envelope("<a:CallerId\r\n>" + id), true},
	{"empty element", soapTarget, soap, envelope(`<a:CallerId/>`), true},
	{"CallerRegardingObjectId", soapTarget, soap, envelope(`<a:CallerRegardingObjectId>`), true},
	{"SOAP 1.2", soapTarget, "Content-Type: application/soap+xml; action=\"x\"", envelope(`<a:CallerId>`), true},
	{"in CDATA", soapTarget, soap, envelope("<![CDATA[<CallerId>]]>"), true},
	{"in a comment that is none", soapTarget, soap, envelope("<!-- --><CallerId><!-- -->"), true},
	{"its value in CDATA", soapTarget, soap, envelope("<CallerId><![CDATA[" + id + "]]></CallerId>"), true},
	{"DTD", soapTarget, soap, `<!DOCTYPE s [<!ENTITY c "x">]><s/>`, true},
	{"DTD, no space", soapTarget, soap, `<!DOCTYPE[<!ENTITY c "x">]><s/>`, true},
	{"UTF-16, little-endian", soapTarget, soap, utf16Of(envelope(`<CallerId>`), binary.LittleEndian), true},
	{"UTF-16, big-endian", soapTarget, soap, utf16Of(envelope(``), binary.BigEndian), true},
	{"UTF-16 after a beginning in ASCII", soapTarget, soap, "<a>" + utf16Of(`<CallerId>`, binary.LittleEndian), true},
	{"UTF-16 by its type", soapTarget, "Content-Type: text/xml; charset=utf-16", envelope(""), true},
	{"UTF-7 by its declaration", soapTarget, soap, strings.Replace(envelope("+ADw-CallerId+AD4-"), "utf-8", "utf-7", 1), true},
	{"a declaration without end", soapTarget, soap, "<?xml " + strings.Repeat(" ", 600), true},
	{"EBCDIC", soapTarget, soap, "\x4c\xa2\x6e", true},
	{"compressed envelope", soapTarget, soap + "\nContent-Encoding: gzip", "\x1f\x8b", true},
	{"binary XML", soapTarget, "Content-Type: application/soap+msbin1", "V\x02", true},
	{"SOAP without a type", soapTarget, "SOAPAction: x", envelope(""), true},
	{"SOAP as JSON", soapTarget, "Content-Type: application/json", "{}", true},
	{"SOAP as a batch", soapTarget, mixed, inBatch("A: b"), true},
	{"SOAP elsewhere", "POST /x", "Content-Type: text/xml", envelope("<CallerId>"), true},
	{"SOAP, encoded target", "POST /XRMServices/2011/%4frganization%2Esvc", "Content-Type: application/json", "{}", true},

	// What holds no caller's id.
	{"JSON", "POST " + api + "accounts", "Content-Type: application/json", `{"MSCRMCallerID":"x"}`, false},
	{"JSON, compressed", "POST " + api + "accounts", "Content-Type: application/json\nContent-Encoding: gzip", "\x1f\x8b", false},
	{"a file", "PATCH " + api + "accounts(1)/f", "Content-Type: application/octet-stream", caller + "\r\n<CallerId>\x00", false},
	{"OData v2", "POST /XRMServices/2011/OrganizationData.svc/AccountSet", "Content-Type: application/json", `{"Name":"x"}`, false},
	{"OData v2 Atom", "POST /XRMServices/2011/OrganizationData.svc/AccountSet", "Content-Type: application/atom+xml", "<entry><d:Name>x</d:Name></entry>", false},
}
