package taskledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"
)

// MinLease is the shortest lease that a claim may have.
const MinLease = 10 * time.Millisecond

// RedeliveryOwner is the owner of a mark: of a note that a task was handed to a queue again, and not of a claim to the work.
const RedeliveryOwner = "taskledger.redelivery"

// Claim is a worker's right to a version of a task for a time; docs/recovery.md says what it guarantees, and what not.
type Claim struct {
	TaskList, ID string
	// SavedAt is the version.
	SavedAt int64
	Owner   string
	// Token grows with every claim to the task: give it to what you write to, and let that refuse smaller ones.
	Token int64
	// Attempt is which attempt at the task this is, from 1.
	Attempt int
	// Until is when the lease ends, in whole milliseconds.
	Until time.Time
}

// ClaimState is what a store remembers of the claims to a task.
type ClaimState struct {
	// SavedAt is the version that was claimed last; 0 if none was.
	SavedAt int64
	// Owner is empty since the claim was released.
	Owner string
	Token int64
	// Attempt is how often the task has been claimed.
	Attempt int
	// Until is when the lease ends or, after a release, when the task may be claimed again.
	Until time.Time
}

// ClaimOf gives the claim under which a handler runs, of the handler's context; false if it runs under none.
func ClaimOf(ctx context.Context) (Claim, bool) {
	claim, isClaimed := ctx.Value(claimKey{}).(Claim)
	return claim, isClaimed
}

type claimKey struct{}

// NewOwner is the name of an owner that nobody else has.
func NewOwner() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s:%d:%s", host, os.Getpid(), rand.Text())
}
