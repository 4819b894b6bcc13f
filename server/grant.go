package server

// Grant is what a token gave a connection, or a call of the HTTP API: as whom, on which device, by which token.
type Grant struct {
	App    string
	User   string
	Device string // empty where none was named
	Token  string // its jti, empty if it has none
	Issued int64  // its iat, ms; 0 if it has none
}

// Revocation ends tokens of one user: the one named by its jti, or all that were issued up to Before (ms), on all devices or
// on one. A token says when it was issued in whole seconds, so those of the same second end with it.
type Revocation struct {
	Change uint64 // the app's number of it
	User   string
	Device string // empty: on all devices
	Token  string // a jti; empty: all tokens
	Before int64
}

// Ends tells whether the grant is over. The app is the caller's to compare.
func (r Revocation) Ends(g Grant) bool {
	return r.User == g.User && (r.Device == "" || r.Device == g.Device) &&
		(r.Token != "" && r.Token == g.Token || r.Token == "" && g.Issued <= r.Before)
}
