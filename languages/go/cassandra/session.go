package cassandra

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	taskledger "github.com/taskledger/taskledger/languages/go"
)

// statement is CQL and its parameters.
type statement struct {
	cql    string
	values []any
}

// row has the values of a row's columns, by their names.
type row = map[string]any

// session is what a Store asks of Cassandra: one attempt at each call, at the keyspace's consistency.
type session interface {
	// apply makes one batch of the statements.
	apply(context.Context, []statement) error
	// read gives all rows, the columns by name.
	read(context.Context, statement) ([]row, error)
	// transact makes a lightweight transaction: whether it was applied and, if not, what the row has.
	transact(context.Context, statement) (bool, row, error)
}

// retrying tries until an attempt succeeds or the deadline has passed: all statements are idempotent, save for transactions that
// may not be repeated.
type retrying struct {
	session           session
	deadline, attempt time.Duration
	// check comes before each call, whose error its own is; nil for none.
	check func(context.Context) error
}

func (r *retrying) write(ctx context.Context, statements []statement) error {
	return r.retry(ctx, repeatedWrite, func(ctx context.Context) error { return r.session.apply(ctx, statements) })
}

// transact sends a transaction once if it may have been applied, unless to repeat it does the same.
func (r *retrying) transact(ctx context.Context, mayRepeat bool, s statement) (wasApplied bool, found row, err error) {
	kind := singleWrite
	if mayRepeat {
		kind = repeatedWrite
	}
	err = r.retry(ctx, kind, func(ctx context.Context) error {
		wasApplied, found, err = r.session.transact(ctx, s)
		return err
	})
	return wasApplied, found, err
}

func (r *retrying) read(ctx context.Context, query statement) (rows []row, err error) {
	err = r.retry(ctx, onlyRead, func(ctx context.Context) error {
		rows, err = r.session.read(ctx, query)
		return err
	})
	return rows, err
}

// readRange reads entries. The error is errTooManyTombstones if a part of the range may be read.
func (r *retrying) readRange(ctx context.Context, query statement) (rows []row, err error) {
	err = r.retry(ctx, onlyRead, func(ctx context.Context) error {
		rows, err = r.session.read(ctx, query)
		if isTombstones(err) {
			return errTooManyTombstones
		}
		return err
	})
	return rows, err
}

var errTooManyTombstones = taskledger.Errorf(taskledger.ErrUnavailable, "a read met more tombstones than the server allows")

// callKind is what may become of a call without an answer, and what may be done then.
type callKind int

const (
	onlyRead callKind = iota
	repeatedWrite
	singleWrite // is not sent again once it may have been applied
)

func (r *retrying) retry(caller context.Context, kind callKind, attempt func(context.Context) error) error {
	if r.check != nil {
		if err := r.check(caller); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(caller, r.deadline)
	defer cancel()
	mayApply := false
	for pause := 25 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		if caller.Err() != nil {
			return cancelled(caller, mayApply)
		}
		err := r.attemptOnce(ctx, attempt)
		failed := classify(err)
		mayApply = mayApply || kind != onlyRead && failed.mayApply
		switch {
		case err == nil:
			return nil
		case caller.Err() != nil:
			return cancelled(caller, mayApply)
		case !failed.isRetried || kind == singleWrite && mayApply:
			return report(err, failed.code, mayApply)
		}
		select {
		case <-caller.Done():
			return cancelled(caller, mayApply)
		case <-ctx.Done():
			return report(err, failed.code, mayApply)
		case <-time.After(time.Duration(rand.Int64N(int64(pause)))):
		}
	}
}

func (r *retrying) attemptOnce(ctx context.Context, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.attempt)
	defer cancel()
	return attempt(ctx)
}

// cancelled is of the caller's own context.
func cancelled(caller context.Context, mayApply bool) error {
	cause := context.Cause(caller)
	code := taskledger.ErrAborted
	if errors.Is(caller.Err(), context.DeadlineExceeded) {
		code = taskledger.ErrTimeout
	}
	return &taskledger.Error{Code: code, MayApply: mayApply, Reason: cause.Error(), Cause: caller.Err()}
}

func report(err error, code taskledger.Code, mayApply bool) error {
	var known *taskledger.Error
	if errors.As(err, &known) {
		return err
	}
	return &taskledger.Error{Code: code, MayApply: mayApply, Reason: "Cassandra: " + err.Error(), Cause: err}
}

type failure struct {
	code                taskledger.Code
	isRetried, mayApply bool
}

func classify(err error) failure {
	var known *taskledger.Error
	var coded gocql.RequestError
	switch {
	case err == nil || errors.As(err, &known):
		return failure{}
	case errors.Is(err, gocql.ErrSessionClosed):
		return failure{taskledger.ErrClosed, false, false}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, gocql.ErrTimeoutNoResponse):
		return failure{taskledger.ErrTimeout, true, true}
	case errors.Is(err, gocql.ErrNoConnections), errors.Is(err, gocql.ErrNoConnectionsStarted), errors.Is(err, gocql.ErrUnavailable):
		return failure{taskledger.ErrUnavailable, true, false}
	case errors.As(err, &coded):
		return classifyCode(coded)
	case errors.As(err, new(gocql.MarshalError)), errors.As(err, new(gocql.UnmarshalError)):
		return failure{taskledger.ErrUnavailable, false, false}
	}
	return failure{taskledger.ErrUnavailable, true, true} // the connection broke
}

func classifyCode(err gocql.RequestError) failure {
	switch err.Code() {
	case gocql.ErrCodeUnavailable, gocql.ErrCodeBootstrapping:
		return failure{taskledger.ErrUnavailable, true, false}
	case gocql.ErrCodeWriteTimeout, gocql.ErrCodeReadTimeout, gocql.ErrCodeCASWriteUnknown:
		return failure{taskledger.ErrTimeout, true, true}
	case gocql.ErrCodeOverloaded:
		return failure{taskledger.ErrOverloaded, true, true}
	case gocql.ErrCodeServer, gocql.ErrCodeWriteFailure, gocql.ErrCodeReadFailure, gocql.ErrCodeTruncate:
		return failure{taskledger.ErrUnavailable, true, true}
	}
	return failure{codeOfRefusal(strings.ToLower(err.Message())), false, false} // it always will
}

func codeOfRefusal(message string) taskledger.Code {
	for _, words := range []string{"does not exist", "unconfigured table", "undefined column"} {
		if strings.Contains(message, words) {
			return taskledger.ErrSchemaMismatch
		}
	}
	if strings.Contains(message, "too large") || strings.Contains(message, "max_mutation_size") {
		return taskledger.ErrTooLarge
	}
	return taskledger.ErrUnavailable
}

// isTombstones: version 5 of the protocol tells the reason, version 4 only that replicas have failed.
func isTombstones(err error) bool {
	var failed *gocql.RequestErrReadFailure
	if !errors.As(err, &failed) {
		return false
	}
	for _, reason := range failed.ErrorMap {
		if reason == 1 {
			return true
		}
	}
	return len(failed.ErrorMap) == 0
}

// gocqlSession is the session of the driver.
type gocqlSession struct {
	session     *gocql.Session
	consistency gocql.Consistency
}

func (s *gocqlSession) apply(ctx context.Context, statements []statement) error {
	batch := s.session.Batch(gocql.LoggedBatch).Consistency(s.consistency).RetryPolicy(nil).DefaultTimestamp(false)
	for _, each := range statements {
		batch.Entries = append(batch.Entries, gocql.BatchEntry{Stmt: each.cql, Args: each.values, Idempotent: true})
	}
	return batch.ExecContext(ctx)
}

func (s *gocqlSession) read(ctx context.Context, query statement) ([]row, error) {
	read := s.session.Query(query.cql, query.values...).Consistency(s.consistency).RetryPolicy(nil).Idempotent(true)
	return read.IterContext(ctx).SliceMap()
}

func (s *gocqlSession) transact(ctx context.Context, query statement) (bool, row, error) {
	serial := gocql.LocalSerial
	if s.consistency == gocql.Quorum { // which clients in several data centers have
		serial = gocql.Serial
	}
	found := row{}
	wasApplied, err := s.session.Query(query.cql, query.values...).Consistency(s.consistency).SerialConsistency(serial).
		RetryPolicy(nil).DefaultTimestamp(false).MapScanCASContext(ctx, found)
	return wasApplied, found, err
}

// atOnce calls a function for each number below count, several at a time; the error is the first.
func atOnce(ctx context.Context, count int, do func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	var once sync.Once
	var first error
	free := make(chan struct{}, 32)
	for i := range count {
		free <- struct{}{}
		running.Add(1)
		go func() {
			defer running.Done()
			defer func() { <-free }()
			if err := do(ctx, i); err != nil {
				once.Do(func() { first = err })
				cancel(fmt.Errorf("another read failed: %w", err))
			}
		}()
	}
	running.Wait()
	return first
}
