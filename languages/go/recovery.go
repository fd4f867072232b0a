package taskledger

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

// PerformOptions are the terms on which tasks are claimed, tried again, and given up; docs/recovery.md has the rules. Those left
// zero have the values that are said.
type PerformOptions struct {
	// Lease is how long a claim lasts without a renewal, a minute. It is renewed after each third of that.
	Lease time.Duration
	// Owner is who claims; a new name at each call. Others than this worker must not have it at the same time.
	Owner string
	// MaxAttempts is after how many attempts a task is given up; zero is never.
	MaxAttempts int
	// DeadLetterList is where a task that is given up goes. Without one it stays open, and is passed over until more attempts are
	// allowed, a list is named, or it is saved again.
	DeadLetterList string
	// A task that fails may be claimed again after a random part of a delay that doubles with each attempt, from BackoffInitial,
	// a second, up to BackoffMax, ten minutes.
	BackoffInitial, BackoffMax time.Duration
}

// resolved has the values of what was left zero. The error is ErrInvalidArgument or ErrInvalidKey.
func (o PerformOptions) resolved() (PerformOptions, error) {
	o.Lease = cmp.Or(o.Lease, time.Minute)
	o.BackoffInitial = cmp.Or(o.BackoffInitial, time.Second)
	o.BackoffMax = cmp.Or(o.BackoffMax, 10*time.Minute)
	if o.Owner == "" {
		o.Owner = NewOwner()
	}
	switch {
	case o.Lease < MinLease:
		return o, Errorf(ErrInvalidArgument, "Lease must be at least %v, and is %v", MinLease, o.Lease)
	case o.MaxAttempts < 0:
		return o, Errorf(ErrInvalidArgument, "MaxAttempts must not be negative, and is %d", o.MaxAttempts)
	case o.BackoffInitial < 0 || o.BackoffMax < 0:
		return o, Errorf(ErrInvalidArgument, "a backoff must not be negative, and is %v to %v", o.BackoffInitial, o.BackoffMax)
	case o.DeadLetterList != "" && !isKey(o.DeadLetterList):
		return o, Errorf(ErrInvalidKey, "DeadLetterList must be 1 to %d bytes of UTF-8 without NUL", MaxKeyBytes)
	}
	return o, nil
}

// waitAfter is a random part of a delay that doubles with each attempt.
func (o PerformOptions) waitAfter(attempt int) time.Duration {
	delay := min(float64(o.BackoffMax), float64(o.BackoffInitial)*math.Exp2(float64(attempt-1)))
	return time.Duration(rand.Float64() * delay)
}

// hasTried tells whether so many attempts are all that are allowed.
func (o PerformOptions) hasTried(attempts int) bool {
	return o.MaxAttempts > 0 && attempts >= o.MaxAttempts
}

// Recover does the open tasks of a list, each as Perform does. Any number of processes may do so at the same time. The error is
// the store's, or the context's, after the handlers that run have ended.
func (w *Worker) Recover(
	ctx context.Context, store Store, taskList string, list ListOptions, options PerformOptions,
) (Summary, error) {
	terms, err := options.resolved()
	if err == nil && !isKey(taskList) {
		err = Errorf(ErrInvalidKey, "the task list must be 1 to %d bytes of UTF-8 without NUL", MaxKeyBytes)
	}
	if err != nil {
		return Summary{}, err
	}
	perform := func(ctx context.Context, task *taskledgerv1.TaskEnvelope) (Result, error) {
		return w.perform(ctx, store, task, terms)
	}
	return w.doAll(ctx, store.OpenTasks(ctx, taskList, list), perform)
}

// Perform does a task under a claim, so that no two workers do it at the same time, and completes it. What came from a queue may
// be acknowledged whatever the result is: a task that failed is in the store. What the handler returns is logged; the error here
// is the store's, the context's, ErrNotSaved, or of the options.
//
// The handler's context is cancelled if ctx is, or if the claim is lost. If it fails then, that is no reason to wait: the claim is
// released at once. A handler is always waited for.
func (w *Worker) Perform(
	ctx context.Context, store Store, task *taskledgerv1.TaskEnvelope, options PerformOptions,
) (Result, error) {
	terms, err := options.resolved()
	if err != nil {
		return Failed, err
	}
	return w.perform(ctx, store, task, terms)
}

func (w *Worker) perform(
	ctx context.Context, store Store, task *taskledgerv1.TaskEnvelope, terms PerformOptions,
) (Result, error) {
	data, err := w.dataOf(ctx, task)
	if err != nil {
		return Failed, err
	}
	if data == nil {
		return PassedOver, nil
	}
	if err := ctx.Err(); err != nil {
		return Failed, err
	}
	// What was begun is ended, though the caller's context is cancelled: a claim that nobody ends keeps others away.
	lasting := context.WithoutCancel(ctx)
	attempt := &attempt{store: store, terms: terms, task: task, logger: w.logger.With("list", task.GetTaskList(), "id", task.GetId())}
	isClaimed, err := attempt.begin(lasting)
	switch {
	case err != nil:
		return Failed, err
	case !isClaimed:
		return PassedOver, nil
	}
	end, err := attempt.try(ctx, lasting, w.handlers[TypeOf(task)], data)
	if err == nil {
		attempt.end(lasting, end)
	}
	return end.result, err
}

// attempt is one at a task.
type attempt struct {
	store  Store
	terms  PerformOptions
	logger *slog.Logger
	task   *taskledgerv1.TaskEnvelope
	claim  Claim
	// heldUntil is how long the claim is held for sure: the lease is counted from before it was asked for, its last tenth as over.
	heldUntil time.Time
	// comesTooLate: the last attempt that is allowed came to no end.
	comesTooLate bool
}

// ending is what came of an attempt and, unless the task has been completed, after how long it may be claimed again.
type ending struct {
	result      Result
	isCompleted bool
	retryIn     time.Duration
}

var errNoEnd = Errorf(ErrTimeout, "its last attempt came to no end: the worker died, or was stopped")

// begin claims the task; false if another has it, or it was given up before.
func (a *attempt) begin(ctx context.Context) (bool, error) {
	before, err := a.claimsBefore(ctx)
	if err != nil || before != nil && a.wasLeftOpen(*before) {
		return false, err
	}
	asked := time.Now()
	claim, err := a.store.Claim(ctx, a.task, a.terms.Owner, a.terms.Lease)
	var failed *Error
	if errors.As(err, &failed) && failed.MayApply {
		a.logger.WarnContext(ctx, "whether the task is claimed now is unknown", "error", err)
		return false, nil
	}
	if err != nil || claim == nil {
		return false, err
	}
	a.claim = *claim
	a.noteHeld(asked)
	// A version that nobody has claimed yet is tried once at least.
	a.comesTooLate = before != nil && a.terms.hasTried(claim.Attempt-1)
	return true, nil
}

// claimsBefore is what is known of the claims to this very version, if that matters.
func (a *attempt) claimsBefore(ctx context.Context) (*ClaimState, error) {
	if a.terms.MaxAttempts == 0 {
		return nil, nil
	}
	state, err := a.store.ClaimState(ctx, a.task.GetTaskList(), a.task.GetId())
	if version, _ := VersionOf(a.task); state == nil || state.SavedAt != version {
		return nil, err
	}
	return state, err
}

// wasLeftOpen: it was given up, and there was no list for it to go to; nor is there now.
func (a *attempt) wasLeftOpen(before ClaimState) bool {
	switch {
	case a.deadLetterList() != "":
		return false
	case before.Owner == RedeliveryOwner: // it hides whether the last attempt failed or its worker died, which is still to be told
		return a.terms.hasTried(before.Attempt - 1)
	}
	return before.Owner == "" && !before.Until.After(time.Unix(0, 0)) && a.terms.hasTried(before.Attempt)
}

// deadLetterList is where the task goes if it is given up; a dead letter stays where it is.
func (a *attempt) deadLetterList() string {
	if a.terms.DeadLetterList == a.task.GetTaskList() {
		return ""
	}
	return a.terms.DeadLetterList
}

// try calls the handler, while the claim is renewed. The error is the store's, if what was done could not be completed: then the
// claim is left to expire. The task is completed even if the claim has been lost by now: it is done.
func (a *attempt) try(ctx, lasting context.Context, do handler, data proto.Message) (ending, error) {
	if a.comesTooLate {
		return a.giveUp(lasting, errNoEnd), nil
	}
	handling, stop := a.hold(ctx, lasting)
	defer stop()
	if err := callApart(handling, do, a.task, data); err != nil {
		return a.fail(lasting, err, handling.Err() != nil), nil
	}
	if err := a.store.Complete(lasting, a.task); err != nil {
		return ending{result: Failed}, err
	}
	return ending{result: Completed, isCompleted: true}, nil
}

// hold renews the claim until it is stopped. The context that it gives is cancelled when the claim has been lost.
func (a *attempt) hold(ctx, lasting context.Context) (handling context.Context, stop func()) {
	handling, lose := context.WithCancelCause(context.WithValue(ctx, claimKey{}, a.claim))
	renewing, end := context.WithCancel(lasting)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lose(a.renewUntilLost(renewing))
	}()
	return handling, func() {
		end()
		<-ended
	}
}

const renewalsALease = 3

// renewUntilLost renews the claim each third of its lease. The error says why it is lost; it is nil if the context ended first.
func (a *attempt) renewUntilLost(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(a.terms.Lease/renewalsALease, time.Until(a.heldUntil))):
		}
		asked := time.Now()
		if !asked.Before(a.heldUntil) {
			return Errorf(ErrClaimLost, "the claim could not be renewed before its lease ended")
		}
		if err := a.renew(ctx); errors.Is(err, ErrClaimLost) {
			a.logger.WarnContext(ctx, "the claim has been lost", "error", err)
			return err
		} else if err == nil {
			a.noteHeld(asked)
		} else if ctx.Err() == nil {
			a.logger.WarnContext(ctx, "the claim could not be renewed", "error", err)
		}
	}
}

// renew waits for the answer no longer than it is of use.
func (a *attempt) renew(ctx context.Context) error {
	ctx, cancel := context.WithDeadline(ctx, a.heldUntil)
	defer cancel()
	_, err := a.store.Renew(ctx, a.claim, a.terms.Lease)
	return err
}

func (a *attempt) noteHeld(asked time.Time) { a.heldUntil = asked.Add(a.terms.Lease / 10 * 9) }

// fail: the handler returned an error. What was interrupted may be tried again at once.
func (a *attempt) fail(ctx context.Context, err error, isInterrupted bool) ending {
	switch {
	case isInterrupted:
		a.logger.WarnContext(ctx, "task interrupted; it stays open", "error", readable(err))
		return ending{result: Failed, retryIn: a.leastWait()}
	case a.terms.hasTried(a.claim.Attempt):
		return a.giveUp(ctx, err)
	}
	return a.retryLater(ctx, err)
}

func (a *attempt) retryLater(ctx context.Context, err error) ending {
	wait := max(a.terms.waitAfter(a.claim.Attempt), a.leastWait())
	a.logger.ErrorContext(ctx, "task failed; it stays open", "attempt", a.claim.Attempt, "wait", wait, "error", readable(err))
	return ending{result: Failed, retryIn: wait}
}

// leastWait tells, however short, a task that is to be tried again from one that was given up and left open.
func (a *attempt) leastWait() time.Duration {
	if a.terms.hasTried(a.claim.Attempt) && a.deadLetterList() == "" {
		return time.Millisecond
	}
	return 0
}

func (a *attempt) giveUp(ctx context.Context, cause error) ending {
	end, err := a.putAside(ctx, cause)
	if err != nil {
		return a.retryLater(ctx, err)
	}
	if end.result == GivenUp {
		a.logger.ErrorContext(ctx, "task given up", "attempts", a.claim.Attempt, "error", readable(cause))
	}
	return end
}

// putAside saves the copy first: at no time is the task in neither list.
func (a *attempt) putAside(ctx context.Context, cause error) (ending, error) {
	list := a.deadLetterList()
	if list == "" {
		return ending{result: GivenUp}, nil
	}
	// As it is in the store: the handler may have saved it again, or completed it.
	found, err := a.store.Find(ctx, a.claim.TaskList, a.claim.ID)
	if version, _ := VersionOf(found); err != nil || version != a.claim.SavedAt {
		return ending{result: PassedOver}, err
	}
	// It is in the store already: what a copy has besides must not keep it from being given up.
	letter := &Task{Envelope: deadLetter(found, list, a.claim.Attempt, cause), Limit: math.MaxInt}
	if err := a.store.Save(ctx, letter); err != nil {
		return ending{}, err
	}
	return ending{result: GivenUp, isCompleted: true}, a.store.Complete(ctx, found)
}

// end ends the claim. One that can't be ended expires.
func (a *attempt) end(ctx context.Context, end ending) {
	var err error
	if end.isCompleted {
		err = a.store.Forget(ctx, a.claim)
	} else {
		err = a.store.Release(ctx, a.claim, end.retryIn)
	}
	if err != nil {
		a.logger.WarnContext(ctx, "the claim could not be ended; it expires", "error", err)
	}
}
