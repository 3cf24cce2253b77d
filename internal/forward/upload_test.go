package forward_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

// When a 401 comes in the upload's life, against how upstream goes on.
func TestUploadOverA401(t *testing.T) {
	const size = 3 << 20
	body := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	sum := fmt.Sprintf("%x", sha256.Sum256(body))
	for _, when := range []int{0, 1, 100 << 10, size / 2, size} { // bytes read before the 401
		for _, reset := range []bool{false, true} {
			for _, chunked := range []bool{false, true} {
				t.Run(fmt.Sprintf("after %d bytes, reset %v, chunked %v", when, reset, chunked), func(t *testing.T) {
					var executed, refused atomic.Int32
					h := func(w http.ResponseWriter, r *http.Request) {
						if r.Header.Get("Authorization") == "Bearer t2" {
							hash := sha256.New()
							_, err := io.Copy(hash, r.Body)
							if err == nil {
								executed.Add(1)
							}
							fmt.Fprintf(w, "%x", hash.Sum(nil))
							return
						}
						refused.Add(1)
						_, _ = io.CopyN(io.Discard, r.Body, int64(when))
						if reset {
							refuseAndReset(w)
							return
						}
						_ = http.NewResponseController(w).EnableFullDuplex()
						w.Header().Set("Connection", "close") // see responseWriter.WriteHeader
						bearer(w, "")
					}
					r := newRig(t, h, &fakeTokens{}, forward.Options{MaxWait: 20 * time.Second})
					// The client stalls in the middle until upstream has refused.
					upload := &stalling{body: bytes.NewReader(body), at: size / 2, until: func() bool { return refused.Load() > 0 || when > size/2 }}
					var in io.Reader = upload
					request, _ := http.NewRequestWithContext(t.Context(), "POST", r.url+"/x", in)
					if !chunked {
						request.ContentLength = size
					}
					resp, err := http.DefaultClient.Do(request)
					if err != nil {
						t.Fatal(err)
					}
					defer resp.Body.Close()
					got, _ := io.ReadAll(resp.Body)
					if resp.StatusCode != 200 || string(got) != sum {
						t.Errorf("answered %d %.300s, want the sum of the whole body", resp.StatusCode, got)
					}
					if executed.Load() != 1 || refused.Load() != 1 {
						t.Errorf("executed %d, refused %d times; want once each", executed.Load(), refused.Load())
					}
				})
			}
		}
	}
}

// refuseAndReset writes a 401 and resets the connection at once.
func refuseAndReset(w http.ResponseWriter) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = buf.WriteString("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer authorization_uri=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	_ = buf.Flush()
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// stalling is a body that comes to a halt in the middle, until a condition
// holds.
type stalling struct {
	body  *bytes.Reader
	at    int64
	until func() bool
}

func (s *stalling) Read(p []byte) (int, error) {
	if done := s.body.Size() - int64(s.body.Len()); done >= s.at {
		for !s.until() {
			<-time.After(5 * time.Millisecond)
		}
	} else {
		p = p[:min(int64(len(p)), s.at-done)]
	}
	return s.body.Read(p)
}
