package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

const tester = "dvproxy-test"

// folder is a temporary one. That of package testing cannot be removed under
// wine, which does not know the call that os.RemoveAll makes.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "supervisor")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	return dir
}

// Nobody but those three is let in, whatever the folder above says.
func TestGuards(t *testing.T) {
	sid := serviceSID(tester)
	for name, row := range map[string]struct {
		in     string
		rights windows.ACCESS_MASK // of the service
	}{
		"folder": {toFolder, windows.FILE_GENERIC_READ | windows.FILE_GENERIC_EXECUTE},
		"logs":   {toLogs, windows.FILE_GENERIC_READ | windows.FILE_GENERIC_WRITE | windows.FILE_GENERIC_EXECUTE | windows.DELETE},
		"file":   {toOneFile, windows.FILE_GENERIC_READ},
	} {
		attributes, err := guarded(fmt.Sprintf(row.in, sid))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		control, _, err := attributes.SecurityDescriptor.Control()
		if err != nil || control&windows.SE_DACL_PROTECTED == 0 {
			t.Errorf("%s: inherits from above: %v, control %x", name, err, control)
		}
		got := rights(t, attributes.SecurityDescriptor)
		const all = windows.STANDARD_RIGHTS_REQUIRED | windows.SYNCHRONIZE | 0x1ff // FILE_ALL_ACCESS
		for who, want := range map[string]windows.ACCESS_MASK{"S-1-5-18": all, "S-1-5-32-544": all, sid: row.rights} {
			if got[who] != want {
				t.Errorf("%s: %s may %x, want %x", name, who, got[who], want)
			}
		}
		if len(got) != 3 {
			t.Errorf("%s: others may too: %v", name, got)
		}
	}
}

// rights are what each account may do.
func rights(t *testing.T, d *windows.SECURITY_DESCRIPTOR) map[string]windows.ACCESS_MASK {
	t.Helper()
	dacl, _, err := d.DACL()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]windows.ACCESS_MASK{}
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, i, &ace); err != nil {
			t.Fatal(err)
		}
		found[aceSID(ace).String()] |= ace.Mask
	}
	return found
}

// A file is guarded when it is there, holds what it should, and is not put in the
// place of another.
func TestFiles(t *testing.T) {
	dir := filepath.Join(folder(t), tester)
	path := filepath.Join(dir, "client-secret")
	guard := fmt.Sprintf(toOneFile, serviceSID(tester))
	made := &files{}
	defer made.remove()
	if err := made.folder(dir, fmt.Sprintf(toFolder, serviceSID(tester))); err != nil {
		t.Fatal(err)
	}
	if err := made.file(path, guard, []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "swordfish" {
		t.Errorf("holds %q, %v", got, err)
	}
	for _, name := range []string{dir, path} {
		d, err := windows.GetNamedSecurityInfo(name, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION|windows.OWNER_SECURITY_INFORMATION)
		if err != nil {
			t.Fatal(err)
		}
		for who, mask := range rights(t, d) {
			switch who {
			case "S-1-1-0", "S-1-5-11", "S-1-5-32-545": // everyone, who has signed in, users
				if mask != 0 {
					t.Errorf("%s: %s may %x", name, who, mask)
				}
			}
		}
	}
	if err := made.file(path, guard, []byte("another")); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second time: %v", err)
	}
	if err := made.folder(dir, fmt.Sprintf(toFolder, serviceSID(tester))); err != nil {
		t.Errorf("a folder that is there: %v", err)
	}
	if err := made.folder(path, guard); err == nil || !strings.Contains(err.Error(), "is not a folder") {
		t.Errorf("a file in place of the folder: %v", err)
	}
	made.remove()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after its removal: %v", err)
	}
}
