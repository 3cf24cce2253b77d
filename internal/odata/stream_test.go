package odata

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// What cannot be the beginning of a link any more must not be held back.
func TestTrickle(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	for _, tt := range []struct {
		name, contentType, in string
		held                  func(seen string) int // how much of seen may be missing
	}{
		{"record data", minimalType, `{"a":"` + remote + `/x","@odata.id" : 5, "b@odata.id":"/x","c":"\"https:/`, func(string) int { return 0 }},
		{"record data, walked", plainType, `{"a":"` + remote + `/x","@odata.id" : 5, "uri":"https://x","c":"\"https:/`, func(string) int { return 0 }},
		{"another link", minimalType, `{"@odata.id":"https://contoso.crm.example/x","a":1}`, func(seen string) int {
			const begin = `{"@odata.id":"`
			if n := len(seen) - len(begin); n > 0 && n <= len("https://contoso.crm.") {
				return n
			}
			return 0
		}},
		{"batch", batchType, "--batch_1\r\nContent-Type: text/plain\r\n\r\na\r\n--b c\r\n--batch_1--\r\nx", func(seen string) int {
			line := seen[strings.LastIndexByte(seen, '\n')+1:]
			switch {
			case seen == line, line == "\r", strings.HasPrefix("--b", line), strings.HasPrefix("Content-Type: text/plain\r", line):
				return len(line)
			case strings.HasPrefix("--batch_1--", line):
				return len(line)
			}
			return 0
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := view.Response(Message{ContentType: tt.contentType})
			var out []byte
			for i := range len(tt.in) {
				out = s.Append(out, []byte(tt.in[i:i+1]))
				seen := tt.in[:i+1]
				if held := len(seen) - len(out); held > tt.held(seen) {
					t.Fatalf("after %q: %d bytes are held, only %d may be", seen, held, tt.held(seen))
				}
			}
		})
	}
}

func TestReader(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	in := spell(`{"@odata.id":"<R>/x","a":"` + strings.Repeat("y", 100<<10) + `","b@odata.id":"<R>/x"}`)
	want := spell(`{"@odata.id":"<L>/x","a":"` + strings.Repeat("y", 100<<10) + `","b@odata.id":"<L>/x"}`)
	for name, r := range map[string]io.Reader{
		"plain":          strings.NewReader(in),
		"one byte":       iotest.OneByteReader(strings.NewReader(in)),
		"data with EOF":  iotest.DataErrReader(strings.NewReader(in)),
		"half of a read": iotest.HalfReader(strings.NewReader(in)),
	} {
		if err := iotest.TestReader(view.Response(Message{ContentType: minimalType}).Reader(r), []byte(want)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A broken body gives all that came, and then the error, never io.EOF.
func TestReaderError(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	broken := errors.New("broken")
	src := io.MultiReader(strings.NewReader(spell(`{"@odata.id":"<R>/x","@odata.id":"https://con`)), iotest.ErrReader(broken))
	got, err := io.ReadAll(view.Response(Message{ContentType: minimalType}).Reader(src))
	if want := spell(`{"@odata.id":"<L>/x","@odata.id":"https://con`); string(got) != want || !errors.Is(err, broken) {
		t.Errorf("got %q and error %v, want %q", got, err, want)
	}
}

func TestAll(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	got := view.Response(Message{ContentType: minimalType}).All([]byte(spell(`{"@odata.id":"<R>/x","@odata.id":"https://con`)))
	if want := spell(`{"@odata.id":"<L>/x","@odata.id":"https://con`); string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	in := page(true)[:32<<10]
	for _, contentType := range []string{minimalType, plainType} {
		s := view.Response(Message{ContentType: contentType})
		dst := make([]byte, 0, 64<<10)
		next := 0
		if n := testing.AllocsPerRun(100, func() {
			// Chunks end anywhere, in the middle of origins too.
			next = (next + 1) % 1000
			dst = s.Append(dst[:0], in[:len(in)-next])
		}); n > 0 {
			t.Errorf("%s: %v allocations for a chunk", contentType, n)
		}
	}
}

// endless repeats a text for so many bytes in all.
type endless struct {
	text []byte
	left int64
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), e.left)], e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	e.left -= int64(n)
	return n, nil
}

// growth passes size bytes of text through a stream and returns by how much
// the memory in use grew at most.
func growth(s *Stream, head, text []byte, size int64) int64 {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := s.Reader(io.MultiReader(bytes.NewReader(head), &endless{text: text, left: size}))
	buf := make([]byte, 32<<10)
	most := int64(0)
	for i := 0; ; i++ {
		_, err := r.Read(buf)
		if i%(8<<20/len(buf)) == 0 || err != nil {
			runtime.ReadMemStats(&now)
			most = max(most, int64(now.HeapAlloc)-int64(before.HeapAlloc))
		}
		if err != nil {
			return most
		}
	}
}

func TestConstantMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("passes 600 MiB through streams")
	}
	const limit = 4 << 20
	view := newMapper(t).At("http", "localhost:7080")
	record := page(true)[:4<<20]
	for _, tt := range []struct {
		name, contentType, head string
		text                    []byte
	}{
		{"page", fullType, "", record},
		{"page, walked", plainType, "", record},
		{"one string", minimalType, `{"a":"`, []byte(strings.Repeat("x", 1000))},
		{"one string, walked", plainType, `{"@odata.context":"`, []byte(strings.Repeat(`x\\`, 1000))},
		{"one key, walked", plainType, `{"`, []byte(strings.Repeat("x", 1000))},
		{"one link", minimalType, `{"@odata.id":"` + remote + `/`, []byte(strings.Repeat("/", 1000))},
		{"white space", minimalType, `{"@odata.id":`, []byte(strings.Repeat(" ", 1000))},
		{"brackets", plainType, ``, []byte(strings.Repeat("[", 1000))},
		{"batch", batchType, "--batch_1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", record},
		{"batch with a length", batchType, "--batch_1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 268435456\r\nContent-Type: application/json\r\n\r\n", record},
		{"one line of a header", batchType, "--batch_1\r\n", []byte(strings.Repeat("x", 1000))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			size := int64(32 << 20)
			if tt.contentType == fullType {
				size = 256 << 20
			}
			got := growth(view.Response(Message{ContentType: tt.contentType}), []byte(tt.head), tt.text, size)
			if got > limit {
				t.Errorf("memory grew by %d KiB", got>>10)
			}
			t.Logf("memory grew by %d KiB", got>>10)
		})
	}
}

// BenchmarkStream2GiB passes 2 GiB through one stream and reports by how much
// memory grew.
func BenchmarkStream2GiB(b *testing.B) {
	const size = 2 << 30
	view := newMapper(b).At("http", "localhost:7080")
	record := page(false)[:4<<20]
	b.SetBytes(size)
	for b.Loop() {
		got := growth(view.Response(Message{ContentType: minimalType}), nil, record, size)
		b.ReportMetric(float64(got)/(1<<10), "KiB-grown")
	}
}

func TestLengthOfABrokenBody(t *testing.T) {
	s := newMapper(t).At("http", "localhost:7080").Response(Message{ContentType: minimalType})
	broken := errors.New("broken")
	if n, err := s.Length(io.MultiReader(strings.NewReader("{}"), iotest.ErrReader(broken))); n != 0 || !errors.Is(err, broken) {
		t.Errorf("length %d, %v", n, err)
	}
}
