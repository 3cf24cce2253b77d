package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dvproxy/internal/simulator"
)

func tokenEndpoint(tenant *simulator.Server) string {
	return tenant.EntraURL + "/" + tenant.TenantID() + "/oauth2/v2.0/token"
}

func scope(tenant *simulator.Server) string { return tenant.DataverseURL + "/.default" }

// fetchToken does what a client does that fetches its token itself.
func fetchToken(ctx context.Context, tenant *simulator.Server) (token string, expires time.Time, err error) {
	form := url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {tenant.ClientID()},
		"client_secret": {tenant.ClientSecret()},
		"scope":         {scope(tenant)},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, tokenEndpoint(tenant), strings.NewReader(form.Encode()))
	if err != nil {
		return "", time.Time{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sent := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", time.Time{}, err
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer)
	if err != nil || answer.AccessToken == "" {
		return "", time.Time{}, fmt.Errorf("the token endpoint answers %d without a token", resp.StatusCode)
	}
	return answer.AccessToken, sent.Add(time.Duration(answer.ExpiresIn) * time.Second), nil
}
