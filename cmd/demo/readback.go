package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// A row is what the environment has.
type row struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

const readBackID = "00000000-0000-4000-8000-ffffffffffff"

// readBack returns all rows, page by page.
func readBack(ctx context.Context, c *client) ([]row, error) {
	var rows []row
	for path := "accounts?$select=name,description"; path != ""; {
		a, err := c.send(ctx, http.MethodGet, path, "", readBackID)
		if err != nil {
			return nil, err
		}
		if !a.ok() {
			return nil, fmt.Errorf("GET: %s", a.why())
		}
		var page struct {
			Value []row  `json:"value"`
			Next  string `json:"@odata.nextLink"`
		}
		if err := json.Unmarshal(a.body, &page); err != nil {
			return nil, err
		}
		rows = append(rows, page.Value...)
		_, path, _ = strings.Cut(page.Next, apiPath) // the next page, from where this one came
	}
	return rows, nil
}
