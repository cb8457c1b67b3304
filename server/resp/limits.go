package resp

import (
	"errors"
	"fmt"
)

// Limits bounds what a Reader accepts from its peer. A zero field is a limit of zero, so start from
// DefaultLimits.
type Limits struct {
	// Args is the most arguments that one array command may have, its name included.
	Args int
	// Bulk is the most bytes that one argument of an array command may have (proto-max-bulk-len).
	Bulk int
	// Inline is the most bytes of a line: of an inline command, and of the line that declares a length.
	Inline int
	// Query is the most bytes that may wait in the buffer, complete commands and the incomplete one behind
	// them together (client-query-buffer-limit).
	Query int
	// Guest says that the peer still has to authenticate: array commands are held to GuestArgs and GuestBulk,
	// with error texts of their own.
	Guest bool
	// GuestArgs and GuestBulk are Args and Bulk of a guest (unauthenticated-max-args,
	// unauthenticated-max-bulk-len).
	GuestArgs, GuestBulk int
}

const (
	// GuestArgs and GuestBulk are what Redis grants before AUTH: room for HELLO 3 AUTH name password SETNAME
	// name, none for a memory attack.
	GuestArgs = 10
	// GuestBulk is in bytes.
	GuestBulk = 16 << 10
)

// DefaultLimits returns the limits of a peer that need not authenticate. They are Redis's defaults, but for
// Args: Redis 7 takes any 31-bit count, and a million arguments is what it took before.
func DefaultLimits() Limits {
	return Limits{
		Args:   1 << 20,
		Bulk:   512 << 20,
		Inline: 64 << 10,
		Query:  1 << 30,

		GuestArgs: GuestArgs,
		GuestBulk: GuestBulk,
	}
}

// ErrQueryTooLong says that the peer sent more than Limits.Query bytes that cannot be taken from the buffer.
// Redis closes such a connection without an answer.
var ErrQueryTooLong = errors.New("query buffer limit reached")

// ProtocolError is a violation after which the stream has no meaning: the server answers with "-ERR " and the
// text of Error, and closes. Its value is the text without the words that Redis puts before all of them.
type ProtocolError string

// The protocol errors of Redis 7 that have a fixed text.
const (
	ErrArgsLength      ProtocolError = "invalid multibulk length"
	ErrBulkLength      ProtocolError = "invalid bulk length"
	ErrGuestArgs       ProtocolError = "unauthenticated multibulk length"
	ErrGuestBulk       ProtocolError = "unauthenticated bulk length"
	ErrArgsLineTooLong ProtocolError = "too big mbulk count string"
	ErrBulkLineTooLong ProtocolError = "too big bulk count string"
	ErrInlineTooLong   ProtocolError = "too big inline request"
	ErrQuotes          ProtocolError = "unbalanced quotes in request"
)

// errNotBulk returns the error for an argument that starts with c where a '$' has to stand.
func errNotBulk(c byte) ProtocolError {
	return ProtocolError(fmt.Sprintf("expected '$', got '%s'", []byte{c}))
}

// Error returns the text that follows "-ERR " in the reply. It can hold any byte that the peer sent.
func (e ProtocolError) Error() string { return "Protocol error: " + string(e) }
