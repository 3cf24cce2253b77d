// Package simulator is a stand-in tenant: it imitates Microsoft Entra's token
// endpoint, a Dataverse environment and a little of Microsoft Graph on the wire,
// faults included, so that a client of them can be tested without any.
//
// It is faithful where a client could notice: header names keep the spelling
// of the published captures and some of them come twice, the 401 challenge
// quotes nothing, version 1 of the token endpoint answers numbers as strings, a
// token is dated five minutes back (so exp - iat is 300 s more than
// expires_in), next links are half escaped and half raw. It is not faithful in
// what the data mean: an entity set is any lower-case plural, its columns are
// what clients write.
//
// # Use
//
//	tenant, err := simulator.Start(simulator.Options{TokenLifetime: 2 * time.Second})
//	if err != nil { ... }
//	defer tenant.Close()
//	// tenant.EntraURL, tenant.DataverseURL, tenant.GraphURL; tenant.TenantID(), ClientID(), ClientSecret()
//
// [New] alone makes a tenant that does not listen; [Tenant.Entra],
// [Tenant.Dataverse], [Tenant.Graph] and [Tenant.Control] are handlers to mount. A handler
// breaks an answer off by panicking with http.ErrAbortHandler, as net/http
// wants it: serve it with net/http.
//
// # Entra
//
// POST /{tenant}/oauth2/v2.0/token and /{tenant}/oauth2/token grant
// client_credentials to one application: by secret, in the form or by Basic; by
// an assertion signed with one of [Tenant.SetCertificates]; or by the token of an
// issuer in [Tenant.SetFederatedCredentials], such as a [FederatedIssuer].
// Signature, thumbprint, audience and time are checked.
// Tokens are JWTs signed with the tenant's own key, for the resource that scope
// (all before its last slash) or resource names. With the parameter claims the
// token remembers the request, and so meets a claims challenge. There are an
// OpenID configuration and a key set.
//
// [Tenant.VirtualMachine], [Tenant.AppService] and [Tenant.Arc] are machines
// whose managed identity is the application.
//
// # Dataverse
//
// Each token is checked for signature, audience, exact time and revocation.
// Under /api/data/v9.x/ there are WhoAmI, RetrieveCurrentOrganization, the
// service document, $metadata and any entity set: create, read, update, upsert,
// delete, by GUID or alternate key, with ETags; columns one by one; $select,
// $filter (comparisons joined by and), $orderby, $top, $count and paging.
// Unknown options are let pass and have no effect. Accept chooses the metadata
// level, minimal, full or none, and the answer's type names it. Answers over
// 1 KiB are compressed for a client that accepts gzip; those over 64 KiB on the
// wire go in chunks, shorter ones with a length. Files are never compressed.
//
// $expand shows what a navigation property leads to, or with /$ref where that
// is, one level deep. POST, PUT and DELETE of its $ref associate and
// disassociate, with $id, a key after the property, or neither. Nothing knows
// of the property that leads back.
//
// Preferences: return=representation, odata.maxpagesize, odata.track-changes
// (the last page has a delta link, which tells of changes and deletions),
// odata.continue-on-error, respond-async and odata.callback.
//
// $batch takes up to 1000 requests, in change sets or not. A change set is all
// or nothing, though others may see it half done. Content-IDs are known from
// the operation that has one to the end of its change set. The parts of an
// answer take turns between the two ways in which published samples are written.
// Of an inner request's header only Content-Length and Host are checked.
//
// File columns take a whole file, or with x-ms-transfer-mode: chunked its blocks
// in order; they give it back whole or by Range, as bytes at $value or in Base64
// at the column itself. Files over [Options.KeptFile] are hashed, not kept.
//
// Custom APIs, any name such as sample_Export, give back their parameters; with
// respond-async the status monitor under /api/backgroundoperation/ does.
//
// Under /XRMServices/2011/OrganizationData.svc/ the same records are seen by
// OData 2, in verbose JSON: AccountSet for accounts, Name for name. There are
// $filter, $top, pages of 50 and $links.
//
// # Whose URLs
//
// Links in answers have the origin that [Options.Origin] says or the request was
// sent to, and only that one (and the aliases) is taken back: a request line in
// a batch, a Host, an absolute target, $id, @odata.id, @odata.bind and other
// annotations of another origin are refused with 400, and so is a path with a
// URL in it, at 400 or 404. Next, delta and upload links, and their like, must
// come back byte for byte; the __next of OData 2, which has raw spaces, may be
// escaped.
//
// # Graph
//
// Token lifetime policies are listed, created, changed and deleted, assigned to
// a service principal, one each, and unassigned; there are Dataverse's service
// principal and the application's. A policy of Dataverse's, or an organization's
// default before it, rules the tokens that are issued [Options].PolicyDelay
// later. The application has the permissions of [Tenant.SetGraphPermissions]
// from one call to the next, whatever its token says.
//
// # Faults
//
// [Tenant.FailEntra], [Tenant.FailDataverse] and [Tenant.FailGraph] make a service go wrong: how,
// for which requests, how many times. Each [FaultKind] says what it does.
//
// # Counting
//
// [Tenant.Stats] counts calls, refusals and answers, [Tenant.Executions] how many
// times each row was written, [Tenant.Recent] keeps whole requests. A batch is
// one request, and each write in it counts as a write; a change set that failed
// wrote nothing. An upload in blocks counts once, when the last block is there.
// A run is right if Stats has no DeadTokens and no Repeated rows.
//
// # Control endpoint
//
// The same over HTTP, in JSON. What succeeds and has nothing to say is a 204;
// what fails is a 400 with the reason as text. Durations are text ("1.5s").
//
//	GET    /                     these calls
//	GET    /stats                Stats
//	DELETE /stats                set the counts to zero
//	GET    /executions           Executions
//	GET    /requests             Recent
//	DELETE /requests             forget them
//	DELETE /rows                 empty the environment
//	GET    /files?set=accounts&id=GUID&column=NAME      StoredFile
//	PUT    /token-lifetime       {"lifetime":"90s"}
//	PUT    /secrets              {"accepted":["new","old"]}
//	PUT    /certificates         {"accepted":"<PEM>"}
//	PUT    /federated            {"accepted":[{"issuer":"https://...","subject":"...","audience":"...","key":"<PEM>"}]}
//	POST   /tokens/revoke        answers {"revoked":3}
//	PUT    /application-user     {"present":false}
//	PUT    /limits               {"requests":100,"window":"10s","execution":"20m","concurrent":4}
//	POST   /faults/entra         {"kind":"aadsts","code":"7000222","count":2}
//	DELETE /faults/entra
//	POST   /faults/dataverse     {"kind":"throttle","method":"POST","retry_after":"2s","count":1}
//	DELETE /faults/dataverse
//	GET    /graph/policies       GraphPolicies
//	PUT    /graph/permissions    {"granted":["Policy.Read.All"]}
//	POST   /faults/graph         {"kind":"reset_after_execute","method":"POST","count":1}
//	DELETE /faults/graph
//
// See [ParseFault] for the members of a fault.
package simulator
