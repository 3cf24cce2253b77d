package forward

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// pace sends a request when the gate lets it, and again when Dataverse's
// service protection has refused it.
type pace struct {
	gate *Gate
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t *pace) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	x := exchangeOf(ctx)
	var refused *refusal // the latest
	for usual := time.Second; ; usual = min(2*usual, time.Minute) {
		resp, p, err := t.send(ctx, r, x)
		var still *stillHeld
		if errors.As(err, &still) && refused != nil {
			return refused.answer(still.wait), nil
		}
		if err != nil {
			return nil, err
		}
		if refused = refusalOf(resp, usual); refused == nil {
			p.keepUntilRead(resp)
			return resp, nil
		}
		left := p.refused(refused)
		if !x.replayable() || max(left, refused.wait) > x.proxy.maxWait-x.held {
			return refused.answer(left), nil
		}
		x.reason = "throttled"
	}
}

// send makes one attempt with a place at the gate, which is given back if there
// is no answer.
func (t *pace) send(ctx context.Context, r *http.Request, x *exchange) (*http.Response, *place, error) {
	for {
		p, err := t.gate.pass(ctx, x)
		if err != nil {
			return nil, nil, err
		}
		resp, err := t.next.RoundTrip(r)
		if err == nil {
			return resp, p, nil
		}
		p.leave()
		if !errors.Is(err, errPaused) {
			return nil, nil, err
		}
	}
}

// stillHeld is the error of a request that was held for as long as it may be.
type stillHeld struct {
	paused bool          // by a 429; else there was no place
	wait   time.Duration // until sending goes on
}

func (e *stillHeld) Error() string { return "held for too long" }
