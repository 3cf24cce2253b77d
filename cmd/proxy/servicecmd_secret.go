package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"dvproxy/internal/config"
	"dvproxy/internal/supervisor"
)

// isSecretPlace says whether a setting names the file that a service's secret
// goes to.
func isSecretPlace(path string, places supervisor.Places) bool {
	a, b := filepath.Clean(path), filepath.Clean(places.Secret)
	return path != "" && places.Secret != "" && (a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b))
}

// willBeThere says whether a file with a secret is there once the service is
// started: its own, and others that are copied to where that is.
func willBeThere(path string, places supervisor.Places) bool {
	return isSecretPlace(path, places) || places.Kept != "" && filepath.Dir(filepath.Clean(path)) == filepath.Dir(places.Secret)
}

// takeSecret takes the client secret from wherever the one who installs has put
// it. None of the errors contains it.
func takeSecret(getenv func(string) string, stdin *os.File, prompt io.Writer) ([]byte, error) {
	const variable, file = "AZURE_CLIENT_SECRET", "AZURE_CLIENT_SECRET_FILE"
	var text string
	var err error
	switch secret, path := getenv(variable), getenv(file); {
	case secret != "" && path != "":
		return nil, usageError{fmt.Errorf("%s and %s are both set; keep one", variable, file)}
	case secret != "":
		text = secret
	case path != "":
		s, err := config.ReadSecretFile(path)
		if err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", file, err)}
		}
		text = s.Reveal()
	default:
		text, err = readSecret(stdin, prompt)
	}
	if err != nil {
		return nil, fmt.Errorf("the client secret cannot be read: %w", err)
	}
	// A pipe from PowerShell 5 may begin with a byte order mark.
	text = strings.TrimRight(strings.TrimPrefix(text, "\ufeff"), "\r\n")
	if text == "" || strings.ContainsAny(text, "\r\n\x00") {
		return nil, usageError{errors.New("there is no client secret, or it is not one line: set " + variable + " or " + file + ", pipe it in, or type it where install asks for it")}
	}
	return []byte(text), nil
}

// readSecret asks for a line that is not shown, or takes all there is where
// nobody could be asked.
func readSecret(stdin *os.File, prompt io.Writer) (string, error) {
	if show, ok := hideInput(stdin); ok {
		fmt.Fprint(prompt, "Client secret (it is not shown): ")
		defer fmt.Fprintln(prompt)
		defer show()
		return readLine(stdin)
	}
	const longest = 64 << 10
	data, err := io.ReadAll(io.LimitReader(stdin, longest))
	return string(data), err
}

// readLine reads byte by byte, since what follows the line is somebody else's.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		n, err := r.Read(b)
		if n == 1 && b[0] != '\n' {
			line = append(line, b[0])
			continue
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return string(line), err
	}
}
