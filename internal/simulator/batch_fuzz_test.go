package simulator

import (
	"net/http"
	"strings"
	"testing"
)

// What is read of a batch was in it, and can be carried out.
func FuzzReadBatch(f *testing.F) {
	for _, seed := range []string{
		"", batchEnd, alone("GET x HTTP/1.1"), alone(request("POST $1", `{}`)) + batchEnd,
		together(request("POST /api/data/v9.2/accounts", `{"name":"a"}`), request("PUT $1/x/$ref", `{"@odata.id":"$1"}`)) + alone("GET /a b HTTP/1.1\nHost: x\n\n") + batchEnd,
		"--batch_1\nContent-Type: multipart/mixed; boundary=\"\"\n\n" + batchEnd,
	} {
		f.Add(seed)
		f.Add(strings.ReplaceAll(seed, "\n", "\r\n"))
	}
	b := New(Options{Key: sharedKey()})
	f.Fuzz(func(t *testing.T, in string) {
		parts, err := readBatch("multipart/mixed; boundary=batch_1", []byte(in))
		if err != nil {
			return
		}
		outer := &call{t: b, r: newRequest(t, "http://a.example"), w: newUnsent()}
		outer.target, _ = readTarget("/api/data/v9.2/$batch")
		n := 0
		for _, part := range parts {
			for _, op := range part.operations {
				if n++; !strings.Contains(in, op.body) || !strings.Contains(in, op.target) || op.target == "" {
					t.Errorf("%q is not in %q", op, in)
				}
			}
			for _, done := range outer.performAll(part) {
				if done.status < 200 || done.status > 599 {
					t.Errorf("status %d of %q", done.status, in)
				}
			}
		}
		if n == 0 || n > mostInBatch {
			t.Errorf("%d operations", n)
		}
	})
}

func newRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
