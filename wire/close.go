package wire

// CloseCode is a WebSocket close code. A client comes back with jitter after 3000–3499 and after any abnormal close, and
// does not come back by itself after 3500–3999. (A browser can itself only send 1000 and 3000–4999.)
type CloseCode uint16

// The close codes.
const (
	CloseNormal             CloseCode = 1000 // the client is done
	CloseDraining           CloseCode = 3000 // the server is going down
	CloseSlow               CloseCode = 3001 // the connection does not read what it is sent
	CloseInternal           CloseCode = 3002 // the server could not go on
	CloseIdle               CloseCode = 3003 // nothing was heard for too long (90 s)
	CloseTimeout            CloseCode = 3004 // from the client: no answer in time
	CloseTooManyConnections CloseCode = 3005 // the user, the device or the network address has as many connections as it may
	CloseTokenInvalid       CloseCode = 3500 // the token is not one that this server signed, is bound to another device, or lives longer than it may
	CloseVersion            CloseCode = 3501 // no version in common, or another subprotocol
	CloseTokenExpired       CloseCode = 3502 // the token has expired, now or before
	CloseTokenOtherApp      CloseCode = 3503 // the token is of another app
	CloseTokenOtherUser     CloseCode = 3504 // the token is another user's
	CloseTokenMissing       CloseCode = 3505 // no token
	CloseUnauthenticated    CloseCode = 3506 // no hello in time (5 s), or something else before it
	CloseFrameInvalid       CloseCode = 3507 // not a frame, or one that only a server sends
	CloseFrameTooLarge      CloseCode = 3508 // a frame above 256 KiB from a client, 4 MiB from a server
	CloseTokenRevoked       CloseCode = 3509 // the token was revoked, now or before
)

// CloseInfo describes a close code. Code is the error that it means to a caller, OK where nothing more is known than that
// the connection ended.
type CloseInfo struct {
	Close CloseCode
	Code  Code
}

// CloseCodes is the closed list of close codes: docs/errors.md is made from it and the comments on the constants, which the
// download does not hold.
var CloseCodes = []CloseInfo{
	{CloseNormal, OK},
	{CloseDraining, OK},
	{CloseSlow, OK},
	{CloseInternal, OK},
	{CloseIdle, OK},
	{CloseTimeout, NetworkTimeout},
	{CloseTooManyConnections, TooManyConnections},
	{CloseTokenInvalid, TokenInvalid},
	{CloseVersion, VersionUnsupported},
	{CloseTokenExpired, TokenExpired},
	{CloseTokenOtherApp, TokenOtherApp},
	{CloseTokenOtherUser, TokenOtherUser},
	{CloseTokenMissing, TokenMissing},
	{CloseUnauthenticated, NotReady},
	{CloseFrameInvalid, FrameInvalid},
	{CloseFrameTooLarge, FrameTooLarge},
	{CloseTokenRevoked, TokenRevoked},
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
