package forward_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

// refusedBody is what a body ends in that somebody before the proxy refused.
type refusedBody struct{}

func (refusedBody) Error() string { return "refused" }
func (refusedBody) Refusal() (status int, code, message string) {
	return http.StatusForbidden, "impersonation_refused", "A header names a caller."
}

// refusing ends a body in an error, after what has come before.
type refusing struct {
	io.Reader
	err error
}

func (r refusing) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = r.err
	}
	return n, err
}

// A body that is refused on its way is answered as who refused it says; upstream
// never sees its end, and the client's connection, which still has some of it, is
// closed.
func TestRefusedBody(t *testing.T) {
	for name, length := range map[string]int64{"declared": 1 << 20, "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				ended <- err
			}))
			defer upstream.Close()
			target, _ := url.Parse(upstream.URL)
			p := forward.New(target, &fakeTokens{}, forward.NewTransport(10*time.Second, 10*time.Second), forward.Options{})
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/data/v9.2/$batch",
				refusing{strings.NewReader(strings.Repeat("x", 200<<10)), refusedBody{}})
			r.ContentLength = length
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), `"dvproxy.impersonation_refused"`) {
				t.Errorf("answered %d %s, want 403 dvproxy.impersonation_refused", w.Code, w.Body)
			}
			if got := w.Header().Get("Connection"); got != "close" {
				t.Errorf("Connection: %q, want close", got)
			}
			if got := w.Header().Get("Proxy-Status"); got != "dvproxy; error=http_request_denied" {
				t.Errorf("Proxy-Status: %q", got)
			}
			if err := <-ended; err == nil {
				t.Error("upstream saw the body's end")
			}
		})
	}
}
