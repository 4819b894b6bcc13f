package wire

// CloseCode is a WebSocket close code. A client comes back with jitter after 3000–3499 and after any abnormal close, and
// does not come back by itself after 3500–3999. (A browser can itself only send 1000 and 3000–4999.)
type CloseCode uint16

// The close codes.
const (
	CloseNormal          CloseCode = 1000
	CloseDraining        CloseCode = 3000 // the server is going down
	CloseSlow            CloseCode = 3001 // the connection did not read what it was sent
	CloseInternal        CloseCode = 3002 // the server could not go on
	CloseIdle            CloseCode = 3003 // nothing was heard for 90 s
	CloseTimeout         CloseCode = 3004 // the client's own: no answer in time, reconnecting
	CloseTokenInvalid    CloseCode = 3500
	CloseVersion         CloseCode = 3501
	CloseTokenExpired    CloseCode = 3502
	CloseTokenOtherApp   CloseCode = 3503
	CloseTokenOtherUser  CloseCode = 3504
	CloseTokenMissing    CloseCode = 3505
	CloseUnauthenticated CloseCode = 3506 // no Hello within 5 s, or something else before it
	CloseFrameInvalid    CloseCode = 3507
	CloseFrameTooLarge   CloseCode = 3508
)

// Terminal tells whether a client must not come back by itself.
func (c CloseCode) Terminal() bool { return c >= 3500 && c < 4000 }

var closeCodes = []struct {
	close CloseCode
	code  Code
}{
	{CloseTokenInvalid, TokenInvalid},
	{CloseVersion, VersionUnsupported},
	{CloseTokenExpired, TokenExpired},
	{CloseTokenOtherApp, TokenOtherApp},
	{CloseTokenOtherUser, TokenOtherUser},
	{CloseTokenMissing, TokenMissing},
	{CloseUnauthenticated, NotReady},
	{CloseFrameInvalid, FrameInvalid},
	{CloseFrameTooLarge, FrameTooLarge},
	{CloseTimeout, NetworkTimeout},
}

// Code is the error that a close code means to a caller: NetworkError where nothing more is known.
func (c CloseCode) Code() Code {
	for _, x := range closeCodes {
		if x.close == c {
			return x.code
		}
	}
	return NetworkError
}

// CloseFor is the close code with which a server ends a connection because of err.
func CloseFor(err error) CloseCode {
	code := CodeOf(err)
	for _, x := range closeCodes {
		if x.code == code {
			return x.close
		}
	}
	return CloseInternal
}
