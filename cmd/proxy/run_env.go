package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dvproxy/internal/config"
)

// isTold says whether a flag, or the variable of the same meaning, is given.
func isTold(cmd *cobra.Command, flag string) bool {
	for _, f := range config.Flags() {
		if f.Name == flag && os.Getenv(f.Env) != "" {
			return true
		}
	}
	return cmd.Flags().Changed(flag)
}

// commandEnv is the environment of the command that a proxy serves: without
// what dvproxy signs in with, and with the proxy's origin in place of
// Dataverse's.
func commandEnv(s *service) []string {
	hidden := config.CredentialVariables()
	for _, e := range s.environments {
		if e.config.Credential.Way() == config.ByManagedIdentity {
			// By these an App Service or Arc server hands out its tokens.
			hidden = append(hidden, "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET")
		}
	}
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		name = strings.ToUpper(name) // Windows does not tell them apart
		return slices.Contains(hidden, name) || strings.HasPrefix(name, "DVPROXY_") || name == "DATAVERSE_URL"
	})
	for i, e := range s.environments {
		if i == 0 {
			env = append(env, "DATAVERSE_URL="+e.origin(), "DVPROXY_URL="+e.origin())
		}
		if len(s.environments) > 1 {
			env = append(env, "DVPROXY_URL_"+variableName(e.config.Name)+"="+e.origin())
		}
	}
	return env
}

// variableName writes an environment's name as a variable's: contoso-test is
// CONTOSO_TEST.
func variableName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(name))
}
