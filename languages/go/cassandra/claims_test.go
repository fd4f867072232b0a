package cassandra

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	taskledger "github.com/taskledger/taskledger/languages/go"
	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

// claimable has one open task, and the row of its claims.
type claimable struct {
	*fakeSession
	envelope *taskledgerv1.TaskEnvelope
	claim    row
	isGone   bool
}

func newClaimable(t *testing.T) *claimable {
	t.Helper()
	c := &claimable{fakeSession: newFake(), envelope: taskledger.WithVersion(newTask(t, "a").Envelope, start)}
	c.onRead = func(_ context.Context, query statement) ([]row, error) {
		switch {
		case strings.Contains(query.cql, ".claims ") && c.claim != nil:
			return []row{c.claim}, nil
		case strings.Contains(query.cql, ".tasks ") && !c.isGone:
			return []row{rowOf(t, "a", start)}, nil
		}
		return nil, nil
	}
	return c
}

func claimRowOf(owner string, token, ends, endsWritten int64) row {
	return row{"saved_at": start, "owner": owner, "fencing_token": token, "attempt": 2, "ends_at": ends, "ends_written": endsWritten}
}

func (c *claimable) tryClaim(t *testing.T, lease time.Duration) (*taskledger.Claim, error) {
	t.Helper()
	return openOn(t, c.fakeSession).Claim(context.Background(), c.envelope, "me", lease)
}

// conditions are what the last transaction had to find.
func (c *claimable) conditions() []any {
	values := c.transactions[len(c.transactions)-1].values
	return values[len(values)-2:]
}

func TestAClaimReplacesTheRowAsItWasRead(t *testing.T) {
	for _, each := range []struct {
		claim      row
		conditions []any
		attempt    int
	}{
		{nil, []any{nil, nil}, 1},
		{claimRowOf("", start, 0, 1), []any{start, int64(0)}, 3},
		{claimRowOf("", start, 1000, 1), []any{start, int64(1000)}, 3},
		// Renewals outlast the columns that only a claim writes.
		{row{"saved_at": int64(0), "owner": "", "fencing_token": int64(0), "attempt": 0, "ends_at": int64(0), "ends_written": int64(1)},
			[]any{nil, int64(0)}, 1},
		{row{"saved_at": int64(0), "owner": "", "fencing_token": int64(0), "attempt": 0, "ends_at": int64(0), "ends_written": int64(0)},
			[]any{nil, nil}, 1},
	} {
		c := newClaimable(t)
		c.claim = each.claim
		claim, err := c.tryClaim(t, time.Minute)
		must(t, err)
		until := time.UnixMilli(start / 1000).Add(time.Minute)
		if claim == nil || claim.Attempt != each.attempt || claim.Token < start || claim.Until != until {
			t.Errorf("%v: got %+v", each.claim, claim)
		}
		if !reflect.DeepEqual(c.conditions(), each.conditions) {
			t.Errorf("%v: replaced %v, want %v", each.claim, c.conditions(), each.conditions)
		}
	}
}

func TestATokenOfNoClockKeepsNobodyFromClaiming(t *testing.T) {
	for _, token := range []int64{taskledger.MaxVersion + 1, math.MaxInt64} {
		c := newClaimable(t)
		c.claim = claimRowOf("", token, 0, 1)
		claim, err := c.tryClaim(t, time.Minute)
		if err != nil || claim == nil || claim.Token < start || claim.Token > start+1_000_000 {
			t.Errorf("got %+v, %v", claim, err)
		}
	}
}

func TestAClaimIsTriedAgainWhereTheRowHasChangedMeanwhile(t *testing.T) {
	c := newClaimable(t)
	answers := []bool{false, false, true}
	c.onTransact = func() (bool, row, error) {
		answer := answers[0]
		answers = answers[1:]
		return answer, nil, nil
	}
	if claim, err := c.tryClaim(t, time.Minute); claim == nil || err != nil {
		t.Errorf("got %v, %v", claim, err)
	}
	c.transactions, c.onTransact = nil, func() (bool, row, error) { return false, nil, nil }
	if claim, err := c.tryClaim(t, time.Minute); claim != nil || err != nil || len(c.transactions) != claimAttempts {
		t.Errorf("got %v, %v, after %d transactions", claim, err, len(c.transactions))
	}
}

func TestAClaimToATaskThatIsCompletedMeanwhileIsTakenBack(t *testing.T) {
	for _, before := range []row{nil, claimRowOf("", start-1, 7, 1)} {
		c := newClaimable(t)
		c.claim = before
		c.onTransact = func() (bool, row, error) {
			c.isGone = true
			return true, nil, nil
		}
		claim, err := c.tryClaim(t, time.Minute)
		if claim != nil || err != nil || len(c.transactions) != 2 {
			t.Fatalf("got %v, %v, after %d transactions", claim, err, len(c.transactions))
		}
		granted, restored := c.transactions[0].values, c.transactions[1].values
		want := []any{nil, nil, nil, nil, nil}
		if before != nil {
			want = []any{start, nil, start - 1, 2, int64(7)}
		}
		if !reflect.DeepEqual(restored[1:6], want) || !reflect.DeepEqual(c.conditions(), []any{granted[3], granted[5]}) {
			t.Errorf("restored %v", restored)
		}
	}
}

func TestWhatIsNotOpenIsNotClaimed(t *testing.T) {
	c := newClaimable(t)
	c.isGone = true
	if claim, err := c.tryClaim(t, time.Minute); claim != nil || err != nil || len(c.transactions) > 0 {
		t.Errorf("got %v, %v", claim, err)
	}
}

func TestATransactionOfUnknownOutcomeIsRepeatedOnlyIfThatDoesTheSame(t *testing.T) {
	ctx := context.Background()
	held := taskledger.Claim{TaskList: "datto.com", ID: "a", SavedAt: start, Owner: "me", Token: start, Attempt: 1}
	for name, each := range map[string]struct {
		isRepeated bool
		call       func(*claimable, *Store) error
	}{
		"claim": {false, func(c *claimable, s *Store) error {
			_, err := s.Claim(ctx, c.envelope, "", time.Minute)
			return err
		}},
		"renew":   {true, func(_ *claimable, s *Store) error { _, err := s.Renew(ctx, held, time.Minute); return err }},
		"release": {true, func(_ *claimable, s *Store) error { return s.Release(ctx, held, time.Minute) }},
		"forget":  {true, func(_ *claimable, s *Store) error { return s.Forget(ctx, held) }},
	} {
		for _, failure := range []error{context.DeadlineExceeded, requestError{gocql.ErrCodeCASWriteUnknown, "unknown"}} {
			c := newClaimable(t)
			c.onTransact = func() (bool, row, error) {
				if len(c.transactions) == 1 {
					return false, nil, failure
				}
				return true, nil, nil
			}
			err := each.call(c, openOn(t, c.fakeSession))
			if each.isRepeated && (err != nil || len(c.transactions) != 2) {
				t.Errorf("%s: got %v, after %d transactions", name, err, len(c.transactions))
			}
			if !each.isRepeated {
				expectFailure(t, err, taskledger.ErrTimeout, true)
				if len(c.transactions) != 1 {
					t.Errorf("%s: sent %d transactions", name, len(c.transactions))
				}
			}
		}
	}
}

func TestAClaimThatWasCertainlyNotAppliedIsSentAgain(t *testing.T) {
	c := newClaimable(t)
	c.onTransact = func() (bool, row, error) {
		if len(c.transactions) == 1 {
			return false, nil, requestError{gocql.ErrCodeUnavailable, "one replica is down"}
		}
		return true, nil, nil
	}
	if claim, err := c.tryClaim(t, time.Minute); claim == nil || err != nil || len(c.transactions) != 2 {
		t.Errorf("got %v, %v, after %d transactions", claim, err, len(c.transactions))
	}
}

func TestARenewalTellsThatTheClaimIsLostOrEndsLaterAlready(t *testing.T) {
	held := taskledger.Claim{TaskList: "datto.com", ID: "a", SavedAt: start, Owner: "me", Token: start, Attempt: 1}
	for _, each := range []struct {
		found row
		until int64
	}{
		{row{"fencing_token": int64(0), "owner": "", "ends_at": int64(0)}, 0},
		{row{"fencing_token": start, "owner": "", "ends_at": int64(0)}, 0},
		{row{"fencing_token": start + 1, "owner": "another", "ends_at": start}, 0},
		{row{"fencing_token": start, "owner": "me", "ends_at": start}, start},
	} {
		c := newClaimable(t)
		c.onTransact = func() (bool, row, error) { return false, each.found, nil }
		renewed, err := openOn(t, c.fakeSession).Renew(context.Background(), held, time.Minute)
		if each.until == 0 {
			expectFailure(t, err, taskledger.ErrClaimLost, false)
		} else if err != nil || renewed.Until.UnixMilli() != each.until {
			t.Errorf("got %+v, %v", renewed, err)
		}
	}
}

func TestNothingIsClaimedOrRenewedByAClockThatIsOff(t *testing.T) {
	c := newClaimable(t)
	store := openOn(t, c.fakeSession)
	store.guard.readServerClock = func(context.Context) (int64, error) { return start + 5_000_000, nil }
	_, err := store.Claim(context.Background(), c.envelope, "me", time.Minute)
	expectFailure(t, err, taskledger.ErrClockSkew, false)
	_, err = store.Renew(context.Background(), taskledger.Claim{}, time.Minute)
	expectFailure(t, err, taskledger.ErrClockSkew, false)
}

func TestClaimsThatMakeNoSenseAreRefused(t *testing.T) {
	c := newClaimable(t)
	store := openOn(t, c.fakeSession)
	for _, owner := range []string{taskledger.RedeliveryOwner, strings.Repeat("o", maxOwnerLength+1), "\xff"} {
		_, err := store.Claim(context.Background(), c.envelope, owner, time.Minute)
		expectFailure(t, err, taskledger.ErrInvalidArgument, false)
	}
	_, err := c.tryClaim(t, taskledger.MinLease-1)
	expectFailure(t, err, taskledger.ErrInvalidArgument, false)
	_, err = store.Renew(context.Background(), taskledger.Claim{}, 0)
	expectFailure(t, err, taskledger.ErrInvalidArgument, false)
	_, err = store.Claim(context.Background(), newTask(t, "a").Envelope, "me", time.Minute)
	expectFailure(t, err, taskledger.ErrNotSaved, false)
	if len(c.transactions) > 0 {
		t.Errorf("sent %v", c.transactions)
	}
}

func TestAClaimWithoutAnOwnerHasANewOne(t *testing.T) {
	c := newClaimable(t)
	store := openOn(t, c.fakeSession)
	var owners []string
	for range 2 {
		claim, err := store.Claim(context.Background(), c.envelope, "", time.Minute)
		must(t, err)
		owners = append(owners, claim.Owner)
	}
	if slices.Contains(owners, "") || owners[0] == owners[1] {
		t.Errorf("got %v", owners)
	}
}

func TestWhatIsRememberedOfClaimsIsRead(t *testing.T) {
	c := newClaimable(t)
	store := openOn(t, c.fakeSession)
	if state, err := store.ClaimState(context.Background(), "datto.com", "a"); state != nil || err != nil {
		t.Errorf("got %v, %v", state, err)
	}
	c.claim = claimRowOf("me", start, 5000, 1)
	state, err := store.ClaimState(context.Background(), "datto.com", "a")
	must(t, err)
	want := taskledger.ClaimState{SavedAt: start, Owner: "me", Token: start, Attempt: 2, Until: time.UnixMilli(5000)}
	if *state != want {
		t.Errorf("got %+v", state)
	}
	failure := errors.New("two replicas are down")
	c.onRead = func(context.Context, statement) ([]row, error) { return nil, failure }
	if _, err := store.ClaimState(context.Background(), "datto.com", "a"); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
}
