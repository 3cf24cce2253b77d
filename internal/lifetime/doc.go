// Package lifetime reads and sets the tenant's token lifetime policy for
// Dataverse, by Microsoft Graph.
//
// Entra decides how long a token lives by a policy on the application that is
// accessed, here the service principal of Dataverse, which all environments of
// a tenant share. [Graph.Survey] reads what stands there, [PlanSet] and
// [PlanClear] say what would change it, [Graph.Apply] does it and leaves
// nothing half done, and [Until] waits for tokens to show it. [AzScript] and
// [PowerShellScript] write the same down for somebody else to run.
//
// # Whose policy
//
// dvproxy keeps no state, so its policy is known by what it is: the display
// name is [Mark], it is not the organization's default, and its definition
// holds an access token lifetime and nothing else. Whatever differs in one of
// these is somebody else's, a policy of dvproxy's that was edited too; it is
// named and never changed.
//
// # Half-done work
//
// A policy that is made but not assigned has no effect. If assigning fails it is
// deleted again; if that fails too, the next set or clear finds it by its mark
// and takes it up or deletes it. After a failure the tenant is read again, since
// the answer may have been lost and the work done.
//
// A [Graph] and what it plans is for one goroutine.
package lifetime

import (
	"context"
	"time"
)

// DataverseAppID is the application id of Dataverse, the same in every tenant.
const DataverseAppID = "00000007-0000-0000-c000-000000000000"

// The lifetime that Entra gives without a policy is drawn from between these
// (source: Microsoft Entra, Configurable token lifetimes).
const (
	DefaultShortest = 60 * time.Minute
	DefaultLongest  = 90 * time.Minute
)

// Tokens signs in anew and returns the token and how long it lives, 0 if that
// is not known. Its error must show neither the token nor a secret.
type Tokens func(ctx context.Context) (token string, lifetime time.Duration, err error)
