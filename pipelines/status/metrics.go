package status

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the figures for Prometheus. What the books of the warehouse know is
// read from them when it is asked for, so it outlives the process; the rest is
// counted here.
type Metrics struct {
	registry *prometheus.Registry
	queries  *prometheus.CounterVec
	took     *prometheus.HistogramVec
	unread   prometheus.Counter
	roleOf   func(user string) string
}

// metricsFile keeps, in a project's home, what counters need after a restart.
const metricsFile = "metrics.json"

func newMetrics(s *Server) (*Metrics, error) {
	m := &Metrics{
		registry: prometheus.NewRegistry(), roleOf: s.o.RoleOf,
		queries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "winback_queries_total", Help: "Statements of the warehouse's clients, by the role of who asked and how they ended.",
		}, []string{"user_role", "state"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "winback_query_duration_seconds", Help: "How long statements of the warehouse's clients took to be answered whole.",
			Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"user_role"}),
		unread: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "winback_books_errors_total", Help: "How often the warehouse's books could not be read for these figures.",
		}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "winback_build_info", Help: "Version of winback; the value is always 1.",
		ConstLabels: prometheus.Labels{"version": s.o.Version, "goversion": runtime.Version()},
	})
	info.Set(1)
	var errs []error
	for _, c := range []prometheus.Collector{
		m.queries, m.took, m.unread, info, &bookCollector{s: s, rising: newRising(filepath.Join(s.o.Home, metricsFile))},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		errs = append(errs, m.registry.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("prepare the figures for Prometheus: %w", err)
	}
	return m, nil
}

// QueryEnded counts a statement of somebody who asks the warehouse. State is how it
// ended, one of a few words.
func (m *Metrics) QueryEnded(user, state string, took time.Duration) {
	role := "none"
	if m.roleOf != nil {
		if known := m.roleOf(user); known != "" {
			role = known
		}
	}
	m.queries.WithLabelValues(role, state).Inc()
	m.took.WithLabelValues(role).Observe(took.Seconds())
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 30 * time.Second})
}
