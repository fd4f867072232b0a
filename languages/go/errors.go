package taskledger

import "fmt"

// Code says what went wrong, by the words that clients in all languages use. A code is itself an error, for errors.Is.
//
//	if errors.Is(err, taskledger.ErrTimeout) { … }
type Code string

// The codes of this package's errors.
const (
	ErrAborted         Code = "ABORTED"          // The context was cancelled.
	ErrClaimLost       Code = "CLAIM_LOST"       // A claim was released, or the task is another's by now.
	ErrClockSkew       Code = "CLOCK_SKEW"       // This host's clock is off.
	ErrClosed          Code = "CLOSED"           // The session has been closed.
	ErrDuplicateType   Code = "DUPLICATE_TYPE"   // A type has a handler already.
	ErrInvalidArgument Code = "INVALID_ARGUMENT" // An option is out of range.
	ErrInvalidBatch    Code = "INVALID_BATCH"    // Bytes are no batch.
	ErrInvalidData     Code = "INVALID_DATA"     // Data can't be encoded.
	ErrInvalidEnvelope Code = "INVALID_ENVELOPE" // Bytes are no task, or a task breaks the protocol's rules.
	ErrInvalidHash     Code = "INVALID_HASH"     // JSON is no task.
	ErrInvalidKey      Code = "INVALID_KEY"      // A task list or an id is empty, too long, or no text.
	ErrNotSaved        Code = "NOT_SAVED"        // A task has no version: its bytes were taken before it was saved.
	ErrOverloaded      Code = "OVERLOADED"       // The store is too busy.
	ErrSchemaMismatch  Code = "SCHEMA_MISMATCH"  // This client can't work with the keyspace.
	ErrTimeout         Code = "TIMEOUT"          // There was no answer in time.
	ErrTooLarge        Code = "TOO_LARGE"        // A task, a batch or a frame is over the limit.
	ErrTruncated       Code = "TRUNCATED"        // A stream ended inside of a frame.
	ErrUnavailable     Code = "UNAVAILABLE"      // The store can't be reached, or refuses.
	ErrUnknownType     Code = "UNKNOWN_TYPE"     // JSON is of a type that is not known here.
)

func (c Code) Error() string { return string(c) }

// Error is the error of every function of this module, save for what streams, handlers and callers' own code return.
type Error struct {
	Code Code
	// MayApply tells whether a write may have been applied all the same. Saving or completing again is always safe.
	MayApply bool
	Reason   string
	// Cause is the driver's error, or the context's.
	Cause error
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Reason }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, ErrTimeout) tell whether an error has that code.
func (e *Error) Is(target error) bool { return target == e.Code }

// Errorf makes an error of a code.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Reason: fmt.Sprintf(format, args...)}
}

func wrap(code Code, reason string, cause error) *Error {
	return &Error{Code: code, Reason: fmt.Sprintf("%s: %v", reason, cause), Cause: cause}
}
