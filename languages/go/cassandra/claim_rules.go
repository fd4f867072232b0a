package cassandra

import (
	"time"
	"unicode/utf8"

	taskledger "github.com/taskledger/taskledger/languages/go"
)

// The rules by which every client judges claims; docs/protocol.md has them.

const (
	maxOwnerLength = 512
	// tokenAllowance is how far ahead of every host's clock a right clock may make tokens.
	tokenAllowance = 5 * time.Second
)

// never is the end of a wait that has none, as after a completion: the last moment that a JavaScript Date knows.
var never = time.UnixMilli(8_640_000_000_000_000)

type claimRequest struct {
	taskList, id string
	savedAt      int64
	owner        string
	lease        time.Duration
}

func (r claimRequest) check() error {
	if length := utf8.RuneCountInString(r.owner); length < 1 || length > maxOwnerLength || !utf8.ValidString(r.owner) {
		return taskledger.Errorf(taskledger.ErrInvalidArgument, "owner must be a name of 1 to %d characters", maxOwnerLength)
	}
	if r.owner == taskledger.RedeliveryOwner {
		return taskledger.Errorf(taskledger.ErrInvalidArgument, "owner must not be %s, which stands for a mark of redeliver", r.owner)
	}
	return checkLease(r.lease)
}

func checkLease(lease time.Duration) error {
	if lease < taskledger.MinLease {
		return taskledger.Errorf(taskledger.ErrInvalidArgument, "lease must be at least %v, and is %v", taskledger.MinLease, lease)
	}
	return nil
}

// isClaimed tells whether a task may not be claimed. The tolerance is how far the clocks of two hosts may be apart. A mark stands
// only in the way of another mark, and this package sets none.
func isClaimed(state taskledger.ClaimState, request claimRequest, now time.Time, tolerance time.Duration) bool {
	if state.Owner == taskledger.RedeliveryOwner {
		return false
	}
	isHeld := state.Owner != "" && now.Before(state.Until.Add(tolerance))
	switch {
	case state.SavedAt != request.savedAt:
		return isHeld && state.SavedAt > request.savedAt
	case state.Owner == "":
		return now.Before(state.Until) && !isOfWrongClock(state, now, tolerance)
	}
	return isHeld && state.Owner != request.owner
}

// isOfWrongClock tells whether a wait was noted by a clock that was wrong, or that has been set back since. The same clock made
// the token just before; a wait that ends well before the token's time was noted after the clock had been set back, since tokens
// never go back, and holds. Of a lease that is never said: its holder may be at work.
func isOfWrongClock(state taskledger.ClaimState, now time.Time, tolerance time.Duration) bool {
	margin := 2*tolerance + tokenAllowance
	claimedAt := time.UnixMilli(state.Token / 1000)
	return claimedAt.After(now.Add(margin)) && claimedAt.Add(-margin).Before(state.Until) && state.Until.Before(never)
}

func endOfLease(lease time.Duration, now time.Time) time.Time {
	return time.UnixMilli(now.Add(lease).UnixMilli())
}

// endOfWait: at once means at once, whatever another host's clock says.
func endOfWait(retryIn time.Duration, now time.Time) time.Time {
	if retryIn <= 0 {
		return time.UnixMilli(0)
	}
	return time.UnixMilli(now.Add(retryIn + time.Millisecond - 1).UnixMilli())
}

func lost(claim taskledger.Claim) error {
	return taskledger.Errorf(taskledger.ErrClaimLost, "%s has lost its claim to task %q of %q", claim.Owner, claim.ID, claim.TaskList)
}
