package dvproxy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What is built stays out of the tree: a program that is committed once weighs on
// every clone for good.
func TestNothingBuiltIsInTheTree(t *testing.T) {
	const most = 1 << 20 // bytes
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch filepath.Base(name) {
			case ".git", "bin", "dist", "node_modules":
				return filepath.SkipDir
			}
			return nil
		}
		if info, err := os.Lstat(name); err != nil || info.Size() > most {
			t.Errorf("%s: %v over %d bytes", name, err, most)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
