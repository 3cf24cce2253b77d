// Package logfile is a log file that does not grow without end, and whose
// troubles are not those of the program that logs.
//
// When the file would grow over its size, it is renamed to FILE.1, what was
// FILE.1 to FILE.2 and so on, and a new one is begun. Where that cannot be done
// (on Windows a file that somebody reads may refuse to be renamed), the file
// grows on for a while, and it is tried again. A line that cannot be written,
// because the disk is full for one, goes elsewhere ([Options.Instead]); the next
// one is tried again.
//
// The file is one process's: of two that write to it each would rename it under
// the other.
package logfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// Options change how a log is kept. The zero value means the defaults.
type Options struct {
	Size int64 // of a file in bytes; 10 MiB by default
	Kept int   // older files beside it; 5 by default

	// Instead is given what cannot be written to the file; by default it is lost.
	Instead io.Writer
}

const (
	defaultSize = 10 << 20
	defaultKept = 5
)

// A File is an open log file. It may be used by several goroutines.
type File struct {
	path string
	o    Options

	mu    sync.Mutex // guards the fields below
	file  file       // nil while it cannot be opened
	size  int64
	limit int64 // the size to rotate at
	torn  bool  // the last line was not written to its end
}

type file interface {
	io.WriteCloser
	Stat() (fs.FileInfo, error)
}

// Open opens a log file to append to. One that it makes can be read by its owner
// only; its folder must be there. What is no regular file, such as a terminal, is
// never renamed.
func Open(path string, o Options) (*File, error) {
	if o.Size == 0 {
		o.Size = defaultSize
	}
	if o.Kept == 0 {
		o.Kept = defaultKept
	}
	if o.Instead == nil {
		o.Instead = io.Discard
	}
	f := &File{path: path, o: o}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// open opens the file as it is now.
func (f *File) open() error {
	opened, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log file: %w", err)
	}
	f.file, f.size, f.limit = opened, 0, f.o.Size
	if info, err := opened.Stat(); err == nil && info.Mode().IsRegular() {
		f.size = info.Size()
	} else {
		f.limit = 0
	}
	return nil
}

// Write writes p, which is one line or several with their ends. The error is that
// of Options.Instead, if p had to go there.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil && f.limit > 0 && f.size > 0 && f.size+int64(len(p)) > f.limit {
		f.rotate()
	}
	if f.file == nil && f.open() != nil {
		return f.o.Instead.Write(p)
	}
	if f.torn { // begin a line of its own
		n, err := f.file.Write([]byte("\n"))
		f.size += int64(n)
		f.torn = err != nil
	}
	n, err := f.file.Write(p)
	f.size += int64(n)
	if err != nil {
		f.torn = f.torn || n > 0
		return f.o.Instead.Write(p)
	}
	return n, nil
}

// rotate begins a new file, or lets the one there is grow by an eighth before the
// next try.
func (f *File) rotate() {
	if info, err := f.file.Stat(); err == nil && info.Size() < f.size {
		f.size = info.Size() // somebody has cut it
		return
	}
	// Windows renames no file that is open as Go opens it.
	_ = f.file.Close()
	f.file = nil
	err := f.shift()
	if f.open() == nil && err != nil {
		f.limit = f.size + f.o.Size/8
	}
}

// shift renames FILE to FILE.1 after FILE.1 to FILE.2 and so on. It stops at the
// first that cannot be renamed, so that none takes the place of another.
func (f *File) shift() error {
	for i := f.o.Kept - 1; i >= 0; i-- {
		err := os.Rename(f.older(i), f.older(i+1))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (f *File) older(i int) string {
	if i == 0 {
		return f.path
	}
	return fmt.Sprintf("%s.%d", f.path, i)
}

// Close closes the file. What is written after that opens it again.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}
