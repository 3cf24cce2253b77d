package guard

import "strings"

// isBatch says whether a plain path may lead to the batch service, whatever
// stands around its name: slashes, parameters, parentheses.
func isBatch(path string) bool { return strings.Contains(path, "$batch") }

// isSOAP says whether a plain path may lead to the SOAP endpoint,
// /XRMServices/2011/Organization.svc, with /web after it or not. The OData v2
// service of that folder, OrganizationData.svc, is none.
func isSOAP(path string) bool { return strings.Contains(path, "organization.svc") }

// plainPath is the path of a request target as the most lenient of servers may
// read it: in lower case, with all escapes decoded, those that come to light by
// that as well. Escapes are %24 and the %u0024 of Microsoft's http.sys. It is to be
// searched and never to be sent.
func plainPath(target string) string {
	target, _, _ = strings.Cut(target, "?")
	if strings.IndexByte(target, '%') < 0 {
		return strings.ToLower(target)
	}
	plain := make([]byte, 0, len(target))
	for i := range len(target) {
		plain = append(plain, target[i])
		for {
			n := len(plain)
			if n >= 6 && plain[n-6] == '%' && plain[n-5]|0x20 == 'u' {
				if c, ok := hex(plain[n-4:]); ok && c < 0x80 {
					plain = append(plain[:n-6], byte(c&0x7f))
					continue
				}
			}
			if n >= 3 && plain[n-3] == '%' {
				if c, ok := hex(plain[n-2:]); ok {
					plain = append(plain[:n-3], byte(c&0xff))
					continue
				}
			}
			break
		}
	}
	return strings.ToLower(string(plain))
}

// hex is the number that hexadecimal digits of either case make.
func hex(digits []byte) (n int, ok bool) {
	for _, c := range digits {
		switch c |= 0x20; {
		case 'a' <= c && c <= 'f':
			n = n<<4 | int(c-'a'+10)
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		default:
			return 0, false
		}
	}
	return n, true
}
