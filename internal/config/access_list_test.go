package config

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// An ace is an entry of an access list as Windows keeps it.
func ace(kind, flags byte, rights, authority uint32, parts ...uint32) []byte {
	b := []byte{kind, flags, 0, 0}
	b = binary.LittleEndian.AppendUint32(b, rights)
	b = append(b, 1, byte(len(parts)), 0, 0)
	b = binary.BigEndian.AppendUint32(b, authority)
	for _, p := range parts {
		b = binary.LittleEndian.AppendUint32(b, p)
	}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

func descriptorOf(entries ...[]byte) []byte {
	list := slices.Concat(entries...)
	b := []byte{1, 0, 0x4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0}
	b = binary.LittleEndian.AppendUint16(b, uint16(8+len(list)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(entries)))
	return append(append(b, 0, 0), list...)
}

const (
	full   = 0x1f01ff
	modify = 0x1301bf
	toRead = 0x1200a9
)

func system(rights uint32) []byte         { return ace(0, 0, rights, 5, 18) }
func administrators(rights uint32) []byte { return ace(0, 0, rights, 5, 32, 544) }
func users(rights uint32) []byte          { return ace(0, 0x10, rights, 5, 32, 545) }
func signedIn(rights uint32) []byte       { return ace(0, 0x10, rights, 5, 11) }
func world(rights uint32) []byte          { return ace(0, 0, rights, 1, 0) }

var noDescriptors = [][]byte{nil, {1, 0, 4, 128}, descriptorOf(world(full))[:30], append(descriptorOf()[:24], 9, 0, 0, 0), descriptorOf([]byte{0, 0, 8, 0, 1, 0, 0, 0})}

func TestJudge(t *testing.T) {
	service := ace(0, 0, 0x120089, 5, 80, 1, 2, 3, 4, 5)
	someone := ace(0, 0, full, 5, 21, 1, 2, 3, 1001)
	for name, row := range map[string]struct {
		in               []byte
		warning, problem string
	}{
		"as installed":              {in: descriptorOf(system(full), administrators(full), service)},
		"in a profile":              {in: descriptorOf(system(full), administrators(full), someone)},
		"nobody":                    {in: descriptorOf()},
		"in ProgramData":            {in: descriptorOf(system(full), administrators(full), users(toRead)), warning: "every account on this machine may read the file, since Users may; if that is not meant: icacls FILE /inheritance:d and then icacls FILE /remove:g *S-1-5-32-545"},
		"below C:":                  {in: descriptorOf(administrators(full), system(full), users(toRead), signedIn(modify)), problem: "every account on this machine may write to the file, since Authenticated Users may; take that away with: icacls FILE /inheritance:d and then icacls FILE /remove:g *S-1-5-11"},
		"everyone reads":            {in: descriptorOf(world(0x1)), warning: "every account on this machine may read the file, since Everyone may"},
		"everyone, by generic ones": {in: descriptorOf(world(genericRead)), warning: "every account on this machine may read"},
		"everyone may do all":       {in: descriptorOf(world(genericAll)), problem: "every account on this machine may write"},
		"everyone writes":           {in: descriptorOf(world(genericWrite)), problem: "every account on this machine may write"},
		"everyone appends":          {in: descriptorOf(world(0x4)), problem: "every account on this machine may write"},
		"who may change the list":   {in: descriptorOf(users(0x40000)), problem: "every account on this machine may write"},
		"who may own it":            {in: descriptorOf(ace(0, 0, 0x80000, 5, 4)), problem: "every account on this machine may write to the file, since INTERACTIVE may"},
		"attributes alone":          {in: descriptorOf(users(0x100180))},
		"two may":                   {in: descriptorOf(users(modify), world(modify)), problem: "every account on this machine may write to the file, since Users and Everyone may; take that away with: icacls FILE /inheritance:d and then icacls FILE /remove:g *S-1-5-32-545 *S-1-1-0"},
		"for what is in it":         {in: descriptorOf(ace(0, 0x8, full, 1, 0))},
		"denied before":             {in: descriptorOf(ace(1, 0, modify, 5, 32, 545), users(modify))},
		"denied to all before":      {in: descriptorOf(ace(1, 0, 0x2|0x4|0x10000, 1, 0), signedIn(modify)), warning: "every account on this machine may read"},
		"denied after":              {in: descriptorOf(users(modify), ace(1, 0, modify, 5, 32, 545)), problem: "every account on this machine may write"},
		"denied to another":         {in: descriptorOf(ace(1, 0, modify, 5, 32, 546), users(modify)), problem: "every account on this machine may write"},
		"on a condition":            {in: descriptorOf(ace(9, 0, full, 1, 0))},
		"no list":                   {in: []byte{1, 0, 0x4, 0x80, 19: 0}, problem: "every account on this machine may write to the file, since it has no access list"},
		"no list, and none meant":   {in: []byte{1, 0, 0, 0x80, 19: 0}, problem: "every account on this machine may write to the file, since it has no access list"},
	} {
		warning, err := judge(row.in)
		if !strings.HasPrefix(warning, row.warning) || (warning == "") != (row.warning == "") {
			t.Errorf("%s: warning %q, want %q", name, warning, row.warning)
		}
		if !strings.HasPrefix(message(err), row.problem) || (err == nil) != (row.problem == "") {
			t.Errorf("%s: error %v, want %q", name, err, row.problem)
		}
	}
	for i, in := range noDescriptors {
		if warning, err := judge(in); err != nil || !strings.Contains(warning, "cannot be found out") {
			t.Errorf("broken %d: %q, %v", i, warning, err)
		}
	}
}

// Any bytes are judged, one way or the other, and none that cannot be read is
// refused.
func FuzzJudge(f *testing.F) {
	f.Add(descriptorOf(system(full), users(toRead)))
	f.Add(descriptorOf(ace(1, 0, full, 1, 0), world(full)))
	for _, in := range noDescriptors {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		warning, err := judge(in)
		if warning != "" && err != nil {
			t.Errorf("both %q and %v", warning, err)
		}
		if _, _, broken := openTo(in); broken != nil && err != nil {
			t.Errorf("refused unread: %v", err)
		}
	})
}
