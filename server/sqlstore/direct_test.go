package sqlstore

import (
	"context"
	"database/sql"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

func TestWhatARowGivesToPlaces(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "lethe.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	scan := func(value any, place any) error {
		return s.read(t.Context(), func(ctx context.Context, tx *transaction) error {
			return tx.row(ctx, `SELECT ?`, value).Scan(place)
		})
	}
	var number uint64
	var small uint8
	var surface wire.Surface
	var signed int32
	var text string
	var blob []byte
	var yes flag
	var null sql.NullInt64
	for _, fits := range []struct{ value, place, want any }{
		{uint64(1<<63 - 1), &number, uint64(1<<63 - 1)}, {255, &small, uint8(255)}, {wire.SurfaceDevices, &surface, wire.SurfaceDevices},
		{-5, &signed, int32(-5)}, {"t", &text, "t"}, {"t", &blob, []byte("t")}, {[]byte{0, 1}, &blob, []byte{0, 1}},
		{flag(true), &yes, flag(true)}, {7, &null, sql.NullInt64{Int64: 7, Valid: true}}, {nil, &null, sql.NullInt64{}}, {nil, &blob, []byte(nil)},
	} {
		require.NoError(t, scan(fits.value, fits.place), "%v", fits.value)
		require.EqualValues(t, fits.want, reflect.ValueOf(fits.place).Elem().Interface())
	}
	for _, wrong := range []struct{ value, place any }{
		{-1, &number}, {256, &small}, {-1, &surface}, {int64(1 << 40), &signed}, {"1", &number}, {1, &text}, {nil, &text}, {1.5, &number}, {[]byte{1}, &text},
		{uint64(1 << 63), &number}, {struct{}{}, &number},
	} {
		require.Error(t, scan(wrong.value, wrong.place), "%v", wrong.value)
	}
}
