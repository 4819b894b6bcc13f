package server

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/wire"
)

// encodePayload appends a JSON value as MessagePack. A number written without fraction and exponent that fits 64 bits
// becomes an integer, any other a float64; one that no float64 holds is refused. Names are sorted, so that the same
// value has the same bytes.
func encodePayload(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return msgp.AppendNil(b), nil
	case bool:
		return msgp.AppendBool(b, v), nil
	case string:
		return msgp.AppendString(b, v), nil
	case json.Number:
		return encodeNumber(b, v)
	case []any:
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for _, x := range v {
			var err error
			if b, err = encodePayload(b, x); err != nil {
				return nil, err
			}
		}
		return b, nil
	case map[string]any:
		b = msgp.AppendMapHeader(b, uint32(len(v)))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			var err error
			if b, err = encodePayload(msgp.AppendString(b, name), v[name]); err != nil {
				return nil, err
			}
		}
		return b, nil
	default:
		return nil, wire.Errorf(wire.ParameterInvalid, "payload: %T is no JSON value", value)
	}
}

func encodeNumber(b []byte, n json.Number) ([]byte, error) {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return msgp.AppendInt64(b, i), nil
	}
	if u, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
		return msgp.AppendUint64(b, u), nil
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return nil, wire.Errorf(wire.ParameterInvalid, "payload: the number %.40s is out of range", n)
	}
	return msgp.AppendFloat64(b, f), nil
}
