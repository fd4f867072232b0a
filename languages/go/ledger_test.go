package worker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	examplev1 "taskledger.example/worker/gen/example/v1"
	taskledgerv1 "taskledger.example/worker/gen/taskledger/v1"
)

// fakeSession answers reads of settings, and batches as it is told to; its clock is the host's.
type fakeSession struct {
	now     *int64
	margin  string
	answers []error
	applied [][]Statement
	onApply func()
	onRead  func(Statement) []Row
}

func (f *fakeSession) Apply(_ context.Context, statements []Statement) error {
	f.applied = append(f.applied, statements)
	if f.onApply != nil {
		f.onApply()
	}
	if len(f.answers) == 0 {
		return nil
	}
	answer := f.answers[0]
	f.answers = f.answers[1:]
	return answer
}

func (f *fakeSession) Read(_ context.Context, statement Statement) ([]Row, error) {
	switch {
	case strings.Contains(statement.CQL, "settings"):
		return []Row{
			{"name": "layout", "value": "1"},
			{"name": "shards", "value": "8"},
			{"name": "data_center", "value": "dc1"},
			{"name": "margin", "value": f.margin},
		}, nil
	case strings.Contains(statement.CQL, "toUnixTimestamp"):
		return []Row{{"now": *f.now / 1000}}, nil
	}
	if f.onRead != nil {
		return f.onRead(statement), nil
	}
	return nil, nil
}

const (
	start  = int64(1_767_323_046_000_000)
	margin = int64(30_000_000)
)

// open opens a ledger of that margin, whose clock stands where now points to.
func open(t *testing.T, session *fakeSession, now *int64) *Ledger {
	t.Helper()
	session.margin = strconv.FormatInt(margin/1000, 10)
	ledger, err := tryOpen(session, now)
	must(t, err)
	return ledger
}

func tryOpen(session *fakeSession, now *int64) (*Ledger, error) {
	session.now = now
	clock := &VersionClock{Now: func() int64 { return *now }, Limit: 1_000_000}
	options := Options{Clock: clock, Deadline: 200 * time.Millisecond}
	connect := func(gocql.Consistency) Session { return session }
	return OpenLedgerOn(context.Background(), connect, "tasks", "dc1", options)
}

func TestWhatIsNotAnsweredIsSentAgainAsItWas(t *testing.T) {
	now := start
	session := &fakeSession{answers: []error{context.DeadlineExceeded, errors.New("connection reset")}}
	held := &Task{Envelope: task(t, "a", &examplev1.FetchFile{})}
	must(t, open(t, session, &now).Save(context.Background(), held))
	if len(session.applied) != 3 || !reflect.DeepEqual(session.applied[0], session.applied[2]) {
		t.Errorf("sent %v", session.applied)
	}
	if version, _ := VersionOf(held.Envelope); version != start {
		t.Errorf("saved at %d", version)
	}
}

func TestASaveThatIsNeverAnsweredMayBeApplied(t *testing.T) {
	now := start
	session := &fakeSession{}
	ledger := open(t, session, &now)
	held := &Task{Envelope: task(t, "a", &examplev1.FetchFile{})}
	must(t, ledger.Save(context.Background(), held))
	for range 1000 {
		session.answers = append(session.answers, context.DeadlineExceeded)
	}
	now++
	var failed *Error
	if err := ledger.Save(context.Background(), held); !errors.As(err, &failed) || !failed.MayApply || failed.Code != "TIMEOUT" {
		t.Errorf("got %v", err)
	}
	version, _ := VersionOf(held.Envelope)
	if version != start+1 || !reflect.DeepEqual(held.Replaced, []int64{start}) {
		t.Errorf("it is at %d, and replaced %v", version, held.Replaced)
	}
}

func TestWhatIsRefusedIsNotApplied(t *testing.T) {
	now := start
	session := &fakeSession{answers: []error{&Error{Code: "TOO_LARGE"}}}
	held := &Task{Envelope: task(t, "a", &examplev1.FetchFile{})}
	if err := open(t, session, &now).Save(context.Background(), held); codeOf(err) != "TOO_LARGE" {
		t.Errorf("got %v", err)
	}
	if _, saved := VersionOf(held.Envelope); saved || len(session.applied) != 1 {
		t.Errorf("it was sent %d times", len(session.applied))
	}
}

// saveAnsweredAfter saves a task in a process that is stopped for so many microseconds before it sees the answer.
func saveAnsweredAfter(t *testing.T, stop int64) (*fakeSession, *Task) {
	t.Helper()
	now := start
	session := &fakeSession{}
	session.onApply = func() {
		if len(session.applied) == 1 {
			now = start + stop
		}
	}
	held := &Task{Envelope: task(t, "a", &examplev1.FetchFile{})}
	must(t, open(t, session, &now).Save(context.Background(), held))
	return session, held
}

func TestASaveThatIsAnsweredWithinHalfTheKeyspacesMarginCounts(t *testing.T) {
	session, held := saveAnsweredAfter(t, margin/2-1)
	if version, _ := VersionOf(held.Envelope); version != start || len(session.applied) != 1 {
		t.Errorf("saved at %d", version)
	}
}

func TestASaveThatIsAnsweredLaterThanThatDoesNotCount(t *testing.T) {
	session, held := saveAnsweredAfter(t, margin/2)
	if version, _ := VersionOf(held.Envelope); version != start+margin/2 {
		t.Errorf("saved at %d", version)
	}
	if removed := session.applied[2][0].Values[0]; len(session.applied) != 3 || removed != start {
		t.Errorf("sent %v", session.applied)
	}
}

// sweptMeanwhile has a full page, with the entry of a replaced version. The later one's is there, until the next page is read.
// Older entries of the other shards are judged with it, so that this page is not at its end yet.
func sweptMeanwhile(t *testing.T, saved *taskledgerv1.TaskEnvelope) func(Statement) []Row {
	data, err := encodeBody(saved)
	must(t, err)
	first := []Row{{"saved_at": start, "id": "a"}}
	for i := range int64(pageSize - 1) {
		first = append(first, Row{"saved_at": start + 1 + i, "id": fmt.Sprint("completed ", i)})
	}
	pages := [][]Row{first, nil}
	return func(statement Statement) []Row {
		switch {
		case strings.Contains(statement.CQL, ".tasks"):
			return []Row{{"id": "a", "body": data, "saved_at": start + 1000}}
		case strings.Contains(statement.CQL, "saved_at = ?"):
			return []Row{{"id": "a"}}
		case !strings.Contains(statement.CQL, "LIMIT ?"):
			return nil
		case statement.Values[1] != ShardOf("a", 8):
			return []Row{{"saved_at": start - 1, "id": "completed"}}
		}
		page := pages[0]
		pages = pages[1:]
		return page
	}
}

func TestATaskIsListedThoughTheEntryOfItsLaterVersionIsSweptBeforeThePassIsThere(t *testing.T) {
	now := start
	saved := task(t, "a", &examplev1.FetchFile{})
	setVersion(saved, start+1000)
	var versions []int64
	session := &fakeSession{onRead: sweptMeanwhile(t, saved)}
	for envelope, err := range open(t, session, &now).OpenTasks(context.Background(), "datto.com") {
		must(t, err)
		version, _ := VersionOf(envelope)
		versions = append(versions, version)
	}
	if !reflect.DeepEqual(versions, []int64{start + 1000}) {
		t.Errorf("listed %v", versions)
	}
}

func TestAMarginThatItCanNotWorkWithIsRefused(t *testing.T) {
	now := start
	for _, margin := range []string{"", "6e5", "-30000", "030000", "3_0000", "19999", "2147483648"} {
		if _, err := tryOpen(&fakeSession{margin: margin}, &now); codeOf(err) != "SCHEMA_MISMATCH" {
			t.Errorf("%q: got %v", margin, err)
		}
	}
	for _, margin := range []string{"20000", "2147483647"} {
		_, err := tryOpen(&fakeSession{margin: margin}, &now)
		must(t, err)
	}
}

func task(t *testing.T, id string, data proto.Message) *taskledgerv1.TaskEnvelope {
	t.Helper()
	packed, err := anypb.New(data)
	must(t, err)
	return &taskledgerv1.TaskEnvelope{TaskList: "datto.com", Id: id, Data: packed}
}
