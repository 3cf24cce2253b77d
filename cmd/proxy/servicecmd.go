package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"dvproxy/internal/supervisor"
)

// serviceName is what the service is called where services are managed.
const serviceName = "dvproxy"

func newServiceCommand() *cobra.Command {
	m := supervisor.New(serviceName)
	cmd := &cobra.Command{
		Use:   "service",
		Short: "Install and control dvproxy as a service of Windows or systemd",
		Long: `service lets the machine itself start dvproxy, watch it and stop it: the service
control manager of Windows, or systemd on Linux. It needs an administrator, or root,
for everything but status.

PowerShell, as administrator; the client secret is asked for:

  $env:DATAVERSE_URL   = 'https://contoso.crm.dynamics.com'
  $env:AZURE_TENANT_ID = '...'
  $env:AZURE_CLIENT_ID = '...'
  .\dvproxy.exe service install
  .\dvproxy.exe service start
  .\dvproxy.exe service status

sh, as root, with a configuration file and a secret from a pipe:

  dvproxy service install --config /etc/dvproxy/dvproxy.yaml < secret
  dvproxy service start && dvproxy service status

See deploy/windows/README.md and deploy/systemd/README.md.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return usageError{errors.New("say install, uninstall, start, stop or status")}
		},
	}
	cmd.AddCommand(newServiceInstall(m), newServiceUninstall(m), newServiceStart(m), newServiceStop(m), newServiceStatus(m))
	cmd.AddCommand(serviceRunners()...)
	return cmd
}

func newServiceUninstall(m supervisor.Manager) *cobra.Command {
	return &cobra.Command{
		Use:   "uninstall",
		Short: "Stop the service and remove it",
		Long: `uninstall stops the service, waits until it has ended, and removes it with the secret
that install wrote. The configuration and the log stay; it says where they are.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			left, err := m.Uninstall(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the service is gone")
			for _, path := range left {
				fmt.Fprintln(cmd.OutOrStdout(), "still there:", path)
			}
			return nil
		},
	}
}

func newServiceStart(m supervisor.Manager) *cobra.Command {
	return &cobra.Command{
		Use:   "start",
		Short: "Start the service",
		Long: `start looks at the configuration, and exits 2 with all mistakes if it is wrong. It
returns once the service listens; whether it has a token too is what status says, or
dvproxy wait.

  dvproxy service start && dvproxy wait --max 1m`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkInstalled(cmd.Context(), m); err != nil {
				return err
			}
			return m.Start(cmd.Context())
		},
	}
}

func newServiceStop(m supervisor.Manager) *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "Stop the service",
		Long: `stop returns once the service has ended. Before it does, requests that are in flight
may finish, for as long as drain.timeout says.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return m.Stop(cmd.Context()) },
	}
}
