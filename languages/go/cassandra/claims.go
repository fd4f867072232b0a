package cassandra

import (
	"context"
	"time"

	taskledger "github.com/taskledger/taskledger/languages/go"
	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

// Claims are rows that only lightweight transactions change, so that of several at once one succeeds.

// claimAttempts is how often a claim is tried whose row another changes meanwhile.
const claimAttempts = 3

// How long the row of a claim is kept, in seconds.
const (
	claimTTL     = 30 * 24 * 3600
	completedTTL = 24 * 3600
)

// claimRow is what is remembered of a task's claims. The next transaction must find its token and its end, nil for null.
type claimRow struct {
	state       *taskledger.ClaimState
	token, ends any
}

// Claim claims the envelope's version for a time, for an owner, a new one if that is empty; nil if another has it, or it is not
// open any more. It tries again if the row has changed meanwhile: by a release, for one, which is in nobody's way.
func (s *Store) Claim(
	ctx context.Context, envelope *taskledgerv1.TaskEnvelope, owner string, lease time.Duration,
) (*taskledger.Claim, error) {
	version, err := taskledger.SavedVersion(envelope)
	if err != nil {
		return nil, err
	}
	request := claimRequest{envelope.GetTaskList(), envelope.GetId(), version, owner, lease}
	if owner == "" {
		request.owner = taskledger.NewOwner()
	}
	if err := request.check(); err != nil {
		return nil, err
	}
	for range claimAttempts {
		claim, isSettled, err := s.claimOnce(ctx, request)
		if err != nil || isSettled {
			return claim, err
		}
	}
	return nil, nil
}

// claimOnce is not settled if the row has changed meanwhile.
func (s *Store) claimOnce(ctx context.Context, request claimRequest) (claim *taskledger.Claim, isSettled bool, err error) {
	if err := s.guard.check(ctx); err != nil {
		return nil, false, err
	}
	before, err := s.readClaim(ctx, request.taskList, request.id)
	if err != nil {
		return nil, false, err
	}
	// Before, so that no claim to a version that is gone stands in the way of one to a version that is open.
	if isOpen, err := s.isOpen(ctx, request); err != nil || !isOpen {
		return nil, true, err
	}
	state, err := s.grant(before.state, request)
	if err != nil || state == nil {
		return nil, true, err
	}
	if wasApplied, err := s.putClaim(ctx, request, state, before); err != nil || !wasApplied {
		return nil, false, err
	}
	// After, since it may have been completed before this claim was granted.
	if isOpen, err := s.isOpen(ctx, request); err != nil || !isOpen {
		s.takeBack(ctx, request, before.state, state)
		return nil, true, err
	}
	granted := taskledger.Claim{TaskList: request.taskList, ID: request.id, SavedAt: state.SavedAt, Owner: state.Owner,
		Token: state.Token, Attempt: state.Attempt, Until: state.Until}
	return &granted, true, nil
}

// grant gives the state after a request is granted; nil if it may not be.
func (s *Store) grant(before *taskledger.ClaimState, request claimRequest) (*taskledger.ClaimState, error) {
	now, tolerance := s.now(), 2*time.Duration(s.clock.Limit())*time.Microsecond
	var previous taskledger.ClaimState
	if before != nil {
		previous = *before
		if isClaimed(previous, request, now, tolerance) {
			return nil, nil
		}
	}
	after := previous.Token
	if after > taskledger.MaxVersion {
		after = 0 // it is damaged; one after it would be, too
	}
	token, err := s.clock.Next(after)
	return &taskledger.ClaimState{SavedAt: request.savedAt, Owner: request.owner, Token: token, Attempt: previous.Attempt + 1,
		Until: endOfLease(request.lease, now)}, err
}

// Renew makes the lease last from now. The error is ErrClaimLost if the claim was released, or the task is another's by now.
func (s *Store) Renew(ctx context.Context, claim taskledger.Claim, lease time.Duration) (taskledger.Claim, error) {
	if err := checkLease(lease); err != nil {
		return claim, err
	}
	if err := s.guard.check(ctx); err != nil {
		return claim, err
	}
	until := endOfLease(lease, s.now())
	ends := until.UnixMilli()
	wasApplied, found, err := s.session.transact(ctx, true, s.cql(
		"UPDATE %s.claims USING TTL ? SET ends_at = ? WHERE task_list = ? AND id = ? "+
			"IF fencing_token = ? AND owner != null AND ends_at < ?",
		claimTTL, ends, claim.TaskList, claim.ID, claim.Token, ends))
	switch {
	case err != nil:
		return claim, err
	case wasApplied:
		claim.Until = until
	case text(found["owner"]) == "" || found["fencing_token"] != claim.Token:
		return claim, lost(claim)
	default: // another renewal made it end later
		later, _ := found["ends_at"].(int64)
		claim.Until = time.UnixMilli(later)
	}
	return claim, nil
}

// Release ends a claim; the task may be claimed again after so long.
func (s *Store) Release(ctx context.Context, claim taskledger.Claim, retryIn time.Duration) error {
	_, _, err := s.session.transact(ctx, true, s.cql(
		"UPDATE %s.claims USING TTL ? SET owner = null, ends_at = ? WHERE task_list = ? AND id = ? "+
			"IF fencing_token = ? AND owner != null",
		claimTTL, endOfWait(retryIn, s.now()).UnixMilli(), claim.TaskList, claim.ID, claim.Token))
	return err
}

// Forget ends the claim of a task that has been completed under it.
func (s *Store) Forget(ctx context.Context, claim taskledger.Claim) error {
	_, _, err := s.session.transact(ctx, true, s.cql(
		"UPDATE %s.claims USING TTL ? SET owner = null, fencing_token = ?, attempt = 0, ends_at = ? WHERE task_list = ? AND id = ? "+
			"IF fencing_token = ? AND owner != null",
		completedTTL, claim.Token, never.UnixMilli(), claim.TaskList, claim.ID, claim.Token))
	return err
}

// ClaimState is what is remembered of the claims to a task, as it was some moment ago; nil if nothing is.
func (s *Store) ClaimState(ctx context.Context, taskList, id string) (*taskledger.ClaimState, error) {
	row, err := s.readClaim(ctx, taskList, id)
	return row.state, err
}

func (s *Store) readClaim(ctx context.Context, taskList, id string) (claimRow, error) {
	// An end of 0 is not null, and the driver tells neither from the other: what was never written has no time of writing.
	rows, err := s.session.read(ctx, s.cql(
		"SELECT saved_at, owner, fencing_token, attempt, ends_at, WRITETIME(ends_at) AS ends_written FROM %s.claims "+
			"WHERE task_list = ? AND id = ?", taskList, id))
	if err != nil || len(rows) == 0 {
		return claimRow{}, err
	}
	found, ends := claimRow{}, rows[0]["ends_at"].(int64)
	if rows[0]["ends_written"].(int64) != 0 {
		found.ends = ends
	}
	if token := rows[0]["fencing_token"].(int64); token != 0 {
		found.token = token
		found.state = &taskledger.ClaimState{
			SavedAt: rows[0]["saved_at"].(int64),
			Owner:   text(rows[0]["owner"]),
			Token:   token,
			Attempt: number(rows[0]["attempt"]),
			Until:   time.UnixMilli(ends),
		}
	}
	return found, nil
}

// putClaim writes a state, nil for none, in the place of a row as it was read.
func (s *Store) putClaim(
	ctx context.Context, request claimRequest, state *taskledger.ClaimState, before claimRow,
) (wasApplied bool, err error) {
	values := []any{claimTTL, nil, nil, nil, nil, nil}
	if state != nil {
		var owner any
		if state.Owner != "" {
			owner = state.Owner
		}
		values = []any{claimTTL, state.SavedAt, owner, state.Token, state.Attempt, state.Until.UnixMilli()}
	}
	wasApplied, _, err = s.session.transact(ctx, false, s.cql(
		"UPDATE %s.claims USING TTL ? SET saved_at = ?, owner = ?, fencing_token = ?, attempt = ?, ends_at = ? "+
			"WHERE task_list = ? AND id = ? IF fencing_token = ? AND ends_at = ?",
		append(values, request.taskList, request.id, before.token, before.ends)...))
	return wasApplied, err
}

// takeBack makes the row as if the claim had not been. If it fails, the claim expires.
func (s *Store) takeBack(ctx context.Context, request claimRequest, before, state *taskledger.ClaimState) {
	_, _ = s.putClaim(ctx, request, before, claimRow{token: state.Token, ends: state.Until.UnixMilli()})
}

func (s *Store) isOpen(ctx context.Context, request claimRequest) (bool, error) {
	envelope, err := s.Find(ctx, request.taskList, request.id)
	version, isSaved := taskledger.VersionOf(envelope)
	return isSaved && version == request.savedAt, err
}

// now is the host's clock in whole milliseconds.
func (s *Store) now() time.Time { return time.UnixMilli(s.clock.Now() / 1000) }
