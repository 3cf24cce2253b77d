package admin

import (
	"io"
	"net/http"
	"strconv"
)

// quit answers before it tells the process to stop, which is going to close
// this connection.
func (o Options) quit(w http.ResponseWriter, r *http.Request) {
	if o.Quit == nil {
		http.Error(w, "not allowed here: set admin.quit: true in the configuration, or DVPROXY_ADMIN_QUIT=true", http.StatusForbidden)
		return
	}
	// What is left unread would make the close a reset, which takes the answer
	// away from the client.
	const some = 4 << 10
	_, _ = io.CopyN(io.Discard, r.Body, some)
	const answer = "draining\n"
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(answer)))
	h.Set("Connection", "close")
	_, _ = io.WriteString(w, answer)
	_ = http.NewResponseController(w).Flush()
	o.Quit()
}
