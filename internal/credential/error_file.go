package credential

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
)

// unreadable is the error for a secret, certificate or assertion that cannot be
// read; what names it. It is permanent until the file changes.
func unreadable(what string, err error) *Error {
	return &Error{what: fmt.Sprintf("the %s cannot be read: %v", what, err), hint: readableBy(err), permanent: true, cause: err}
}

// unusable is the error for one that was read but is no good; mend says what
// to do.
func unusable(what, mend string) *Error {
	return &Error{what: what, hint: mend, permanent: true}
}

// readableBy is the command that lets dvproxy read a file, if that is amiss.
func readableBy(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission) && runtime.GOOS == "windows":
		return `let the account that runs dvproxy read it: icacls FILE /grant "ACCOUNT:R"`
	case errors.Is(err, fs.ErrPermission):
		return "let the account that runs dvproxy read it: chown ACCOUNT FILE && chmod 0400 FILE"
	case errors.Is(err, fs.ErrNotExist):
		return "put the file there, or mount it; it is looked for again"
	}
	return ""
}

// isAboutSecret says that the client's proof of who it is was refused: another
// one may fare better. RFC 6749 5.2.
func isAboutSecret(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.permanent && e.Code == "invalid_client"
}

// isOutOfTime says that Entra found an assertion too old or too new.
func isOutOfTime(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.AADSTS == assertionOutOfTime
}
