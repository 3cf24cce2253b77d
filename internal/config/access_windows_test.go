package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// What Windows makes of the descriptor language is judged as it should be.
func TestJudgeOnWindows(t *testing.T) {
	for in, want := range map[string]string{
		"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;S-1-5-80-1-2-3-4-5)":              "",
		"D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)":                 "may read the file, since Users may",
		"D:AI(A;ID;FA;;;BA)(A;ID;FA;;;SY)(A;ID;FRFX;;;BU)(A;ID;0x1301bf;;;AU)": "may write to the file, since Authenticated Users may",
		"D:(D;;FW;;;WD)(A;;FR;;;WD)":                                           "may read the file, since Everyone may",
		"D:(A;IO;FA;;;WD)":                                                     "",
		"D:(A;;GA;;;WD)":                                                       "may write to the file, since Everyone may",
		"D:":                                                                   "",
		"O:BA":                                                                 "since it has no access list",
	} {
		warning, problem := judge(bytesOf(descriptorFrom(t, in)))
		if got := warning + message(problem); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// The list of the file itself is what is judged, and that at each look.
func TestSecretFileOnWindows(t *testing.T) {
	dir, err := os.MkdirTemp("", "config") // that of package testing cannot be removed under wine
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "secret")
	t.Cleanup(func() { os.Remove(path); os.Remove(dir) })
	me, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	mine := "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;" + me.User.Sid.String() + ")"
	create(t, path, mine)
	for _, row := range []struct{ list, warning, problem string }{
		{"", "", ""}, // as it was made
		{mine + "(A;;FA;;;WD)", "", "every account on this machine may write"},
		{mine + "(A;;FR;;;WD)", "every account on this machine may read", ""},
	} {
		if row.list != "" {
			change(t, path, row.list)
		}
		warning, err := CheckSecretFile(path)
		if !strings.HasPrefix(warning, row.warning) || (warning == "") != (row.warning == "") || !strings.HasPrefix(message(err), row.problem) || (err == nil) != (row.problem == "") {
			t.Errorf("%s: warning %q, error %v", row.list, warning, err)
		}
		if secret, err := ReadSecretFile(path); (err == nil) != (row.problem == "") || err == nil && secret.Reveal() != "swordfish" {
			t.Errorf("%s: read: %v", row.list, err)
		}
	}
}

// create makes a file with an access list.
func create(t *testing.T, path, list string) {
	t.Helper()
	attributes := &windows.SecurityAttributes{SecurityDescriptor: descriptorFrom(t, list)}
	attributes.Length = uint32(unsafe.Sizeof(*attributes))
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := windows.CreateFile(name, windows.GENERIC_WRITE, 0, attributes, windows.CREATE_NEW, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(handle), path)
	if _, err := f.WriteString("swordfish"); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// change gives a file another access list.
func change(t *testing.T, path, list string) {
	t.Helper()
	dacl, _, err := descriptorFrom(t, list).DACL()
	if err != nil {
		t.Fatal(err)
	}
	const what = windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	if err := windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, what, nil, nil, dacl, nil); err != nil {
		t.Fatal(err)
	}
}

func descriptorFrom(t *testing.T, text string) *windows.SECURITY_DESCRIPTOR {
	t.Helper()
	d, err := windows.SecurityDescriptorFromString(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}
