package admin

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Values are asked for at each scrape. Each function may be called at any time.
type Values struct {
	Token       func() Token
	Links       func() (requests, responses uint64) // mapped so far
	Certificate func() time.Time                    // its expiry, zero before it was read; nil if there is none
}

// shown collects the values of the environments that there are at the time.
type shown struct {
	expiry, runway, links, certificate *prometheus.Desc

	mu     sync.Mutex         // guards values
	values map[string]*Values // by the environment's name
}

func newShown() *shown {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, append([]string{"environment"}, labels...), nil)
	}
	return &shown{
		expiry:      desc("token_expiry_timestamp_seconds", "Unix time at which the current token expires; 0 if there is none."),
		runway:      desc("token_runway_seconds", "Time for which requests can go on if no token is to be had from now on."),
		links:       desc("links_mapped_total", "Links mapped between the environment's origin and the proxy's, by direction: request or response.", "direction"),
		certificate: desc("certificate_expiry_timestamp_seconds", "Unix time at which the certificate expires that is used to sign in; 0 before it was read."),
		values:      map[string]*Values{},
	}
}

func (s *shown) show(name string, v *Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[name] = v
}

func (s *shown) hide(name string, v *Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values[name] == v {
		delete(s.values, name)
	}
}

// Describe implements [prometheus.Collector].
func (s *shown) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.expiry, s.runway, s.links, s.certificate} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (s *shown) Collect(to chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, v := range s.values {
		t := v.Token()
		requests, responses := v.Links()
		to <- prometheus.MustNewConstMetric(s.expiry, prometheus.GaugeValue, seconds(t.Expires), name)
		to <- prometheus.MustNewConstMetric(s.runway, prometheus.GaugeValue, t.Runway.Seconds(), name)
		to <- prometheus.MustNewConstMetric(s.links, prometheus.CounterValue, float64(requests), name, "request")
		to <- prometheus.MustNewConstMetric(s.links, prometheus.CounterValue, float64(responses), name, "response")
		if v.Certificate != nil {
			to <- prometheus.MustNewConstMetric(s.certificate, prometheus.GaugeValue, seconds(v.Certificate()), name)
		}
	}
}

// seconds is a Unix time; 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
