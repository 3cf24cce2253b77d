// Package simulator is a stand-in tenant: it imitates Microsoft Entra's token
// endpoint and a Dataverse environment on the wire, faults included, so that a
// client of the two can be tested without either.
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
//	// tenant.EntraURL, tenant.DataverseURL; tenant.TenantID(), ClientID(), ClientSecret()
//
// [New] alone makes a tenant that does not listen; [Tenant.Entra],
// [Tenant.Dataverse] and [Tenant.Control] are handlers to mount. A handler
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
// Under /api/data/v9.x/ there are WhoAmI, the service document, $metadata and
// any entity set: create, read, update, upsert, delete, by GUID or alternate
// key, with ETags; columns one by one; $select, $filter (comparisons joined by
// and), $orderby, $top, $count and paging; upload and download of file columns.
// $expand and unknown options are let pass and have no effect. A reference with
// an absolute URL must be of this environment.
//
// # Faults
//
// [Tenant.FailEntra] and [Tenant.FailDataverse] make a service go wrong: how,
// for which requests, how many times. Each [FaultKind] says what it does.
//
// # Counting
//
// [Tenant.Stats] counts calls, refusals and answers, [Tenant.Executions] how many
// times each row was written, [Tenant.Recent] keeps whole requests.
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
//
// See [ParseFault] for the members of a fault.
package simulator
