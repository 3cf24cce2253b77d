package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// run checks each of the places, and goes on after a mistake.
func run(ctx context.Context, p proxy, what string, places []string) error {
	var check func(place string) error
	switch what {
	case "kubernetes":
		check = func(place string) error { return checkFolder(ctx, p, filesys.MakeFsOnDisk(), place) }
	case "compose":
		check = func(place string) error { return checkCompose(ctx, p, place) }
	case "play":
		volumes, err := os.MkdirTemp("", "dvproxy-volumes-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(volumes)
		check = func(place string) error {
			return play(ctx, kubelet{os.Getenv("POD"), volumes, since(time.Now())}, place)
		}
	default:
		return fmt.Errorf("%q is nothing that can be checked", what)
	}
	var all []error
	for _, place := range places {
		if err := check(place); err != nil {
			all = append(all, fmt.Errorf("%s:\n%w", place, err))
			continue
		}
		fmt.Fprintln(os.Stdout, "ok", place)
	}
	return errors.Join(all...)
}

// checkFolder checks what kustomize makes of a folder.
func checkFolder(ctx context.Context, p proxy, files filesys.FileSystem, folder string) error {
	b, err := build(files, folder)
	if err != nil {
		return err
	}
	return errors.Join(b.validate(ctx), b.secure(), b.links(), b.serves(ctx, p))
}
