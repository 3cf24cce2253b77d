package tokenstore

import (
	"bytes"
	"testing"
	"time"
)

// Only what was sealed opens, and it opens as it was. Only one entry is ever
// sealed with this key, if by many processes, so whatever opens must be that.
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
		switch genuine := e.Token == "t" && e.Sent.Equal(time.Unix(1e9, 0)) && e.Lifetime == time.Hour; {
		case bytes.Equal(file, sealed) && err != nil:
			t.Errorf("the sealed entry does not open: %v", err)
		case err == nil && !genuine: // another process of the fuzzer may have sealed it
			t.Errorf("what was never sealed opens, as %+v", e)
		case err != nil && e != Entry{}:
			t.Errorf("an error comes with %+v", e)
		}
	})
}
