package lifetime

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// AzScript sets the policy, or clears it if want is 0, by az rest. It is for a
// POSIX shell, needs nothing from dvproxy and may be run twice. It does as
// PlanSet and PlanClear do, but that it knows dvproxy's policy by its name alone
// and does not look at what else a policy applies to.
func AzScript(cloud Cloud, want time.Duration) string {
	var b strings.Builder
	b.WriteString("# For a POSIX shell (sh, bash, zsh; Azure Cloud Shell's Bash).\n")
	if cloud.Az != "" {
		fmt.Fprintf(&b, "# Sign in first:  az cloud set --name %s && az login\n", cloud.Az)
	}
	az := "az rest --resource " + quote(cloud.Graph)
	own := quote("value[?displayName=='" + Mark + "' && isOrganizationDefault!=`true`].id | [0]")
	fmt.Fprintf(&b, `(
  set -eu
  policies=%s
  assigned=%s
  now=$(%s --method get --url "$assigned" --query 'value[0].id' --output tsv)
  id=$(%s --method get --url "$assigned" --query %s --output tsv)
  if [ -z "$id" ]; then
    id=$(%s --method get --url "$policies" --query %s --output tsv)
  fi
`, quote(cloud.Graph+version+policiesPath), quote(cloud.Graph+version+assignedPath), az, az, own, az, own)
	if want > 0 {
		azSet(&b, az, want)
	} else {
		azClear(&b, az)
	}
	b.WriteString(")\n")
	return b.String()
}

func azSet(b *strings.Builder, az string, want time.Duration) {
	send := az + " --headers Content-Type=application/json"
	fmt.Fprintf(b, `  if [ -n "$now" ] && [ "$now" != "$id" ]; then
    echo "Dataverse has another policy, $now; a principal takes only one" >&2
    exit 1
  fi
  if [ -n "$id" ]; then
    %s --method patch --url "$policies/$id" --body %s
  else
    id=$(%s --method post --url "$policies" --body %s --query id --output tsv)
  fi
  if [ -z "$now" ]; then
    %s --method post --url "$assigned/\$ref" --body "{\"@odata.id\":\"$policies/$id\"}"
  fi
`, send, quote(bodyOf(update("", want))), send, quote(bodyOf(create(want))), send)
}

func azClear(b *strings.Builder, az string) {
	fmt.Fprintf(b, `  if [ -z "$id" ]; then
    echo 'There is no policy of that name.'
    exit 0
  fi
  if [ "$now" = "$id" ]; then
    %s --method delete --url "$assigned/$id/\$ref"
  fi
  %s --method delete --url "$policies/$id"
`, az, az)
}

// quote makes one word of s for a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func bodyOf(c call) string {
	text, err := json.Marshal(c.body)
	if err != nil {
		panic(err) // strings and a bool
	}
	return string(text)
}

// PowerShellScript is AzScript with the cmdlets of Microsoft Graph PowerShell,
// for PowerShell 5.1 and later.
func PowerShellScript(cloud Cloud, want time.Duration) string {
	var b strings.Builder
	connect := "Connect-MgGraph -Scopes 'Policy.ReadWrite.ApplicationConfiguration','Policy.Read.All','Application.ReadWrite.All'"
	if cloud.PowerShell != "" {
		connect += " -Environment " + cloud.PowerShell
	}
	fmt.Fprintf(&b, `# Install-Module Microsoft.Graph
& {
  $ErrorActionPreference = 'Stop'
  %s
  $graph = %s
  $name = %s
  $dataverse = Get-MgServicePrincipal -Filter %s
  $now = Get-MgServicePrincipalTokenLifetimePolicy -ServicePrincipalId $dataverse.Id | Select-Object -First 1
  $policy = @($now) + @(Get-MgPolicyTokenLifetimePolicy -All) |
    Where-Object { $_.DisplayName -eq $name -and -not $_.IsOrganizationDefault } | Select-Object -First 1
`, connect, quotePS(cloud.Graph+version), quotePS(Mark), quotePS("appId eq '"+DataverseAppID+"'"))
	if want > 0 {
		fmt.Fprintf(&b, `  $definition = %s
  if ($now -and $now.Id -ne $policy.Id) { throw "Dataverse has another policy, $($now.DisplayName); a principal takes only one" }
  if ($policy) {
    Update-MgPolicyTokenLifetimePolicy -TokenLifetimePolicyId $policy.Id -BodyParameter @{ definition = @($definition); displayName = $name }
  } else {
    $policy = New-MgPolicyTokenLifetimePolicy -BodyParameter @{ definition = @($definition); displayName = $name; isOrganizationDefault = $false }
  }
  if (-not $now) {
    New-MgServicePrincipalTokenLifetimePolicyByRef -ServicePrincipalId $dataverse.Id -BodyParameter @{ '@odata.id' = "$graph%s/$($policy.Id)" }
  }
`, quotePS(define(want)[0]), policiesPath)
	} else {
		// The cmdlet that unassigns has had several names; this call has not.
		fmt.Fprintf(&b, `  if (-not $policy) { 'There is no policy of that name.'; return }
  if ($now.Id -eq $policy.Id) {
    Invoke-MgGraphRequest -Method DELETE -Uri "$graph/servicePrincipals/$($dataverse.Id)/tokenLifetimePolicies/$($policy.Id)/%sref"
  }
  Remove-MgPolicyTokenLifetimePolicy -TokenLifetimePolicyId $policy.Id
`, "`$")
	}
	b.WriteString("}\n")
	return b.String()
}

// quotePS makes a literal string of s for PowerShell.
func quotePS(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
