//go:build !windows

package forward

import (
	"fmt"
	"os"
)

// createUnnamed makes a file in dir that nobody else can open: it is readable
// by its owner alone and has lost its name before it holds anything.
func createUnnamed(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "dvproxy-body-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("unlink it: %w", err)
	}
	return file, nil
}
