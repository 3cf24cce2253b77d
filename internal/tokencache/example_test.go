package tokencache_test

import (
	"context"
	"fmt"

	"golang.org/x/oauth2"

	"dvproxy/internal/tokencache"
)

func issuing(tokens ...string) tokencache.SourceFunc {
	n := -1
	return func(context.Context, string) (*oauth2.Token, error) {
		n++
		return &oauth2.Token{AccessToken: tokens[n], ExpiresIn: 3599}, nil
	}
}

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	c := tokencache.New(issuing("first", "second"), tokencache.Options{})
	go c.Run(ctx)

	token, err := c.Token(ctx)
	fmt.Println(token, err)
	// A server answered 401: ask for a newer one, send the request again with
	// it, and say how that went.
	const path = "POST /accounts"
	newer, fresh, err := c.Reject(token, "", path)(ctx)
	fmt.Println(newer, fresh, err)
	c.Replayed(newer, path, true)
	// Output:
	// first <nil>
	// second true <nil>
}

// The common mistake: a cache that nobody runs has no token, and waits for one
// until the caller's context ends.
func ExampleCache_Run() {
	c := tokencache.New(issuing("never"), tokencache.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 1)
	defer cancel()
	_, err := c.Token(ctx)
	fmt.Println(err)
	// Output:
	// no token in time: context deadline exceeded
}
