package taskledger

import (
	"context"
	"iter"
	"time"

	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

// Task is a task that is to be saved, and the versions that saves of unknown outcome may have left behind it.
type Task struct {
	Envelope *taskledgerv1.TaskEnvelope
	Replaced []int64
	// Limit is how many bytes the envelope may have; zero is MaxTaskBytes.
	Limit int
}

// ListOptions of OpenTasks.
type ListOptions struct {
	// OlderThan leaves out what was saved less long ago, but for tasks that a wrong clock saved, which may be of any age.
	OlderThan time.Duration
}

// Completer completes tasks: all that a Worker needs to do those that it is handed.
type Completer interface {
	// Complete removes the version that the envelope has, and older ones, never a later one. The error is ErrNotSaved for one
	// without a version.
	Complete(context.Context, *taskledgerv1.TaskEnvelope) error
}

// Store keeps tasks until they are completed. It is safe for concurrent use.
type Store interface {
	Completer
	// Save saves a task durably; its envelope then has the version. An open task of the same list and id is replaced. If the
	// error may have been applied, the task has the version that it may have been saved as.
	Save(context.Context, *Task) error
	// Find gives the open task with this id; nil if there is none.
	Find(ctx context.Context, taskList, id string) (*taskledgerv1.TaskEnvelope, error)
	// OpenTasks are the open tasks of a list, oldest first, read as they are asked for, at most 500 and 4 MiB at once. One whose
	// stored bytes are damaged comes as a DamagedTask. An error ends them.
	OpenTasks(ctx context.Context, taskList string, options ListOptions) iter.Seq2[*taskledgerv1.TaskEnvelope, error]

	// Claim claims the envelope's version for the time of a lease, for an owner, a new one if that is empty; nil if another has
	// it, or it is not open any more. An error counts as not granted; if it may have been applied, the claim expires.
	Claim(ctx context.Context, envelope *taskledgerv1.TaskEnvelope, owner string, lease time.Duration) (*Claim, error)
	// Renew makes the lease last from now. The error is ErrClaimLost if the claim was released, or the task is another's by now.
	Renew(ctx context.Context, claim Claim, lease time.Duration) (Claim, error)
	// Release ends a claim; the task may be claimed again after so long.
	Release(ctx context.Context, claim Claim, retryIn time.Duration) error
	// Forget ends the claim of a task that has been completed under it.
	Forget(ctx context.Context, claim Claim) error
	// ClaimState is what is remembered of the claims to a task, as it was some moment ago; nil if nothing is.
	ClaimState(ctx context.Context, taskList, id string) (*ClaimState, error)
}
