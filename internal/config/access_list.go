package config

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// judge refuses a file whose security descriptor of Windows lets every account
// write, and warns of one that lets every account read. SYSTEM, administrators, the
// owner and accounts that somebody has named are no concern of it: a service's own
// must be among them.
func judge(descriptor []byte) (warning string, err error) {
	readers, writers, err := openTo(descriptor)
	const how = "since %s may; %s: icacls FILE /inheritance:d and then icacls FILE /remove:g %s"
	switch {
	case err != nil:
		return "who else may read or change the file cannot be found out: " + err.Error(), nil
	case slices.Contains(writers, noList):
		return "", errors.New("every account on this machine may write to the file, since it has no access list; move it to a drive with NTFS, or give it one with: icacls FILE /inheritance:r /grant ACCOUNT:R")
	case len(writers) > 0:
		return "", fmt.Errorf("every account on this machine may write to the file, "+how, names(writers), "take that away with", "*"+strings.Join(writers, " *"))
	case len(readers) > 0:
		return fmt.Sprintf("every account on this machine may read the file, "+how, names(readers), "if that is not meant", "*"+strings.Join(readers, " *")), nil
	}
	return "", nil
}

const (
	everyone = "S-1-1-0"
	noList   = "" // in place of a group: without a list all is allowed to all
)

// groupOfAll is the English name of a group that every account of the machine is
// in, or that each is in which signs in at it; empty for any other security id.
//
// https://learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers
func groupOfAll(sid string) string {
	switch sid {
	case everyone:
		return "Everyone"
	case "S-1-5-4":
		return "INTERACTIVE"
	case "S-1-5-11":
		return "Authenticated Users"
	case "S-1-5-32-545":
		return "Users"
	}
	return ""
}

func names(groups []string) string {
	all := make([]string, len(groups))
	for i, sid := range groups {
		all[i] = groupOfAll(sid)
	}
	return strings.Join(all, " and ")
}

// Access rights of a file: [MS-DTYP] 2.4.3, and FILE_READ_DATA and the like in
// https://learn.microsoft.com/windows/win32/fileio/file-access-rights-constants.
const (
	readData  = 0x1
	writeData = 0x2 | 0x4         // or append
	takeOver  = 0x40000 | 0x80000 // write the list itself, or become the owner

	genericRead, genericWrite, genericAll = 0x80000000, 0x40000000, 0x10000000
)

// openTo returns the groups of all accounts that a self-relative security
// descriptor lets read and write a file. What comes earlier in the list counts: a
// denial takes from the same group, and from all if it is of everyone.
// [MS-DTYP] 2.4.6, 2.4.5.
func openTo(descriptor []byte) (readers, writers []string, err error) {
	entries, err := accessList(descriptor)
	if err != nil {
		return nil, nil, err
	}
	denied := map[string]uint32{}
	for _, e := range entries {
		if e.sid != noList && groupOfAll(e.sid) == "" {
			continue
		}
		if e.denies {
			denied[e.sid] |= e.rights
			continue
		}
		allowed := e.rights &^ (denied[e.sid] | denied[everyone])
		if allowed&readData != 0 && !slices.Contains(readers, e.sid) {
			readers = append(readers, e.sid)
		}
		if allowed&(writeData|takeOver) != 0 && !slices.Contains(writers, e.sid) {
			writers = append(writers, e.sid)
		}
	}
	return readers, writers, nil
}

// An accessEntry is one of an access list.
type accessEntry struct {
	sid    string
	rights uint32
	denies bool
}

var errNoDescriptor = errors.New("its security descriptor cannot be read")

// accessList returns the entries that count for the file itself. Conditional
// ones, whose condition not every account meets, are left out.
func accessList(descriptor []byte) (entries []accessEntry, err error) {
	const head, listHead, entryHead, present = 20, 8, 8, 0x4
	if len(descriptor) < head {
		return nil, errNoDescriptor
	}
	at := uint64(binary.LittleEndian.Uint32(descriptor[16:]))
	if binary.LittleEndian.Uint16(descriptor[2:])&present == 0 || at == 0 {
		return []accessEntry{{sid: noList, rights: readData | writeData}}, nil
	}
	if at+listHead > uint64(len(descriptor)) {
		return nil, errNoDescriptor
	}
	list := descriptor[at:]
	count, rest := binary.LittleEndian.Uint16(list[4:]), list[listHead:]
	for range count {
		if len(rest) < entryHead {
			return nil, errNoDescriptor
		}
		size := int(binary.LittleEndian.Uint16(rest[2:]))
		if size < entryHead || size > len(rest) {
			return nil, errNoDescriptor
		}
		const allow, deny, inheritOnly = 0, 1, 0x8
		if kind, flags := rest[0], rest[1]; (kind == allow || kind == deny) && flags&inheritOnly == 0 {
			sid, err := readSID(rest[entryHead:size])
			if err != nil {
				return nil, err
			}
			entries = append(entries, accessEntry{sid, specific(binary.LittleEndian.Uint32(rest[4:])), kind == deny})
		}
		rest = rest[size:]
	}
	return entries, nil
}

// specific writes generic rights as those of a file.
func specific(rights uint32) uint32 {
	if rights&(genericRead|genericAll) != 0 {
		rights |= readData
	}
	if rights&(genericWrite|genericAll) != 0 {
		rights |= writeData
	}
	return rights
}

// readSID returns a security id as text. [MS-DTYP] 2.4.2.2.
func readSID(b []byte) (string, error) {
	const head, part = 8, 4
	if len(b) < head || len(b) < head+part*int(b[1]) {
		return "", errNoDescriptor
	}
	authority := uint64(binary.BigEndian.Uint16(b[2:]))<<32 | uint64(binary.BigEndian.Uint32(b[4:]))
	var text strings.Builder
	fmt.Fprintf(&text, "S-%d-%d", b[0], authority)
	for i := range int(b[1]) {
		fmt.Fprintf(&text, "-%d", binary.LittleEndian.Uint32(b[head+part*i:]))
	}
	return text.String(), nil
}
