package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
)

// batchPart is a request of a batch, or the requests of a change set.
type batchPart struct {
	changeSet  bool
	operations []operation
}

// operation is one request in a batch, as it was written there.
type operation struct {
	contentID, method, target string
	header                    http.Header
	body                      string
}

// readBatch takes a batch apart. OData 4.0 Protocol 11.7.
func readBatch(contentType string, body []byte) ([]batchPart, error) {
	boundary, err := boundaryOf(contentType)
	if err != nil {
		return nil, err
	}
	var parts []batchPart
	count := 0
	err = eachPart(body, boundary, func(header http.Header, content []byte) error {
		part, err := readPart(header, content)
		parts = append(parts, part)
		if count += len(part.operations); count > mostInBatch {
			return fmt.Errorf("it has more than %d requests", mostInBatch)
		}
		return err
	})
	if err == nil && len(parts) == 0 {
		err = errors.New("it has no requests")
	}
	return parts, err
}

func boundaryOf(contentType string) (string, error) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/mixed" || parameters["boundary"] == "" {
		return "", fmt.Errorf("%q is not multipart/mixed with a boundary", contentType)
	}
	return parameters["boundary"], nil
}

// eachPart hands out the parts of a multipart body, which must have its last
// delimiter. A part that declares its length must have it.
func eachPart(body []byte, boundary string, use func(http.Header, []byte) error) error {
	mr := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) && hasEnd(body, boundary) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the parts between --%s: %w", boundary, err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return fmt.Errorf("read a part between --%s: %w", boundary, err)
		}
		header := http.Header(part.Header)
		if content, err = cutToLength(header, content); err != nil {
			return err
		}
		if err := use(header, content); err != nil {
			return err
		}
	}
}

func hasEnd(body []byte, boundary string) bool {
	return bytes.Contains(body, []byte("--"+boundary+"--"))
}

// cutToLength is content without the blank lines after its declared length. A
// wrong length is an error.
func cutToLength(header http.Header, content []byte) ([]byte, error) {
	declared := header.Get("Content-Length")
	if declared == "" {
		return content, nil
	}
	n, err := strconv.Atoi(declared)
	if err != nil || n < 0 || n > len(content) || len(bytes.Trim(content[n:], "\r\n")) > 0 {
		return nil, fmt.Errorf("a Content-Length says %s, and there are %d bytes", declared, len(content))
	}
	return content[:n], nil
}

func readPart(header http.Header, content []byte) (batchPart, error) {
	if boundary, err := boundaryOf(header.Get("Content-Type")); err == nil {
		part := batchPart{changeSet: true}
		err := eachPart(content, boundary, func(header http.Header, content []byte) error {
			op, err := readOperation(header, content)
			part.operations = append(part.operations, op)
			return err
		})
		if err == nil && len(part.operations) == 0 {
			err = errors.New("a change set has no requests")
		}
		return part, err
	}
	op, err := readOperation(header, content)
	return batchPart{operations: []operation{op}}, err
}

// readOperation reads a part that is an HTTP request. Without a body its header
// need not end in a blank line.
func readOperation(part http.Header, content []byte) (operation, error) {
	op := operation{contentID: part.Get("Content-ID"), header: http.Header{}}
	if kind, _, err := mime.ParseMediaType(part.Get("Content-Type")); err != nil || kind != "application/http" {
		return op, fmt.Errorf("a part has the Content-Type %q, not application/http", part.Get("Content-Type"))
	}
	if encoding := part.Get("Content-Transfer-Encoding"); encoding != "" && !strings.EqualFold(encoding, "binary") {
		return op, fmt.Errorf("a part has the Content-Transfer-Encoding %q, not binary", encoding)
	}
	line, rest := cutLine(bytes.TrimLeft(content, "\r\n"))
	method, target, _ := strings.Cut(line, " ")
	end := strings.LastIndexByte(target, ' ')
	if end < 1 || !strings.HasPrefix(target[end+1:], "HTTP/1.") || method == "" {
		return op, fmt.Errorf("%.100q is not a request line", line)
	}
	if op.method, op.target = method, strings.Trim(target[:end], " "); op.target == "" {
		return op, fmt.Errorf("%.100q has no target", line)
	}
	for len(rest) > 0 {
		if line, rest = cutLine(rest); line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return op, fmt.Errorf("%.100q is not a header field", line)
		}
		op.header.Add(name, strings.TrimSpace(value))
	}
	body, err := cutToLength(op.header, rest)
	op.body = string(body)
	return op, err
}

// cutLine cuts off the first line; it may end in CRLF or in LF alone.
func cutLine(b []byte) (line string, rest []byte) {
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	return string(bytes.TrimSuffix(first, []byte("\r"))), rest
}
