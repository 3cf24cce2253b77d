package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Who may do what, in the security descriptor language: the owner is the group
// of administrators, nothing is inherited from C:\ProgramData (where every
// account may create files), SYSTEM (SY) and administrators (BA) may do all, and
// the service, whose SID takes the place of %s, what it needs.
//
// https://learn.microsoft.com/windows/win32/secauthz/ace-strings
const (
	own       = "O:BAD:P"
	toFolder  = own + "(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FRFX;;;%s)"
	toLogs    = own + "(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;%s)" // "modify"
	toOneFile = own + "(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;%s)"
)

// files are what was made, the latest last.
type files struct{ paths []string }

func (f *files) add(path string) { f.paths = append(f.paths, path) }

func (f *files) remove() {
	for i := len(f.paths) - 1; i >= 0; i-- {
		_ = os.Remove(f.paths[i])
	}
}

func (c controlled) writeFiles(made *files, d Definition) error {
	places, err := c.Places()
	if err != nil {
		return err
	}
	sid := serviceSID(c.name)
	folder := filepath.Dir(places.Config)
	if err := made.folder(folder, fmt.Sprintf(toFolder, sid)); err != nil {
		return err
	}
	if err := made.folder(filepath.Dir(places.Log), fmt.Sprintf(toLogs, sid)); err != nil {
		return err
	}
	if d.Config != nil {
		if err := made.file(places.Config, fmt.Sprintf(toOneFile, sid), d.Config); err != nil {
			return err
		}
	}
	if d.Secret != nil {
		// One of a service that was removed by other means.
		if err := os.Remove(places.Secret); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return made.file(places.Secret, fmt.Sprintf(toOneFile, sid), d.Secret)
	}
	return nil
}

// folder makes a folder that is guarded from its first moment on. One that is
// there already must be an administrator's, and is guarded from now on.
func (f *files) folder(path, guard string) error {
	attributes, err := guarded(guard)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	err = windows.CreateDirectory(name, attributes)
	switch {
	case errors.Is(err, windows.ERROR_ALREADY_EXISTS):
		return guardFolder(path, attributes.SecurityDescriptor)
	case err != nil:
		return reworded("make the folder "+path, err)
	}
	f.add(path)
	return nil
}

// file makes a file that is guarded from its first moment on. It must not be
// there yet.
func (f *files) file(path, guard string, content []byte) error {
	attributes, err := guarded(guard)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	const noSharing = 0
	handle, err := windows.CreateFile(name, windows.GENERIC_WRITE, noSharing, attributes, windows.CREATE_NEW, windows.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, windows.ERROR_FILE_EXISTS):
		return fmt.Errorf("%s is there already: install with --config and its name, or delete it", path)
	case err != nil:
		return reworded("make the file "+path, err)
	}
	f.add(path)
	return write(os.NewFile(uintptr(handle), path), content)
}

func write(f *os.File, content []byte) error {
	n, err := f.Write(content)
	if err == nil && n < len(content) {
		err = io.ErrShortWrite
	}
	return errors.Join(err, f.Sync(), f.Close())
}

func guarded(guard string) (*windows.SecurityAttributes, error) {
	descriptor, err := windows.SecurityDescriptorFromString(guard)
	if err != nil {
		return nil, fmt.Errorf("security descriptor %s: %w", guard, err)
	}
	a := &windows.SecurityAttributes{SecurityDescriptor: descriptor}
	a.Length = uint32(unsafe.Sizeof(*a))
	return a, nil
}

// guardFolder takes over a folder that is there. Whoever owns it could give
// himself access again, and may have put things into it.
func guardFolder(path string, descriptor *windows.SECURITY_DESCRIPTOR) error {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	handle, err := windows.CreateFile(name, windows.READ_CONTROL|windows.WRITE_DAC|windows.WRITE_OWNER|windows.FILE_READ_ATTRIBUTES,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return reworded("open the folder "+path, err)
	}
	defer func() { _ = windows.CloseHandle(handle) }()
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(handle, &info); err != nil {
		return reworded("look at the folder "+path, err)
	}
	if info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY == 0 || info.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0 {
		return fmt.Errorf("%s is not a folder, or a link to one: delete or rename it", path)
	}
	switch trusted, err := isTrustedOwner(handle); {
	case err != nil:
		return reworded("see who owns the folder "+path, err)
	case !trusted:
		return fmt.Errorf("%s belongs to another account, which could read the secret: delete or rename it", path)
	}
	owner, _, err := descriptor.Owner()
	if err != nil {
		return err
	}
	dacl, _, err := descriptor.DACL()
	if err != nil {
		return err
	}
	const what = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	if err := windows.SetSecurityInfo(handle, windows.SE_FILE_OBJECT, what, owner, nil, dacl, nil); err != nil {
		return reworded("guard the folder "+path, err)
	}
	return nil
}

// isTrustedOwner says whether what is open belongs to administrators, to the
// system, or to the very account that installs.
func isTrustedOwner(handle windows.Handle) (bool, error) {
	d, err := windows.GetSecurityInfo(handle, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return false, err
	}
	owner, _, err := d.Owner()
	if err != nil {
		return false, err
	}
	if owner.IsWellKnown(windows.WinBuiltinAdministratorsSid) || owner.IsWellKnown(windows.WinLocalSystemSid) {
		return true, nil
	}
	me, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return false, err
	}
	return owner.Equals(me.User.Sid), nil
}
