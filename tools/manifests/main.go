// Command manifests checks what deploy/ gives to Kubernetes and Compose, without
// a cluster or a daemon: it builds and decodes strictly, runs the API server's own
// validation, and asks dvproxy itself whether it would start with what is mounted.
//
//	go build -C tools/manifests -o ../../bin/manifests
//	bin/manifests kubernetes deploy/kubernetes/overlays/*
//	bin/manifests compose deploy/compose/compose.yaml
//
// It also runs a workload's pod once, with podman (POD names podman's pod):
//
//	POD=test bin/manifests play deploy/kubernetes/overlays/cronjob
//
// It is a module of its own, so that the 600 packages it takes stay out of dvproxy's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	program := flag.String("dvproxy", "bin/dvproxy", "the program to ask, a static one")
	reference := flag.String("reference", "docs/configuration.md", "its reference page")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: manifests [-dvproxy PROGRAM] kubernetes FOLDER... | compose FILE... | play FOLDER")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() < 2 {
		flag.Usage()
		os.Exit(2)
	}
	err := run(ctx, proxy{*program, *reference}, flag.Arg(0), flag.Args()[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
