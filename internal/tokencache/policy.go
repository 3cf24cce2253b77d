package tokencache

import "time"

// Bounds of the renewal policy. Each is a cap on a fraction of the token's
// lifetime, so that a token of two seconds and one of a day are both looked
// after at a sensible pace.
const (
	defaultRenewAt = 0.33
	jitter         = 0.1 // of a renewal's due time, either way

	maxMargin = 5 * time.Second // a token is dead this long before its expiry,
	margin    = 0.05            // or this part of its lifetime

	maxFetch = 10 * time.Second // a fetch gives up after this long,
	minFetch = time.Second      // but not sooner than this,
	fetch    = 0.25             // or after this part of the lifetime

	firstRetry = time.Second // backoff begins here,
	maxRetry   = time.Minute // ends here
	retry      = 0.05        // or at this part of the lifetime,
	minRetry   = 100 * time.Millisecond

	permanentRetry = 30 * time.Second // when sign-in is refused
	maxServerWait  = time.Minute      // of Retry-After, while no token is alive

	claimsTries = 4 // that fail, before claims are given up

	firstGap = time.Second // between forced fetches that do not help
	maxGap   = 30 * time.Second
	episode  = 2 * maxGap // after which a path's refusals are forgotten

	freeRefusals = 2 // of forced tokens in a row: each may be revoked as the one before it was
	mostTroubles = 8 // paths that are told apart

	tick = time.Second // clocks are looked at this often at least

	assumedLifetime = time.Hour // before the first token is there
)

func part(d time.Duration, fraction float64) time.Duration {
	return time.Duration(float64(d) * fraction)
}

// deadBefore is how long before its expiry a token is no longer sent: a request
// takes a while to arrive, and clocks differ.
func deadBefore(lifetime time.Duration) time.Duration {
	return min(maxMargin, part(lifetime, margin))
}

// fetchLimit is how long one fetch may take while tokens live this long.
func fetchLimit(lifetime time.Duration) time.Duration {
	return max(minFetch, min(maxFetch, part(lifetime, fetch)))
}

// longestRetry bounds the backoff while tokens live this long.
func longestRetry(lifetime time.Duration) time.Duration {
	return max(minRetry, min(maxRetry, part(lifetime, retry)))
}

// backoff is the wait after the given number of failures in a row (1 or
// more): doubling, with the upper half left to chance. random is in [0,1).
func backoff(failures int, lifetime time.Duration, random float64) time.Duration {
	longest := longestRetry(lifetime)
	d := min(firstRetry, longest)
	for range failures - 1 {
		if d = 2 * d; d >= longest {
			d = longest
			break
		}
	}
	return max(minRetry, d/2+part(d/2, random))
}

// renewAfter is when, after its request was sent, a token is to be renewed:
// at the fraction renewAt of what is left of its life, or after refreshIn if
// the server named a sooner time (0: it named none). A source that keeps a
// cache of its own may answer with the same expiry again and again; floor
// keeps that from becoming a loop that spins as the expiry comes near.
func renewAfter(left, refreshIn time.Duration, renewAt, random float64, floor time.Duration) time.Duration {
	due := part(left, renewAt)
	if refreshIn > 0 {
		due = min(due, refreshIn)
	}
	due = part(due, 1-jitter+2*jitter*random)
	return max(due, floor)
}
