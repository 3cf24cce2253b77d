package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// A claims request is {"access_token":{"<claim>":{...}}}: OpenID Connect Core
// 5.5. Dataverse sends one with a claims challenge, Entra gets it back in the
// claims parameter, and the token remembers it.

// accessTokenClaims returns the access_token member of a claims request, nil
// if there is none.
func accessTokenClaims(claims string) (json.RawMessage, error) {
	var request struct {
		AccessToken json.RawMessage `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(claims), &request); err != nil {
		return nil, fmt.Errorf("claims are not a JSON object: %w", err)
	}
	return request.AccessToken, nil
}

// meetsClaims tells whether a token that was asked for with these claims has
// all that a challenge wants. Clients may have added to them.
func meetsClaims(requested json.RawMessage, challenge string) bool {
	var want struct {
		AccessToken map[string]any `json:"access_token"`
	}
	var have map[string]any
	if json.Unmarshal([]byte(challenge), &want) != nil || len(requested) == 0 || json.Unmarshal(requested, &have) != nil {
		return false
	}
	for name, value := range want.AccessToken {
		if got, ok := have[name]; !ok || !reflect.DeepEqual(got, value) {
			return false
		}
	}
	return true
}

// defaultClaims asks for a token that is not older than now.
func defaultClaims(now time.Time) string {
	return fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, now.Unix())
}

func encodeClaims(claims string) string { return base64.StdEncoding.EncodeToString([]byte(claims)) }
