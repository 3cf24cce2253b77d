package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes.
type Size int64

// The units of a [Size]. KB, MB and GB are not among them: they mean 1000 to
// some and 1024 to others.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

// String is the size in the largest unit that needs no fraction: 128MiB, 1000.
func (s Size) String() string {
	switch {
	case s == 0:
		return "0"
	case s%GiB == 0:
		return strconv.FormatInt(int64(s/GiB), 10) + "GiB"
	case s%MiB == 0:
		return strconv.FormatInt(int64(s/MiB), 10) + "MiB"
	case s%KiB == 0:
		return strconv.FormatInt(int64(s/KiB), 10) + "KiB"
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText is [Size.String].
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSize reads a whole number of bytes, KiB, MiB or GiB. Anything else, KB
// and fractions included, is an error, and so is what an int64 cannot hold.
func ParseSize(text string) (Size, error) {
	digits, unit := text, Size(1)
	for suffix, u := range map[string]Size{"KiB": KiB, "MiB": MiB, "GiB": GiB} {
		if d, ok := strings.CutSuffix(text, suffix); ok {
			digits, unit = strings.TrimRight(d, " "), u
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, errors.New("not a whole number of bytes, KiB, MiB or GiB")
	}
	if n > math.MaxInt64/int64(unit) || n < math.MinInt64/int64(unit) {
		return 0, errors.New("too large")
	}
	return Size(n) * unit, nil
}

// durationText is d as people write it: 60s and not 1m0s, 10m and not 10m0s.
func durationText(d time.Duration) string {
	if d >= time.Minute && d < 2*time.Minute && d%time.Second == 0 {
		return strconv.Itoa(int(d/time.Second)) + "s"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
