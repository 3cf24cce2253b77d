package forward

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"testing/iotest"
)

func newKeeping(t testing.TB, maxBody, memory int64) *keeping {
	t.Helper()
	return &keeping{
		maxBody: maxBody, memory: memory, dir: t.TempDir(), budget: NewBudget(1 << 20),
		buffers: &bufferPool{}, log: slog.New(slog.DiscardHandler),
	}
}

func sample(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> (i % 3))
	}
	return b
}

// Whatever the sizes, a body that was kept reads the same the second time, and
// what it held is given back.
func TestViewsReadTheSame(t *testing.T) {
	sizes := []int{0, 1, 100, 4096, 4097, 32 << 10, 32<<10 + 1, 100 << 10, 300 << 10}
	for _, memory := range []int64{-1, 0, 1, 1000, 64 << 10, 1 << 20} {
		for _, size := range sizes {
			for _, length := range []int64{-1, int64(size)} {
				k := newKeeping(t, 1<<20, memory)
				body := sample(size)
				kept := k.keep(iotest.HalfReader(bytes.NewReader(body)), length)
				for attempt := range 3 {
					v := kept.view()
					got, err := io.ReadAll(v)
					if err != nil || !bytes.Equal(got, body) {
						t.Fatalf("memory %d, size %d: attempt %d reads %d bytes, %v", memory, size, attempt, len(got), err)
					}
					_ = v.Close()
				}
				kept.close()
				if left := k.budget.left.Load(); left != 1<<20 {
					t.Errorf("memory %d, size %d: %d bytes of the budget were not given back", memory, size, 1<<20-left)
				}
				if files, _ := os.ReadDir(k.dir); len(files) > 0 {
					t.Errorf("memory %d, size %d: there is a file named %s", memory, size, files[0].Name())
				}
			}
		}
	}
}

func TestBodyOverTheLimitStreams(t *testing.T) {
	const limit = 64 << 10
	tests := []struct {
		name       string
		size       int
		known      bool
		replayable bool
	}{
		{"just the limit", limit, true, true},
		{"just the limit, unknown", limit, false, true},
		{"over", limit + 1, true, false},
		{"far over, unknown", 3 * limit, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			length := int64(-1)
			if tt.known {
				length = int64(tt.size)
			}
			k := newKeeping(t, limit, 1000).keep(bytes.NewReader(sample(tt.size)), length)
			got, err := io.ReadAll(k.view())
			if err != nil || !bytes.Equal(got, sample(tt.size)) {
				t.Fatalf("read %d bytes, %v; want all", len(got), err)
			}
			if k.replayable() != tt.replayable {
				t.Errorf("replayable: %v, want %v", k.replayable(), tt.replayable)
			}
			if _, err := io.ReadAll(k.view()); tt.replayable != (err == nil) || (err != nil && !errors.Is(err, errLost)) {
				t.Errorf("a second view ends with %v", err)
			}
		})
	}
}

// fill reads ahead as far as the body can be kept, and loses nothing of what
// cannot.
func TestFillLosesNothing(t *testing.T) {
	for _, dir := range []string{"", "/nonexistent"} {
		for _, size := range []int{0, 10, 1000, 32 << 10, 64 << 10, 65<<10 + 1, 500 << 10} {
			k := newKeeping(t, 64<<10, 1000)
			if dir != "" {
				k.dir = dir
			}
			kept := k.keep(bytes.NewReader(sample(size)), -1)
			if err := kept.fill(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !kept.replayable() {
				t.Fatalf("size %d: lost by reading ahead", size)
			}
			if got, err := io.ReadAll(kept.view()); err != nil || !bytes.Equal(got, sample(size)) {
				t.Errorf("size %d, dir %q: read %d bytes, %v", size, dir, len(got), err)
			}
		}
	}
}

func TestFillEndsWithItsContext(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	k := newKeeping(t, 1<<20, 1000).keep(r, -1)
	source := <-k.source // an attempt that has ended still reads
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- k.fill(ctx) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("fill ends with %v, want the context's error", err)
	}
	k.source <- source
}

// The transport goes on reading for one attempt while the next begins.
func TestTwoViewsAtATime(t *testing.T) {
	body := sample(20 << 10)
	k := newKeeping(t, 1<<20, 1_000).keep(iotest.OneByteReader(bytes.NewReader(body)), int64(len(body)))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got, err := io.ReadAll(k.view()); err != nil || !bytes.Equal(got, body) {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
		})
		wg.Go(func() {
			v := k.view()
			_, _ = io.CopyN(io.Discard, v, rand.Int64N(int64(len(body))))
			_ = v.Close()
			if _, err := v.Read(make([]byte, 1)); !errors.Is(err, errDetached) {
				t.Errorf("a closed view reads on: %v", err)
			}
		})
	}
	wg.Wait()
	k.close()
}

func TestTheClientsErrorIsToldToEachView(t *testing.T) {
	broken := errors.New("broken")
	k := newKeeping(t, 1<<20, 1000).keep(io.MultiReader(bytes.NewReader(sample(10)), iotest.ErrReader(broken)), 20)
	for range 2 {
		if got, err := io.ReadAll(k.view()); !errors.Is(err, broken) || len(got) != 10 {
			t.Errorf("read %d bytes, %v; want 10 and the client's error", len(got), err)
		}
	}
	if !errors.Is(k.clientError(), broken) {
		t.Errorf("client error %v", k.clientError())
	}
}

func FuzzViews(f *testing.F) {
	f.Add(uint16(1000), uint16(10), uint16(3), uint16(500), int64(-1))
	f.Add(uint16(40000), uint16(40000), uint16(0), uint16(65000), int64(5))
	f.Fuzz(func(t *testing.T, size, limit, memory, first uint16, chunk int64) {
		body := sample(int(size))
		k := newKeeping(t, int64(limit), int64(memory))
		kept := k.keep(bytes.NewReader(body), -1)
		defer kept.close()
		a := kept.view()
		_, _ = io.CopyN(io.Discard, a, int64(first))
		if chunk%2 == 0 {
			if err := kept.fill(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if kept.replayable() {
			_ = a.Close()
			a = kept.view()
			if got, err := io.ReadAll(a); err != nil || !bytes.Equal(got, body) {
				t.Fatalf("the replay reads %d bytes of %d, %v", len(got), size, err)
			}
			return
		}
		if got, err := io.ReadAll(a); err != nil || !bytes.Equal(got, body[min(int(first), len(body)):]) {
			t.Fatalf("the first attempt reads %d more bytes of %d, %v", len(got), size, err)
		}
	})
}
