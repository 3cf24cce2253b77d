package tokenstore

import (
	"bytes"
	"testing"
	"time"
)

// Only what was sealed opens, and it opens as it was: a file that opens is one
// of those that this key sealed, byte for byte.
func FuzzOpen(f *testing.F) {
	key, err := newSealer([]byte("secret"), Identity{Authority: "a", ClientID: "c", Scope: "s"})
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := key.seal(Entry{Token: "t", Sent: time.Unix(1e9, 0), Lifetime: time.Hour})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, 0, byte(0))
	f.Add(sealed, 5, byte(1))
	f.Add(sealed, headerSize, byte(1))
	f.Add(sealed, len(sealed)-1, byte(0x80))
	f.Add(sealed[:headerSize], 0, byte(0))
	f.Add(sealed[:headerSize+11], 0, byte(0))
	f.Add([]byte(magic), 0, byte(0))
	f.Add([]byte{}, 0, byte(0))
	f.Fuzz(func(t *testing.T, file []byte, at int, flip byte) {
		file = bytes.Clone(file)
		if len(file) > 0 {
			file[uint(at)%uint(len(file))] ^= flip
		}
		expiryOf(file)
		e, err := key.open(file)
		switch {
		case bytes.Equal(file, sealed):
			if err != nil || e.Token != "t" || !e.Sent.Equal(time.Unix(1e9, 0)) || e.Lifetime != time.Hour {
				t.Errorf("the sealed entry opens as %+v, %v", e, err)
			}
		case err == nil:
			t.Errorf("what was never sealed opens, as %+v", e)
		case e != Entry{}:
			t.Errorf("an error comes with %+v", e)
		}
	})
}
