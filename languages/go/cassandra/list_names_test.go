package cassandra

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	taskledger "github.com/taskledger/taskledger/languages/go"
	examplev1 "github.com/taskledger/taskledger/languages/go/internal/gen/example/v1"
)

func saveTo(t *testing.T, store *Store, list, id string) {
	t.Helper()
	envelope, err := taskledger.NewEnvelope(list, id, &examplev1.FetchFile{})
	must(t, err)
	must(t, store.Save(context.Background(), &taskledger.Task{Envelope: envelope}))
}

func expectNoted(t *testing.T, session *fakeSession, want ...[]any) {
	t.Helper()
	if !reflect.DeepEqual(session.noted, want) {
		t.Errorf("noted %v, want %v", session.noted, want)
	}
}

func TestAListIsNotedByTheFirstSaveAndAgainAfterAnHour(t *testing.T) {
	session := newFake()
	store := openOn(t, session)
	saveTo(t, store, "file1.txt", "a")
	*session.now += notedFor - 1
	saveTo(t, store, "file1.txt", "b")
	bucket := 13541 % 16 // as docs/protocol.md works it out
	expectNoted(t, session, []any{bucket, "file1.txt", start, start})
	*session.now++
	saveTo(t, store, "file1.txt", "c")
	expectNoted(t, session, []any{bucket, "file1.txt", start, start}, []any{bucket, "file1.txt", start + notedFor, start + notedFor})
}

func TestAListIsNotedAgainByAClockThatWasSetBack(t *testing.T) {
	session := newFake()
	store := openOn(t, session)
	saveTo(t, store, "datto.com", "a")
	*session.now -= 1000
	saveTo(t, store, "datto.com", "b")
	if len(session.noted) != 2 || session.noted[1][2] != start-1000 {
		t.Errorf("noted %v", session.noted)
	}
}

func TestEachListIsNotedByItself(t *testing.T) {
	session := newFake()
	store := openOn(t, session)
	for _, list := range []string{"a.com", "b.com", "a.com", "b.com"} {
		saveTo(t, store, list, "a")
	}
	expectNoted(t, session,
		[]any{ShardOf("a.com", 16), "a.com", start, start}, []any{ShardOf("b.com", 16), "b.com", start, start})
}

func TestANoteThatIsNotAnsweredIsSentAgainAsItWas(t *testing.T) {
	session := newFake()
	session.noteAnswers = []error{context.DeadlineExceeded}
	saveTo(t, openOn(t, session), "datto.com", "a")
	if len(session.noted) != 2 || !reflect.DeepEqual(session.noted[0], session.noted[1]) {
		t.Errorf("noted %v", session.noted)
	}
}

func TestASaveWhoseListCanNotBeNotedMayBeApplied(t *testing.T) {
	for _, each := range []struct {
		failure error
		code    taskledger.Code
	}{
		{requestError{gocql.ErrCodeUnavailable, "one replica is down"}, taskledger.ErrUnavailable},
		{requestError{gocql.ErrCodeInvalid, "unconfigured table lists"}, taskledger.ErrSchemaMismatch},
		{gocql.ErrSessionClosed, taskledger.ErrClosed},
		{context.DeadlineExceeded, taskledger.ErrTimeout},
	} {
		session, task := newFake(), newTask(t, "a")
		store := openOn(t, session)
		task.Envelope, task.Replaced = taskledger.WithVersion(task.Envelope, start-2), []int64{start - 3}
		session.noteAnswers = slices.Repeat([]error{each.failure}, 1000)
		err := store.Save(context.Background(), task)
		expectFailure(t, err, each.code, true)
		if !strings.Contains(err.Error(), "its list could not be noted") || !errors.Is(err, each.failure) {
			t.Errorf("got %v", err)
		}
		// What it replaces is kept until a save is sure.
		if versionOf(task) != start || !slices.Equal(task.Replaced, []int64{start - 2, start - 3}) || len(session.applied) != 1 {
			t.Errorf("it is at %d, and replaced %v; sent %v", versionOf(task), task.Replaced, session.applied)
		}
		session.noteAnswers, session.noted = nil, nil
		must(t, store.Save(context.Background(), task))
		if len(session.noted) != 1 || task.Replaced != nil {
			t.Errorf("noted %v, and replaced %v", session.noted, task.Replaced)
		}
	}
}

func TestNoListIsNotedForASaveThatFailed(t *testing.T) {
	session := newFake()
	store := openOn(t, session)
	session.answers = []error{requestError{gocql.ErrCodeInvalid, "Mutation is too large"}}
	expectFailure(t, store.Save(context.Background(), newTask(t, "a")), taskledger.ErrTooLarge, false)
	expectNoted(t, session)
}

func TestSoManyListsAreKnownAndThenAllAreNotedAnew(t *testing.T) {
	written := 0
	lists := &listNames{
		now:   func() int64 { return start },
		write: func(context.Context, string, int64) error { written++; return nil },
	}
	note := func(from, to int) {
		for i := from; i < to; i++ {
			must(t, lists.note(context.Background(), fmt.Sprint(i)))
		}
	}
	note(0, maxKnownLists)
	note(0, maxKnownLists)
	if written != maxKnownLists {
		t.Errorf("noted %d", written)
	}
	note(maxKnownLists, maxKnownLists+1)
	note(0, 1)
	if written != maxKnownLists+2 || len(lists.notedAt) != 2 {
		t.Errorf("noted %d, and knows %d", written, len(lists.notedAt))
	}
}

func TestListsMayBeNotedByManyAtOnce(t *testing.T) {
	session := newFake()
	store := openOn(t, session)
	var running sync.WaitGroup
	for i := range 8 {
		running.Add(1)
		go func() {
			defer running.Done()
			for j := range 20 {
				saveTo(t, store, fmt.Sprint("list ", j%5), fmt.Sprint(i, " ", j))
			}
		}()
	}
	running.Wait()
	names := map[any]bool{}
	for _, each := range session.noted {
		names[each[1]] = true
	}
	if len(names) != 5 || len(session.noted) > 8*5 {
		t.Errorf("noted %v", session.noted)
	}
}
