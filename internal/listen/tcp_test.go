package main

import (
	"net"
	"testing"
)

func closeAll(ls []net.Listener) {
	for _, l := range ls {
		_ = l.Close()
	}
}

func TestLocalhostIsBothLoopbackAddresses(t *testing.T) {
	ls, err := listen(t.Context(), "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(ls)
	port := portOf(ls)
	want := []string{"127.0.0.1:" + port}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil { // there is IPv6
		_ = l.Close()
		want = append(want, "[::1]:"+port)
	}
	if len(ls) != len(want) {
		t.Fatalf("%d listeners, want %v", len(ls), want)
	}
	for i, l := range ls {
		if got := l.Addr().String(); got != want[i] {
			t.Errorf("listens on %s, want %s", got, want[i])
		}
	}
	if again, err := listen(t.Context(), "localhost:"+port); err == nil {
		closeAll(again)
		t.Error("the same port is given twice")
	}
}

func TestListenOnOneAddress(t *testing.T) {
	ls, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(ls)
	if len(ls) != 1 {
		t.Errorf("%d listeners, want 1", len(ls))
	}
	if _, err := listen(t.Context(), "nonsense"); err == nil {
		t.Error("no error for nonsense")
	}
}
