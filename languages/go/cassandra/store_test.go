package cassandra

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	taskledger "github.com/taskledger/taskledger/languages/go"
	examplev1 "github.com/taskledger/taskledger/languages/go/internal/gen/example/v1"
	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

// fakeSession answers reads of the schema, and batches as it is told to; its clock is the host's.
type fakeSession struct {
	mutex    sync.Mutex
	now      *int64
	settings map[string]string
	options  row
	missing  string
	answers  []error
	applied  [][]statement
	onApply  func()
	// noted has the parameters of the notes of lists; noteAnswers come to them, and answers to all other batches.
	noted       [][]any
	noteAnswers []error
	onRead      func(context.Context, statement) ([]row, error)
	// transactions are those that were sent; onTransact answers them.
	transactions []statement
	onTransact   func() (bool, row, error)
}

func (f *fakeSession) transact(_ context.Context, transaction statement) (bool, row, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.transactions = append(f.transactions, transaction)
	if f.onTransact == nil {
		return true, nil, nil
	}
	return f.onTransact()
}

func newFake() *fakeSession {
	now := start
	return &fakeSession{
		now:      &now,
		settings: map[string]string{"layout": "1", "shards": "8", "data_center": "dc1", "grace_period": strconv.FormatInt(gracePeriod/1000, 10)},
		options:  row{"read_repair": "BLOCKING", "default_time_to_live": 0, "gc_grace_seconds": 864_000},
	}
}

func (f *fakeSession) apply(_ context.Context, statements []statement) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if strings.Contains(statements[0].cql, ".lists ") {
		f.noted = append(f.noted, statements[0].values)
		return next(&f.noteAnswers)
	}
	f.applied = append(f.applied, statements)
	if f.onApply != nil {
		f.onApply()
	}
	return next(&f.answers)
}

// next takes the first of the answers; nil if there is none.
func next(answers *[]error) error {
	if len(*answers) == 0 {
		return nil
	}
	answer := (*answers)[0]
	*answers = (*answers)[1:]
	return answer
}

func (f *fakeSession) read(ctx context.Context, query statement) ([]row, error) {
	var rows []row
	switch {
	case strings.Contains(query.cql, "system_schema.columns"):
		for table, names := range columns {
			for _, name := range names {
				if table != f.missing {
					rows = append(rows, row{"table_name": table, "column_name": name})
				}
			}
		}
	case strings.Contains(query.cql, "system_schema.tables"):
		for table := range columns {
			options := maps.Clone(f.options)
			options["table_name"] = table
			rows = append(rows, options)
		}
	case strings.Contains(query.cql, "settings"):
		for name, value := range f.settings {
			rows = append(rows, row{"name": name, "value": value})
		}
	case strings.Contains(query.cql, "toUnixTimestamp"):
		rows = append(rows, row{"now": *f.now / 1000})
	case f.onRead != nil:
		f.mutex.Lock()
		defer f.mutex.Unlock()
		return f.onRead(ctx, query)
	}
	return rows, nil
}

const (
	start       = int64(1_767_323_046_000_000)
	gracePeriod = int64(30_000_000)
)

func tryOpen(fake *fakeSession) (*Store, error) {
	clock, err := taskledger.NewVersionClock(func() int64 { return *fake.now }, 0)
	if err != nil {
		return nil, err
	}
	config := Config{Keyspace: "tasks", DataCenter: "dc1", Clock: clock, Deadline: 500 * time.Millisecond}
	return open(context.Background(), func(gocql.Consistency) session { return fake }, config)
}

func openOn(t *testing.T, session *fakeSession) *Store {
	t.Helper()
	store, err := tryOpen(session)
	must(t, err)
	return store
}

func newTask(t *testing.T, id string) *taskledger.Task {
	t.Helper()
	envelope, err := taskledger.NewEnvelope("datto.com", id, &examplev1.FetchFile{})
	must(t, err)
	return &taskledger.Task{Envelope: envelope}
}

func expectFailure(t *testing.T, err error, code taskledger.Code, mayApply bool) {
	t.Helper()
	var failed *taskledger.Error
	if !errors.As(err, &failed) || failed.Code != code || failed.MayApply != mayApply {
		t.Errorf("got %v, want %s", err, code)
	}
}

func versionOf(task *taskledger.Task) int64 {
	version, _ := taskledger.VersionOf(task.Envelope)
	return version
}

func TestIdsHaveTheirShards(t *testing.T) {
	text, err := os.ReadFile("../../../test/vectors/manifest.json")
	must(t, err)
	var manifest struct {
		Placements []struct {
			ID     string
			Shards map[string]int
		}
	}
	must(t, json.Unmarshal(text, &manifest))
	for _, each := range manifest.Placements {
		for count, shard := range each.Shards {
			shards, err := strconv.Atoi(count)
			must(t, err)
			if got := ShardOf(each.ID, shards); got != shard {
				t.Errorf("%s is in shard %d of %d, want %d", each.ID, got, shards, shard)
			}
		}
	}
}

func TestWhatIsNotAnsweredIsSentAgainAsItWas(t *testing.T) {
	session, task := newFake(), newTask(t, "a")
	session.answers = []error{context.DeadlineExceeded, errors.New("connection reset")}
	must(t, openOn(t, session).Save(context.Background(), task))
	if len(session.applied) != 3 || !reflect.DeepEqual(session.applied[0], session.applied[2]) || versionOf(task) != start {
		t.Errorf("sent %v", session.applied)
	}
}

func TestASaveThatIsNeverAnsweredMayBeApplied(t *testing.T) {
	session, task := newFake(), newTask(t, "a")
	store := openOn(t, session)
	must(t, store.Save(context.Background(), task))
	session.answers = slices.Repeat([]error{context.DeadlineExceeded}, 1000)
	*session.now++
	expectFailure(t, store.Save(context.Background(), task), taskledger.ErrTimeout, true)
	if versionOf(task) != start+1 || !slices.Equal(task.Replaced, []int64{start}) {
		t.Errorf("it is at %d, and replaced %v", versionOf(task), task.Replaced)
	}
}

type requestError struct {
	code    int
	message string
}

func (e requestError) Code() int       { return e.code }
func (e requestError) Message() string { return e.message }
func (e requestError) Error() string   { return e.message }

func TestAFailedSaveHasACodeAndSaysWhetherItMayBeApplied(t *testing.T) {
	for _, each := range []struct {
		failure  error
		code     taskledger.Code
		mayApply bool
	}{
		{requestError{gocql.ErrCodeInvalid, "Mutation is too large"}, taskledger.ErrTooLarge, false},
		{requestError{gocql.ErrCodeInvalid, "unconfigured table tasks"}, taskledger.ErrSchemaMismatch, false},
		{requestError{gocql.ErrCodeUnavailable, "one replica is down"}, taskledger.ErrUnavailable, false},
		{requestError{gocql.ErrCodeOverloaded, "busy"}, taskledger.ErrOverloaded, true},
		{gocql.ErrNoConnections, taskledger.ErrUnavailable, false},
		{gocql.ErrSessionClosed, taskledger.ErrClosed, false},
		{errors.New("the connection broke"), taskledger.ErrUnavailable, true},
	} {
		session, task := newFake(), newTask(t, "a")
		store := openOn(t, session)
		session.answers = slices.Repeat([]error{each.failure}, 1000)
		expectFailure(t, store.Save(context.Background(), task), each.code, each.mayApply)
		if (versionOf(task) != 0) != each.mayApply {
			t.Errorf("%v: it is at %d", each.failure, versionOf(task))
		}
	}
}

func TestACancelledContextIsAborted(t *testing.T) {
	session := newFake()
	store := openOn(t, session)
	ctx, cancel := context.WithCancel(context.Background())
	session.answers = []error{context.Canceled}
	session.onApply = cancel
	task := newTask(t, "a")
	err := store.Save(ctx, task)
	expectFailure(t, err, taskledger.ErrAborted, true)
	if !errors.Is(err, context.Canceled) || versionOf(task) != start {
		t.Errorf("got %v", err)
	}
	expectFailure(t, store.Save(ctx, newTask(t, "b")), taskledger.ErrAborted, false)
	if len(session.applied) != 1 {
		t.Errorf("sent %d", len(session.applied))
	}
	expired, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	_, err = store.Find(expired, "datto.com", "a")
	expectFailure(t, err, taskledger.ErrTimeout, false)
}

func TestNothingIsSentThatNobodyCouldRead(t *testing.T) {
	for name, spoil := range map[string]func(*taskledgerv1.TaskEnvelope){
		"id":         func(e *taskledgerv1.TaskEnvelope) { e.Id = "" },
		"task_list":  func(e *taskledgerv1.TaskEnvelope) { e.TaskList = "a\x00" },
		"data":       func(e *taskledgerv1.TaskEnvelope) { e.Data = nil },
		"created_at": func(e *taskledgerv1.TaskEnvelope) { e.CreatedAt = &timestamppb.Timestamp{Seconds: 1e12} },
	} {
		session, task := newFake(), newTask(t, "a")
		spoil(task.Envelope)
		expectFailure(t, openOn(t, session).Save(context.Background(), task), taskledger.ErrInvalidEnvelope, false)
		if len(session.applied) != 0 {
			t.Errorf("%s: it was sent", name)
		}
	}
}

// saveAnsweredAfter saves a task in a process that is stopped for so many microseconds before it sees the answer.
func saveAnsweredAfter(t *testing.T, stop int64) (*fakeSession, *taskledger.Task) {
	t.Helper()
	session, task := newFake(), newTask(t, "a")
	session.onApply = func() {
		if len(session.applied) == 1 {
			*session.now = start + stop
		}
	}
	must(t, openOn(t, session).Save(context.Background(), task))
	return session, task
}

func TestASaveThatIsAnsweredWithinHalfTheGracePeriodCounts(t *testing.T) {
	if session, task := saveAnsweredAfter(t, gracePeriod/2-1); versionOf(task) != start || len(session.applied) != 1 {
		t.Errorf("saved at %d", versionOf(task))
	}
}

func TestASaveThatIsAnsweredLaterThanThatDoesNotCount(t *testing.T) {
	session, task := saveAnsweredAfter(t, gracePeriod/2)
	if versionOf(task) != start+gracePeriod/2 || len(session.applied) != 3 || session.applied[2][0].values[0] != start {
		t.Errorf("saved at %d; sent %v", versionOf(task), session.applied)
	}
}

// listed has one list: its entries in the shard of "a", and its rows.
type listed struct {
	entries []entry
	rows    map[string]row
	reads   []int
	// onEntries is told of each read of entries, and may fail it.
	onEntries func(after, upTo int64) error
	last      int64
	swept     []int64
	// shards are 8 if it is 0; opening counts the queries before the first read of tasks.
	shards, opening int
}

func (l *listed) read(_ context.Context, query statement) ([]row, error) {
	if strings.Contains(query.cql, ".tasks") {
		var rows []row
		for _, id := range query.values[2].([]string) {
			if found, ok := l.rows[id]; ok {
				rows = append(rows, found)
			}
		}
		l.reads = append(l.reads, len(rows))
		return rows, nil
	}
	if len(l.reads) == 0 {
		l.opening++
	}
	shard := ShardOf("a", cmp.Or(l.shards, 8))
	if several, ok := query.values[1].([]int); ok {
		isSweeps := strings.Contains(query.cql, ".sweeps")
		switch {
		case slices.Contains(several, shard) && isSweeps && l.swept != nil:
			return []row{{"shard": shard, "ranges": l.swept}}, nil
		case slices.Contains(several, shard) && !isSweeps && l.last > 0:
			return []row{{"shard": shard}}, nil
		}
		return nil, nil
	}
	if query.values[1] != shard {
		return nil, nil
	}
	if strings.Contains(query.cql, "DESC LIMIT 1") && l.last > 0 {
		return []row{{"shard": shard, "saved_at": l.last}}, nil
	}
	if !strings.Contains(query.cql, "LIMIT ?") {
		return nil, nil
	}
	after := place{query.values[2].(int64), query.values[3].(string)}
	upTo, limit := query.values[4].(int64), query.values[5].(int)
	if l.onEntries != nil {
		if err := l.onEntries(after.savedAt, upTo); err != nil {
			return nil, err
		}
	}
	var rows []row
	for _, each := range l.entries {
		isAfter := cmp.Or(cmp.Compare(each.savedAt, after.savedAt), cmp.Compare(each.id, after.id)) > 0
		if isAfter && each.savedAt <= upTo && len(rows) < limit {
			rows = append(rows, row{"saved_at": each.savedAt, "id": each.id, "size": each.size})
		}
	}
	return rows, nil
}

func rowOf(t *testing.T, id string, savedAt int64) row {
	t.Helper()
	body, err := taskledger.EncodeBody(newTask(t, id).Envelope, taskledger.MaxTaskBytes)
	must(t, err)
	return row{"id": id, "body": body, "saved_at": savedAt}
}

func list(t *testing.T, session *fakeSession, options taskledger.ListOptions) (found []*taskledgerv1.TaskEnvelope) {
	t.Helper()
	for envelope, err := range openOn(t, session).OpenTasks(context.Background(), "datto.com", options) {
		must(t, err)
		found = append(found, envelope)
	}
	return found
}

func idsOf(tasks []*taskledgerv1.TaskEnvelope) (ids []string) {
	for _, each := range tasks {
		ids = append(ids, each.GetId())
	}
	return ids
}

func TestATaskIsListedThoughTheEntryOfItsLaterVersionIsSweptBeforeThePassIsThere(t *testing.T) {
	lists := &listed{rows: map[string]row{"a": rowOf(t, "a", start+1000)}}
	lists.entries = append(lists.entries, entry{place{start, "a"}, 10})
	for i := range int64(pageRows - 1) {
		lists.entries = append(lists.entries, entry{place{start + 1 + i, fmt.Sprint("completed ", i)}, 10})
	}
	lists.entries = append(lists.entries, entry{place{start + 1000, "a"}, 10})
	reads := 0
	lists.onEntries = func(int64, int64) error {
		if reads++; reads == 2 { // swept before the second page is read
			lists.entries = lists.entries[:pageRows]
		}
		return nil
	}
	session := newFake()
	session.onRead = lists.read
	found := list(t, session, taskledger.ListOptions{})
	if len(found) != 1 || versionOf(&taskledger.Task{Envelope: found[0]}) != start+1000 {
		t.Errorf("listed %v", found)
	}
}

func TestAPageOfTasksIsBoundedInBytes(t *testing.T) {
	lists := &listed{rows: map[string]row{}}
	var ids []string
	const size = 900_000
	for i := range int64(40) {
		id := strconv.FormatInt(i, 10)
		ids = append(ids, id)
		lists.entries = append(lists.entries, entry{place{start + i, id}, size})
		lists.rows[id] = rowOf(t, id, start+i)
	}
	session := newFake()
	session.onRead = lists.read
	if found := idsOf(list(t, session, taskledger.ListOptions{})); !slices.Equal(found, ids) {
		t.Errorf("listed %v", found)
	}
	if most := slices.Max(lists.reads); most != pageBytes/size {
		t.Errorf("read %d at once", most)
	}
}

func TestAListOfManyShardsIsOpenedByFewQueriesAndItsFirstPageIsSmall(t *testing.T) {
	lists := &listed{rows: map[string]row{}, shards: 64}
	var ids []string
	for i := range int64(600) {
		id := strconv.FormatInt(i, 10)
		ids = append(ids, id)
		lists.entries = append(lists.entries, entry{place{start + i, id}, 10})
		lists.rows[id] = rowOf(t, id, start+i)
	}
	session := newFake()
	session.settings["shards"] = "64"
	session.onRead = lists.read
	if found := idsOf(list(t, session, taskledger.ListOptions{})); !slices.Equal(found, ids) {
		t.Errorf("listed %v", found)
	}
	// Four of what was swept, four of what is past the bound, and one of the entries of each shard.
	if lists.opening != 4+4+64 || !slices.Equal(lists.reads, []int{16, 256, 244, 84}) {
		t.Errorf("%d queries before those of tasks, and then %v", lists.opening, lists.reads)
	}
}

func TestWhatWasSweptIsNotRead(t *testing.T) {
	lists := &listed{rows: map[string]row{}, swept: []int64{start, start + 4}}
	for i, id := range []string{"a", "swept", "b"} {
		at := start + int64(2*i)
		lists.entries = append(lists.entries, entry{place{at, id}, 10})
		lists.rows[id] = rowOf(t, id, at)
	}
	session := newFake()
	session.onRead = lists.read
	if found := idsOf(list(t, session, taskledger.ListOptions{})); !slices.Equal(found, []string{"a", "b"}) {
		t.Errorf("listed %v", found)
	}
}

func TestRowsThatAreNoTasksComeAsDamagedOnesAndStopNobody(t *testing.T) {
	rows := map[string]row{
		"bytes": {"id": "bytes", "body": []byte{0xff}, "saved_at": start},
		"other": {"id": "other", "body": rowOf(t, "x", 0)["body"], "saved_at": start + 1},
		"null":  {"id": "null", "body": []byte(nil), "saved_at": int64(0)},
		"a":     rowOf(t, "a", start+2),
	}
	lists := &listed{rows: rows, entries: []entry{
		{place{start, "bytes"}, 10}, {place{start + 1, "other"}, 10}, {place{start + 1, "null"}, 10}, {place{start + 2, "a"}, 10},
	}}
	session := newFake()
	session.onRead = lists.read
	found := list(t, session, taskledger.ListOptions{})
	if !slices.Equal(idsOf(found), []string{"bytes", "other", "a"}) {
		t.Fatalf("listed %v", idsOf(found))
	}
	if !taskledger.IsDamaged(found[0]) || !taskledger.IsDamaged(found[1]) || taskledger.IsDamaged(found[2]) {
		t.Errorf("got %v", found)
	}
	must(t, openOn(t, session).Complete(context.Background(), found[0]))
	if sent := session.applied[0][0].values; sent[0] != start || sent[3] != "bytes" {
		t.Errorf("sent %v", sent)
	}
}

func TestAStretchOfMoreTombstonesThanAReadMayMeetIsReadInParts(t *testing.T) {
	lists := &listed{rows: map[string]row{"a": rowOf(t, "a", start)}, entries: []entry{{place{start, "a"}, 10}}}
	refused := 0
	lists.onEntries = func(after, upTo int64) error {
		if upTo-after > 1e12 {
			refused++
			return &gocql.RequestErrReadFailure{}
		}
		return nil
	}
	session := newFake()
	session.onRead = lists.read
	if found := idsOf(list(t, session, taskledger.ListOptions{})); !slices.Equal(found, []string{"a"}) || refused == 0 {
		t.Errorf("listed %v", found)
	}
}

func TestOlderTasksAreListedAndThoseOfAClockThatWasWrong(t *testing.T) {
	lists := &listed{rows: map[string]row{}, last: start + 100_000_000}
	for id, at := range map[string]int64{"old": start - 61_000_000, "young": start - 59_000_000, "wild": lists.last} {
		lists.entries = append(lists.entries, entry{place{at, id}, 10})
		lists.rows[id] = rowOf(t, id, at)
	}
	slices.SortFunc(lists.entries, func(a, b entry) int { return cmp.Compare(a.savedAt, b.savedAt) })
	session := newFake()
	session.onRead = lists.read
	found := idsOf(list(t, session, taskledger.ListOptions{OlderThan: time.Minute}))
	if !slices.Equal(found, []string{"old", "wild"}) {
		t.Errorf("listed %v", found)
	}
}

func TestAStoreIsSafeForConcurrentUse(t *testing.T) {
	session := newFake()
	store := openOn(t, session)
	var running sync.WaitGroup
	for i := range 8 {
		running.Add(1)
		go func() {
			defer running.Done()
			for j := range 20 {
				task := newTask(t, fmt.Sprint(i, " ", j))
				must(t, store.Save(context.Background(), task))
				must(t, store.Complete(context.Background(), task.Envelope))
			}
		}()
	}
	running.Wait()
	if len(session.applied) != 320 {
		t.Errorf("sent %d", len(session.applied))
	}
}

func TestSettingsThatItCanNotWorkWithAreRefused(t *testing.T) {
	for name, values := range map[string][]string{
		"layout":       {"", "2"},
		"data_center":  {"", "dc2"},
		"grace_period": {"", "6e5", "-30000", "030000", "3_0000", "19999", "2147483648"},
		"shards":       {"", "0", "3", "-8", "131072", "8.0", "٨"},
	} {
		for _, value := range values {
			session := newFake()
			session.settings[name] = value
			if _, err := tryOpen(session); !errors.Is(err, taskledger.ErrSchemaMismatch) {
				t.Errorf("%s %q: got %v", name, value, err)
			}
		}
	}
}

func TestTablesThatWouldLoseTasksOrAreNotThereAreRefused(t *testing.T) {
	for name, value := range map[string]any{"read_repair": "NONE", "default_time_to_live": 4, "gc_grace_seconds": 60} {
		session := newFake()
		session.options[name] = value
		if _, err := tryOpen(session); !errors.Is(err, taskledger.ErrSchemaMismatch) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for table := range columns {
		session := newFake()
		session.missing = table
		if _, err := tryOpen(session); !errors.Is(err, taskledger.ErrSchemaMismatch) {
			t.Errorf("without %s: got %v", table, err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func callsOf(t *testing.T, store *Store, saved *taskledgerv1.TaskEnvelope) map[string]func() error {
	return map[string]func() error{
		"save":     func() error { return store.Save(context.Background(), newTask(t, "a")) },
		"complete": func() error { return store.Complete(context.Background(), saved) },
		"find":     func() error { _, err := store.Find(context.Background(), "datto.com", "a"); return err },
		"list": func() error {
			for _, err := range store.OpenTasks(context.Background(), "datto.com", taskledger.ListOptions{}) {
				return err
			}
			return nil
		},
	}
}

func TestAKeyspaceThatWasMadeAnewIsRefusedOnceTheClocksAreComparedAgain(t *testing.T) {
	for _, change := range [][2]string{{"shards", "16"}, {"grace_period", "90000"}, {"data_center", "*"}, {"shards", ""}} {
		fake := newFake()
		store := openOn(t, fake)
		task := newTask(t, "a")
		must(t, store.Save(context.Background(), task))
		fake.applied = nil
		fake.settings[change[0]] = change[1]
		*fake.now += 1_000_000 // it was set
		calls := callsOf(t, store, task.Envelope)
		for _, name := range []string{"save", "complete", "find", "list"} {
			expectFailure(t, calls[name](), taskledger.ErrSchemaMismatch, false)
		}
		if len(fake.applied) > 0 {
			t.Errorf("%v: %v was sent", change, fake.applied)
		}
	}
}

func TestEachCallNoticesItAfterAWhileAndThatItIsAsItWas(t *testing.T) {
	for _, name := range []string{"save", "complete", "find", "list"} {
		fake := newFake()
		store := openOn(t, fake)
		saved := taskledger.WithVersion(newTask(t, "a").Envelope, start)
		fake.settings["shards"] = "16"
		store.watch.suspect() // as it does after a minute
		var failed *taskledger.Error
		if errors.As(callsOf(t, store, saved)[name](), &failed) {
			failed.MayApply = true // as the caller's own
		}
		expectFailure(t, callsOf(t, store, saved)[name](), taskledger.ErrSchemaMismatch, false)
		fake.settings["shards"] = "8"
		store.watch.suspect()
		must(t, callsOf(t, store, saved)[name]())
	}
}

func TestSettingsThatCanNotBeReadAreInNobodysWay(t *testing.T) {
	fake := newFake()
	store := openOn(t, fake)
	store.watch.read = func(context.Context) (settings, error) {
		return settings{}, taskledger.Errorf(taskledger.ErrUnavailable, "two replicas are down")
	}
	store.watch.suspect()
	must(t, store.Complete(context.Background(), taskledger.WithVersion(newTask(t, "a").Envelope, start)))
}
