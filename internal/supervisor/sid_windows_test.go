package supervisor

import "testing"

// The id of Windows' own installer is the same on every machine.
// https://learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers
func TestServiceSID(t *testing.T) {
	const want = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
	for _, name := range []string{"TrustedInstaller", "trustedinstaller"} {
		if got := serviceSID(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
