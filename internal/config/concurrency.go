package config

import (
	"errors"
	"strconv"
)

// Concurrency is a number of requests at one time, or Auto.
type Concurrency int

// Auto stands for as many requests as the environment allows.
const Auto Concurrency = 0

// String is the number, or auto.
func (c Concurrency) String() string {
	if c == Auto {
		return "auto"
	}
	return strconv.Itoa(int(c))
}

// MarshalText is [Concurrency.String].
func (c Concurrency) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// ParseConcurrency reads auto or a whole number from 1 to 10000. Anything else
// is an error.
func ParseConcurrency(text string) (Concurrency, error) {
	const most = 10000
	if text == Auto.String() {
		return Auto, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, errors.New("neither auto nor a whole number from 1 to 10000")
	}
	return Concurrency(n), nil
}
