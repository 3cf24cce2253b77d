package supervisor

import (
	"crypto/sha1" //nolint:gosec // G505: it is how Windows makes these ids
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// serviceSID is the security id that Windows gives the service of a name, and
// its account: 80 and the SHA-1 of the name in upper case, as UTF-16. It is the
// same on every machine, and there before the service is. "sc.exe showsid NAME"
// prints it.
func serviceSID(name string) string {
	var text []byte
	for _, unit := range utf16.Encode([]rune(strings.ToUpper(name))) {
		text = binary.LittleEndian.AppendUint16(text, unit)
	}
	sum := sha1.Sum(text) //nolint:gosec // G401: the same
	sid := "S-1-5-80"
	for i := 0; i < len(sum); i += 4 {
		sid += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(sum[i:]))
	}
	return sid
}
