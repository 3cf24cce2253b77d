package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// An exchange is a request and its answer on their way through a relay.
type exchange struct {
	relay      *relay
	cut        cut
	down, up   net.Conn
	from, back *bufio.Reader // of down and up
}

// A head is a request or status line with the header, as they came.
type head struct {
	text    []byte
	line    int // length of the first line
	length  int // of the body; -1 if it comes in chunks
	expects bool
	status  int
}

// pass lets one exchange through, or cuts it.
func (x *exchange) pass() error {
	h, err := readHead(x.from)
	if err != nil {
		return err
	}
	if err := x.sendHead(x.up, h, requestLine, requestHeader); err != nil {
		return err
	}
	if x.cut.place == beforeBody {
		return x.relay.strike(x.cut, x.down)
	}
	answer, answered, err := x.leave(h)
	if err != nil {
		return err
	}
	if !answered {
		if err := x.sendBody(x.up, x.from, h, firstOfBody); err != nil {
			return err
		}
		if x.cut.place == afterRequest {
			return x.relay.strike(x.cut, x.down)
		}
		if answer, err = x.final(); err != nil {
			return err
		}
	}
	if x.cut.place == onExecution {
		return x.relay.strike(x.cut, x.down)
	}
	if err := x.sendHead(x.down, answer, statusLine, answerHeader); err != nil {
		return err
	}
	if x.cut.place == beforeAnswerBody && answer.length != 0 {
		return x.relay.strike(x.cut, x.down)
	}
	if err := x.sendBody(x.down, x.back, answer, firstOfAnswer); err != nil {
		return err
	}
	if x.cut.place == idle {
		<-time.After(time.Duration(x.cut.share * float64(2*time.Millisecond)))
		return x.relay.strike(x.cut, x.down)
	}
	return nil
}

// leave asks the tenant for leave to send the body, if that is expected.
func (x *exchange) leave(h head) (answer head, answered bool, err error) {
	if !h.expects {
		return head{}, false, nil
	}
	answer, err = readHead(x.back)
	if err != nil || answer.status != 100 {
		return answer, true, err
	}
	_, err = x.down.Write(answer.text)
	return head{}, false, err
}

// final is the head of the answer, after those of 1xx.
func (x *exchange) final() (head, error) {
	for {
		h, err := readHead(x.back)
		if err != nil || h.status >= 200 {
			return h, err
		}
		if _, err := x.down.Write(h.text); err != nil {
			return h, err
		}
	}
}

// sendHead passes a head on, or what comes before the cut.
func (x *exchange) sendHead(to io.Writer, h head, line, header place) error {
	text, cut := h.text, true
	switch x.cut.place {
	case line:
		text = text[:1+int(x.cut.share*float64(h.line-1))]
	case header:
		text = text[:h.line+int(x.cut.share*float64(len(text)-h.line))]
	default:
		cut = false
	}
	if _, err := to.Write(text); err != nil {
		return err
	}
	if cut {
		return x.relay.strike(x.cut, x.down)
	}
	return nil
}

// sendBody passes a body on, or what comes before the cut, which is in one of
// the three places from first on.
func (x *exchange) sendBody(to io.Writer, from *bufio.Reader, h head, first place) error {
	length := h.length
	var body io.Reader = from
	if h.length < 0 {
		raw, err := readChunks(from)
		if err != nil {
			return err
		}
		body, length = bytes.NewReader(raw), len(raw)
	}
	most, cut := length, length > 0
	switch x.cut.place {
	case first:
		most = 1
	case first + 1:
		most = 1 + int(x.cut.share*float64(length-1))
	case first + 2:
		most = length - 1
	default:
		cut = false
	}
	if _, err := io.CopyN(to, body, int64(min(most, length))); err != nil {
		return err
	}
	if cut {
		return x.relay.strike(x.cut, x.down)
	}
	return nil
}

// readHead reads a head as it is.
func readHead(r *bufio.Reader) (h head, err error) {
	for {
		line, err := r.ReadString('\n')
		h.text = append(h.text, line...)
		if err != nil {
			return h, err
		}
		if h.line == 0 {
			h.line = len(line)
			if rest, ok := strings.CutPrefix(line, "HTTP/1.1 "); ok {
				h.status, _ = strconv.Atoi(rest[:3])
			}
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch value = strings.TrimSpace(value); strings.ToLower(name) {
		case "":
			return h, nil
		case "content-length":
			h.length, err = strconv.Atoi(value)
		case "transfer-encoding":
			h.length = -1
		case "expect":
			h.expects = true
		}
		if err != nil {
			return h, err
		}
	}
}

// readChunks reads a body in chunks, with all that makes it one.
func readChunks(r *bufio.Reader) (raw []byte, err error) {
	for {
		line, err := r.ReadSlice('\n')
		raw = append(raw, line...)
		if err != nil {
			return raw, err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 32)
		if err != nil {
			return raw, err
		}
		from := len(raw)
		raw = append(raw, make([]byte, size+2)...)
		if _, err := io.ReadFull(r, raw[from:]); err != nil || size == 0 {
			return raw, err
		}
	}
}
