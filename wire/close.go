package wire

// CloseCode is a WebSocket close code. A client comes back with jitter after 3000–3499 and after any abnormal close, and
// does not come back by itself after 3500–3999. (A browser can itself only send 1000 and 3000–4999.)
type CloseCode uint16

// The close codes.
const (
	CloseNormal             CloseCode = 1000
	CloseDraining           CloseCode = 3000
	CloseSlow               CloseCode = 3001
	CloseInternal           CloseCode = 3002
	CloseIdle               CloseCode = 3003
	CloseTimeout            CloseCode = 3004
	CloseTooManyConnections CloseCode = 3005
	CloseTokenInvalid       CloseCode = 3500
	CloseVersion            CloseCode = 3501
	CloseTokenExpired       CloseCode = 3502
	CloseTokenOtherApp      CloseCode = 3503
	CloseTokenOtherUser     CloseCode = 3504
	CloseTokenMissing       CloseCode = 3505
	CloseUnauthenticated    CloseCode = 3506
	CloseFrameInvalid       CloseCode = 3507
	CloseFrameTooLarge      CloseCode = 3508
	CloseTokenRevoked       CloseCode = 3509
)

// CloseInfo describes a close code. Code is the error that it means to a caller, OK where nothing more is known than that
// the connection ended.
type CloseInfo struct {
	Close CloseCode
	Code  Code
	Text  string
}

// CloseCodes is the closed list of close codes: docs/errors.md is made from it.
var CloseCodes = []CloseInfo{
	{CloseNormal, OK, "the client is done"},
	{CloseDraining, OK, "the server is going down"},
	{CloseSlow, OK, "the connection does not read what it is sent"},
	{CloseInternal, OK, "the server could not go on"},
	{CloseIdle, OK, "nothing was heard for too long (90 s)"},
	{CloseTimeout, NetworkTimeout, "from the client: no answer in time"},
	{CloseTooManyConnections, TooManyConnections, "the user, the device or the network address has as many connections as it may"},
	{CloseTokenInvalid, TokenInvalid, "the token is not one that this server signed, is bound to another device, or lives longer than it may"},
	{CloseVersion, VersionUnsupported, "no version in common, or another subprotocol"},
	{CloseTokenExpired, TokenExpired, "the token has expired, now or before"},
	{CloseTokenOtherApp, TokenOtherApp, "the token is of another app"},
	{CloseTokenOtherUser, TokenOtherUser, "the token is another user's"},
	{CloseTokenMissing, TokenMissing, "no token"},
	{CloseUnauthenticated, NotReady, "no hello in time (5 s), or something else before it"},
	{CloseFrameInvalid, FrameInvalid, "not a frame, or one that only a server sends"},
	{CloseFrameTooLarge, FrameTooLarge, "a frame above 256 KiB from a client, 4 MiB from a server"},
	{CloseTokenRevoked, TokenRevoked, "the token was revoked, now or before"},
}

// Terminal tells whether a client must not come back by itself.
func (c CloseCode) Terminal() bool { return c >= 3500 && c < 4000 }

// Code is the error that a close code means to a caller: NetworkError where nothing more is known.
func (c CloseCode) Code() Code {
	for _, x := range CloseCodes {
		if x.Close == c && x.Code != OK {
			return x.Code
		}
	}
	return NetworkError
}

// CloseFor is the close code with which a server ends a connection because of err.
func CloseFor(err error) CloseCode {
	code := CodeOf(err)
	for _, x := range CloseCodes {
		if x.Code == code && code != OK {
			return x.Close
		}
	}
	return CloseInternal
}
