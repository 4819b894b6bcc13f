package promobserver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server/promobserver"
	"github.com/lethe-im/lethe/wire"
)

// gathered is how many series there are by name, and the sum of what their counters and gauges say.
func gathered(t *testing.T, r *prometheus.Registry) (series map[string]int, sum map[string]float64) {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	series, sum = map[string]int{}, map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			series[f.GetName()]++
			sum[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return series, sum
}

func TestWhatIsCounted(t *testing.T) {
	r := prometheus.NewRegistry()
	o := promobserver.New(r)
	failing := true
	promobserver.Gauge(r, "asked", "A number.", func(context.Context) (float64, error) {
		if failing {
			return 0, errors.New("no number")
		}
		return 7, nil
	})
	slow, left := o.Connected(), o.Connected()
	slow(wire.CloseSlow)
	for range 3 {
		_, done := o.Operation(t.Context(), wire.OpSend, "")
		done(wire.OK)
	}
	_, done := o.Operation(t.Context(), wire.OpSend, "")
	done(wire.PermissionDenied)
	_, called := o.Call(t.Context(), "GET /v1/settings", "")
	called(200)
	o.Pushed(wire.EventMessages, 0)
	o.Pushed(wire.EventMessages, 5)
	o.Swept("purge", time.Second, errors.New("disk"))
	o.Swept("purge", time.Second, context.Canceled) // it is being shut down
	o.Transaction("write", time.Millisecond, true)
	o.Transaction("write", time.Millisecond, false)
	series, sum := gathered(t, r)
	for name, want := range map[string]float64{
		"lethe_connections": 1, "lethe_connections_opened_total": 2, "lethe_connections_closed_total": 1,
		"lethe_operations_total": 4, "lethe_operation_seconds": 4, "lethe_calls_total": 1, "lethe_call_seconds": 1,
		"lethe_pushes_total": 2, "lethe_push_drops_total": 5, "lethe_sweep_seconds": 2, "lethe_sweep_errors_total": 1,
		"lethe_store_transaction_seconds": 2, "lethe_store_errors_total": 1,
	} {
		require.Equal(t, want, sum[name], name)
	}
	require.Equal(t, 2, series["lethe_operations_total"], "OK and PERMISSION_DENIED")
	require.Zero(t, series["asked"], "a number that cannot be had is left out")
	left(wire.CloseNormal)
	failing = false
	_, sum = gathered(t, r)
	require.Equal(t, []float64{0, 7}, []float64{sum["lethe_connections"], sum["asked"]})
}

// What counting one request costs, its transaction included.
func BenchmarkRequest(b *testing.B) {
	o := promobserver.New(prometheus.NewRegistry())
	for b.Loop() {
		_, done := o.Operation(b.Context(), wire.OpSend, "")
		start := time.Now()
		o.Transaction("write", time.Since(start), false)
		done(wire.OK)
	}
}
