package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dvproxy/internal/config"
)

const about = `dvproxy stands between a program and Microsoft Dataverse. The program sends plain
requests to http://localhost:7080; dvproxy adds a bearer token that it keeps fresh,
and sends them on. A run may take as long as it likes: there is no 401 after an hour.

Four variables and "dvproxy serve" are a complete set-up:

  DATAVERSE_URL         origin of the environment, https://contoso.crm.dynamics.com
  AZURE_TENANT_ID       tenant of the app registration
  AZURE_CLIENT_ID       its application id
  AZURE_CLIENT_SECRET   a secret of it; or AZURE_CLIENT_SECRET_FILE, a file that holds it

Then, from the same machine: curl http://localhost:7080/api/data/v9.2/WhoAmI

Exit codes: 0 done, 1 failed at run time, 2 wrong usage or configuration.`

// newRoot returns the program's commands.
func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "dvproxy",
		Short:         "A local proxy that keeps a Dataverse token fresh for programs that cannot",
		Long:          about,
		Args:          noArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return usageError{fmt.Errorf("say which command to run")}
		},
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	for _, f := range config.Flags() {
		root.PersistentFlags().String(f.Name, "", flagUsage(f))
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")}
	})
	root.AddCommand(newServe(), newRun(), newCheck(), newWait(), newHealthcheck(), newQuit(), newServiceCommand(), newLifetime(), newConfig(), newVersion(), newMan())
	return root
}

func flagUsage(f config.Flag) string {
	usage := fmt.Sprintf("%s (%s", f.Usage, f.Env)
	switch f.Default {
	case "":
	case "required":
		usage += "; required without a file"
	default:
		usage += "; default " + f.Default
	}
	return usage + ")"
}

// noArgs refuses arguments, as a wrong usage.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown command or argument %q; see %q", args[0], cmd.CommandPath()+" --help")}
	}
	return nil
}

// load returns the configuration that a command's flags, the environment and
// the file make.
func load(cmd *cobra.Command) (*config.Config, error) {
	return loadWith(cmd, nil)
}

// loadWith is load with other defaults than the declared ones.
func loadWith(cmd *cobra.Command, defaults map[string]string) (*config.Config, error) {
	c, err := read(cmd, defaults)
	if err != nil {
		return nil, usageError{fmt.Errorf("the configuration is wrong, and nothing was started:\n%w", err)}
	}
	return c, nil
}

// read is loadWith, whose error is config's own.
func read(cmd *cobra.Command, defaults map[string]string) (*config.Config, error) {
	return config.Load(config.Source{Args: givenFlags(cmd), Defaults: defaults})
}

// givenFlags are the flags on the command line, by name.
func givenFlags(cmd *cobra.Command) map[string]string {
	given := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
	return given
}
