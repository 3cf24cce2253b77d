package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dvproxy/internal/config"
	"dvproxy/internal/supervisor"
)

func newServiceInstall(m supervisor.Manager) *cobra.Command {
	secretPlace := "..." // where there are no services
	if places, err := m.Places(); err == nil {
		secretPlace = places.Secret
	}
	return &cobra.Command{
		Use:   "install",
		Short: "Make dvproxy a service that starts with the machine",
		Long: `install makes a service of this very program, which then must stay where it is. It
checks the configuration first, and does nothing if it is wrong.

Without --config, what flags and variables say now is written to a configuration file
of the service's own. Variables do not reach a service later on.

A client secret goes into a file that only the service and administrators can read, and
nowhere else. It is taken from AZURE_CLIENT_SECRET, from the file that
AZURE_CLIENT_SECRET_FILE names, from standard input, or asked for on a terminal. With a
configuration file of your own that happens where client_secret_file names that file:

  environments:
    - url: https://contoso.crm.dynamics.com
      credential: {tenant_id: ..., client_id: ..., client_secret_file: ` + secretPlace + `}

The service is not started yet: see "dvproxy service start".

  $env:AZURE_CLIENT_ID = '...'; .\dvproxy.exe service install       # PowerShell
  Get-Content secret.txt | .\dvproxy.exe service install --config C:\ProgramData\dvproxy\my.yaml
  dvproxy service install --config /etc/dvproxy/dvproxy.yaml < secret    # sh`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return installService(cmd, m)
		},
	}
}

func installService(cmd *cobra.Command, m supervisor.Manager) error {
	places, err := m.Places()
	if err != nil {
		return err
	}
	p, err := planService(givenFlags(cmd), os.Getenv, places)
	if err != nil {
		return err
	}
	d := supervisor.Definition{
		DisplayName: "dvproxy for Dataverse",
		Description: "Keeps a Microsoft Dataverse token fresh for programs on this machine.",
		Arguments:   append(serviceEntry(), p.arguments...),
		Config:      p.file,
		Unit:        serviceUnit(),
	}
	if p.file == nil {
		d.Reads = []string{p.config}
	}
	if d.Program, err = os.Executable(); err != nil {
		return err
	}
	if p.takesSecret {
		if d.Secret, err = takeSecret(os.Getenv, os.Stdin, cmd.ErrOrStderr()); err != nil {
			return err
		}
	}
	for _, w := range p.warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
	}
	if err := m.Install(cmd.Context(), d); err != nil {
		return err
	}
	printInstalled(cmd.OutOrStdout(), p, places)
	return nil
}

func printInstalled(w io.Writer, p *servicePlan, places supervisor.Places) {
	fmt.Fprintln(w, "the service is installed, and starts with the machine; start it now with: dvproxy service start")
	fmt.Fprintln(w, "configuration:", p.config)
	if p.takesSecret {
		fmt.Fprintln(w, "client secret:", cmp.Or(places.Kept, places.Secret))
	}
	if p.log != "" {
		fmt.Fprintln(w, "log:", p.log)
	}
}

// A servicePlan is what the service is going to be started with.
type servicePlan struct {
	config      string // path of the configuration file
	file        []byte // what to write there; nil if it is somebody else's
	arguments   []string
	takesSecret bool // at supervisor.Places.Secret
	log         string
	warnings    config.Problems
}

// planService makes a plan of flags and variables, and checks that the service
// can run with it.
func planService(flags map[string]string, getenv func(string) string, places supervisor.Places) (*servicePlan, error) {
	src := config.Source{
		Args:     flags,
		Getenv:   getenv,
		Defaults: serviceDefaults(places),
		WillBe:   func(path string) bool { return willBeThere(path, places) },
	}
	path := flags["config"]
	if path == "" {
		path = getenv("DVPROXY_CONFIG")
	}
	if path == "" {
		return planWithoutFile(src, places)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	for _, f := range config.Flags() {
		if text := getenv(f.Env); text != "" && flags[f.Name] == "" && f.Name != "url" {
			flags[f.Name] = text
		}
	}
	flags["config"] = path
	src.Getenv = noVariables
	c, err := config.Load(src)
	if err != nil {
		return nil, usageError{fmt.Errorf("the configuration is wrong, and nothing was installed (variables do not reach a service; with a file, it says all):\n%w", err)}
	}
	for _, e := range c.Environments {
		if file := e.Credential.ClientSecretFile; places.Kept != "" && filepath.Clean(file) == places.Kept {
			return nil, usageError{fmt.Errorf("client_secret_file of %s: the service cannot read %s; name the copy that it is given, %s", e.Name, file, places.Secret)}
		}
	}
	p := newServicePlan(c, places)
	p.config = path
	for name, text := range flags {
		p.arguments = append(p.arguments, "--"+name+"="+text)
	}
	slices.Sort(p.arguments)
	return p, nil
}

// planWithoutFile makes a file of what flags and variables say.
func planWithoutFile(src config.Source, places supervisor.Places) (*servicePlan, error) {
	outer := src.Getenv
	if outer("AZURE_CLIENT_CERTIFICATE_PASSWORD") != "" {
		return nil, usageError{errors.New("AZURE_CLIENT_CERTIFICATE_PASSWORD cannot be kept for a service: write a configuration file with certificate_password_file, and name it with --config")}
	}
	other := outer("AZURE_CLIENT_CERTIFICATE_PATH") + outer("AZURE_FEDERATED_TOKEN_FILE") + strings.TrimPrefix(outer("DVPROXY_MANAGED_IDENTITY"), "false")
	secret := outer("AZURE_CLIENT_SECRET") + outer("AZURE_CLIENT_SECRET_FILE")
	src.Getenv = func(name string) string {
		switch {
		case name == "AZURE_CLIENT_SECRET":
			return ""
		case name == "AZURE_CLIENT_SECRET_FILE" && (secret != "" || other == ""):
			return places.Secret
		}
		return outer(name)
	}
	c, err := config.Load(src)
	if err != nil {
		return nil, usageError{fmt.Errorf("the configuration is wrong, and nothing was installed:\n%w", err)}
	}
	p := newServicePlan(c, places)
	p.config = places.Config
	p.arguments = []string{"--config=" + places.Config}
	if p.file, err = config.Given(src); err != nil {
		return nil, err
	}
	return p, nil
}

func newServicePlan(c *config.Config, places supervisor.Places) *servicePlan {
	p := &servicePlan{warnings: c.Warnings}
	for _, e := range c.Environments {
		p.takesSecret = p.takesSecret || isSecretPlace(e.Credential.ClientSecretFile, places)
	}
	return p
}
