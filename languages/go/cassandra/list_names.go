package cassandra

import (
	"context"
	"errors"
	"sync"
	"time"

	taskledger "github.com/taskledger/taskledger/languages/go"
)

const (
	// listBuckets is how many partitions the names of lists are spread over. All clients must have the same.
	listBuckets = 16
	// notedFor is how long a list that was noted need not be noted again, in microseconds.
	notedFor = int64(time.Hour / time.Microsecond)
	// maxKnownLists are kept in memory; of more, all are forgotten, and noted anew.
	maxKnownLists = 100_000
)

// listNames notes the lists that this process saves to, each at most once an hour: by that table, others find them.
type listNames struct {
	now func() int64
	// write notes a list, at a time in microseconds.
	write   func(ctx context.Context, list string, at int64) error
	mutex   sync.Mutex
	notedAt map[string]int64
}

// note comes after a task was saved. If it fails, the task is there, and may not be found by who does not know its list: the
// outcome of the save is unknown.
func (n *listNames) note(ctx context.Context, list string) error {
	at := n.now()
	if n.isNoted(list, at) {
		return nil
	}
	err := n.write(ctx, list, at)
	var failed *taskledger.Error
	if errors.As(err, &failed) {
		reason := "the task was saved, but its list could not be noted: " + failed.Reason
		return &taskledger.Error{Code: failed.Code, MayApply: true, Reason: reason, Cause: err}
	}
	if err == nil {
		n.remember(list, at)
	}
	return err
}

func (n *listNames) isNoted(list string, now int64) bool {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	at, isKnown := n.notedAt[list]
	return isKnown && at <= now && now-at < notedFor
}

func (n *listNames) remember(list string, at int64) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.notedAt == nil || len(n.notedAt) >= maxKnownLists {
		n.notedAt = map[string]int64{}
	}
	n.notedAt[list] = at
}
