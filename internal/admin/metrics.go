package admin

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of a process. Their names and labels are part of the
// contract with whoever draws and alerts.
type Metrics struct {
	registry *prometheus.Registry
	shown    *shown

	renewals *prometheus.CounterVec
	renewal  *prometheus.HistogramVec
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	attempts *prometheus.CounterVec
	inFlight *prometheus.GaugeVec
	holding  *prometheus.GaugeVec
	held     *prometheus.CounterVec
	refused  *prometheus.CounterVec
	reloads  *prometheus.CounterVec
}

// NewMetrics returns the metrics of a build, with no environment yet.
func NewMetrics(version, goVersion string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		shown:    newShown(),
		renewals: counter("token_renewals_total", "Fetches of a token, by result: ok or error.", "result"),
		renewal: histogram("token_renewal_duration_seconds", "Time that a fetch of a token took.",
			[]float64{.05, .1, .25, .5, 1, 2.5, 5, 10}),
		requests: counter("requests_total", "Requests answered, by method and status; code 0 is a client that left before.", "method", "code"),
		duration: histogram("request_duration_seconds", "Time from a request's header to the end of its answer.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}),
		attempts: counter("upstream_attempts_total", "Requests sent upstream, by reason: first, or what made it necessary to send one again.", "reason"),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "requests_in_flight", Help: "Requests that are being served."}, []string{"environment"}),
		holding: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "requests_held", Help: "Requests that are being held back, by reason: token, throttled, concurrency, unavailable or connection.",
		}, []string{"environment", "reason"}),
		held:    counter("held_seconds_total", "Time that requests were held back, by reason.", "reason"),
		refused: counter("refused_total", "Requests that were refused and not sent upstream, by reason.", "reason"),
	}
	m.reloads = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "config_reloads_total", Help: "Times that the configuration was read again, by result: ok, or refused, when the one before stayed."}, []string{"result"})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "Always 1; the labels say what runs."}, []string{"version", "go_version"})
	build.WithLabelValues(version, goVersion).Set(1)
	m.reloads.WithLabelValues("ok")
	m.reloads.WithLabelValues("refused")
	m.registry.MustRegister(m.renewals, m.renewal, m.requests, m.duration, m.attempts, m.inFlight, m.holding, m.held, m.refused, m.reloads, m.shown, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const namespace = "dvproxy"

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, append([]string{"environment"}, labels...))
}

func histogram(name, help string, buckets []float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, []string{"environment"})
}

// handler serves the metrics in Prometheus' text formats.
func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Environment returns the metrics of an environment by that name. What each that
// bears it counts is counted on. There is nothing to be seen before Show: one that
// is never served leaves nothing.
func (m *Metrics) Environment(name string) *EnvironmentMetrics {
	return &EnvironmentMetrics{
		m: m, name: name,
		inFlight: sync.OnceValue(func() prometheus.Gauge { return m.inFlight.WithLabelValues(name) }),
		duration: sync.OnceValue(func() prometheus.Observer { return m.duration.WithLabelValues(name) }),
	}
}

// Reloaded counts a reading of the configuration, and whether it was taken.
func (m *Metrics) Reloaded(ok bool) {
	result := "ok"
	if !ok {
		result = "refused"
	}
	m.reloads.WithLabelValues(result).Inc()
}

// EnvironmentMetrics count what one environment's parts do. The methods may be
// called from any goroutine.
type EnvironmentMetrics struct {
	m        *Metrics
	name     string
	inFlight func() prometheus.Gauge // looked up once, since each request counts on them
	duration func() prometheus.Observer
}

// Show has values asked for at each scrape, in place of those before, and counts
// that are still 0 seen, so that a rate over the first one is.
func (e *EnvironmentMetrics) Show(v *Values) {
	for _, result := range []string{"ok", "error"} {
		e.m.renewals.WithLabelValues(e.name, result)
	}
	for _, reason := range []string{"first", "unauthorized", "claims", "throttled", "unavailable", "connection"} {
		e.m.attempts.WithLabelValues(e.name, reason)
	}
	for _, reason := range []string{"client_unauthorized", "host_refused", "impersonation_refused", "method_refused", "origin_refused", "read_only"} {
		e.m.refused.WithLabelValues(e.name, reason)
	}
	for _, reason := range []string{"token", "throttled", "concurrency", "unavailable", "connection"} {
		e.m.holding.WithLabelValues(e.name, reason)
		e.m.held.WithLabelValues(e.name, reason)
	}
	e.inFlight()
	e.duration()
	e.m.renewal.WithLabelValues(e.name)
	e.m.shown.show(e.name, v)
}

// Hide has values asked for no longer, unless others have taken their place. What
// was counted stays.
func (e *EnvironmentMetrics) Hide(v *Values) { e.m.shown.hide(e.name, v) }

// Renewal counts a fetch of a token.
func (e *EnvironmentMetrics) Renewal(took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	e.m.renewals.WithLabelValues(e.name, result).Inc()
	e.m.renewal.WithLabelValues(e.name).Observe(took.Seconds())
}

// Started counts a request in.
func (e *EnvironmentMetrics) Started() { e.inFlight().Inc() }

// Finished counts a request out, answered with a status or 0.
func (e *EnvironmentMetrics) Finished(method string, status int, took time.Duration) {
	e.inFlight().Dec()
	e.m.requests.WithLabelValues(e.name, method, strconv.Itoa(status)).Inc()
	e.duration().Observe(took.Seconds())
}

// Attempt counts a request sent upstream.
func (e *EnvironmentMetrics) Attempt(reason string) {
	e.m.attempts.WithLabelValues(e.name, reason).Inc()
}

// Holding counts a request in that is kept back.
func (e *EnvironmentMetrics) Holding(reason string) {
	e.m.holding.WithLabelValues(e.name, reason).Inc()
}

// Held counts it out, and the time.
func (e *EnvironmentMetrics) Held(reason string, took time.Duration) {
	e.m.holding.WithLabelValues(e.name, reason).Dec()
	e.m.held.WithLabelValues(e.name, reason).Add(took.Seconds())
}

// Refused counts a request that was not sent upstream.
func (e *EnvironmentMetrics) Refused(reason string) {
	e.m.refused.WithLabelValues(e.name, reason).Inc()
}
