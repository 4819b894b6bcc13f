package wire

// Hello is the first request on a connection. It must arrive within 5 s, or the server closes with CloseUnauthenticated.
// A refused Hello is never answered: the server closes with the code that says why, because a browser learns nothing
// from a refused handshake.
//
// Said again on an open connection, with the same app, user and device, it renews the token: the connection lives until the
// new one expires. Refused then, it is answered and changes nothing. (A server of before refuses it with ParameterInvalid.)
type Hello struct {
	Versions []uint8 `msg:"v"` // the versions the client speaks
	AppID    string  `msg:"a"`
	UserID   string  `msg:"u"`
	Token    string  `msg:"t"` // a JWT: sub = userID, aud = appID, exp; perhaps jti, and device = deviceID
	DeviceID string  `msg:"d"`
}

// Welcome answers Hello.
type Welcome struct {
	Version uint8  `msg:"v"` // the version picked
	Epoch   uint32 `msg:"e"` // see RowsRequest
	N       uint64 `msg:"n"` // the user's number now
	Time    int64  `msg:"t"` // server clock, ms
	// SyncDeletions is the app's setting sync.deletions: a deletion in both places reaches the user's other devices.
	SyncDeletions bool `msg:"s"`
	// New: the server has not seen this device before. CompensationDays is what such a device may ask for (PageRequest).
	New              bool   `msg:"w,omitempty"`
	CompensationDays uint16 `msg:"c,omitempty"`
	// DeliveryOnly: cloud history is off, so the server keeps a message only until each member's devices have it. The device
	// stores all that is new and says so with Have.
	DeliveryOnly bool `msg:"h,omitempty"`
}

// Ping asks whether the connection lives and whether anything was missed.
type Ping struct{}

// Pong answers Ping with the user's number, so that a lost push is noticed.
type Pong struct {
	N    uint64 `msg:"n"`
	Time int64  `msg:"t"` // server clock, ms
}
