package taskledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	examplev1 "github.com/taskledger/taskledger/languages/go/internal/gen/example/v1"
	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
	"google.golang.org/protobuf/proto"
)

const list = "acme.com"

// memory is a store in memory. What it is told to refuse fails so.
type memory struct {
	mutex                   sync.Mutex
	version                 int64
	tasks                   map[string]*taskledgerv1.TaskEnvelope
	claims                  map[string]*ClaimState
	refuses                 map[string]error
	onRenew                 func(context.Context) error
	renewals, claimsGranted int
}

func newMemory() *memory {
	return &memory{
		version: 1_767_323_046_000_000, tasks: map[string]*taskledgerv1.TaskEnvelope{}, claims: map[string]*ClaimState{},
		refuses: map[string]error{},
	}
}

func keyOf(taskList, id string) string { return taskList + "\x00" + id }

// lock gives what unlocks it, and the error that a call is to have.
func (m *memory) lock(ctx context.Context, call string) (func(), error) {
	m.mutex.Lock()
	if ctx.Err() != nil {
		return m.mutex.Unlock, wrap(ErrAborted, call, ctx.Err())
	}
	return m.mutex.Unlock, m.refuses[call]
}

func (m *memory) Save(ctx context.Context, task *Task) error {
	unlock, err := m.lock(ctx, "save")
	defer unlock()
	if err == nil {
		m.version++
		task.Envelope = WithVersion(task.Envelope, m.version)
		m.tasks[keyOf(task.Envelope.TaskList, task.Envelope.Id)] = task.Envelope
	}
	return err
}

func (m *memory) Complete(ctx context.Context, task *taskledgerv1.TaskEnvelope) error {
	unlock, err := m.lock(ctx, "complete")
	defer unlock()
	if err == nil && m.isOpen(task) {
		delete(m.tasks, keyOf(task.TaskList, task.Id))
	}
	return err
}

func (m *memory) isOpen(task *taskledgerv1.TaskEnvelope) bool {
	found, _ := VersionOf(m.tasks[keyOf(task.TaskList, task.Id)])
	version, _ := VersionOf(task)
	return found == version
}

func (m *memory) Find(ctx context.Context, taskList, id string) (*taskledgerv1.TaskEnvelope, error) {
	unlock, err := m.lock(ctx, "find")
	defer unlock()
	return m.tasks[keyOf(taskList, id)], err
}

func (m *memory) OpenTasks(ctx context.Context, taskList string, _ ListOptions) iter.Seq2[*taskledgerv1.TaskEnvelope, error] {
	return func(yield func(*taskledgerv1.TaskEnvelope, error) bool) {
		unlock, err := m.lock(ctx, "list")
		var found []*taskledgerv1.TaskEnvelope
		for _, each := range m.tasks {
			if each.TaskList == taskList {
				found = append(found, proto.CloneOf(each))
			}
		}
		unlock()
		slices.SortFunc(found, func(a, b *taskledgerv1.TaskEnvelope) int { return strings.Compare(a.Id, b.Id) })
		for _, each := range found {
			if !yield(each, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func (m *memory) Claim(ctx context.Context, task *taskledgerv1.TaskEnvelope, owner string, lease time.Duration) (*Claim, error) {
	unlock, err := m.lock(ctx, "claim")
	defer unlock()
	state := m.claims[keyOf(task.TaskList, task.Id)]
	if state == nil {
		state = &ClaimState{}
	}
	version, _ := VersionOf(task)
	isWaiting := state.SavedAt == version && state.Owner != RedeliveryOwner && time.Now().Before(state.Until)
	if err != nil || isWaiting || !m.isOpen(task) {
		return nil, err
	}
	m.claimsGranted++
	state = &ClaimState{version, owner, state.Token + 1, state.Attempt + 1, time.Now().Add(lease)}
	m.claims[keyOf(task.TaskList, task.Id)] = state
	return &Claim{task.TaskList, task.Id, version, owner, state.Token, state.Attempt, state.Until}, nil
}

// held is the state of a claim; nil if it has been lost.
func (m *memory) held(claim Claim) *ClaimState {
	state := m.claims[keyOf(claim.TaskList, claim.ID)]
	if state == nil || state.Token != claim.Token || state.Owner == "" {
		return nil
	}
	return state
}

func (m *memory) Renew(ctx context.Context, claim Claim, lease time.Duration) (Claim, error) {
	if m.onRenew != nil {
		return claim, m.onRenew(ctx)
	}
	unlock, err := m.lock(ctx, "renew")
	defer unlock()
	state := m.held(claim)
	if err == nil && state == nil {
		err = Errorf(ErrClaimLost, "it is another's")
	}
	if err == nil {
		m.renewals++
		state.Until = time.Now().Add(lease)
	}
	return claim, err
}

func (m *memory) Release(ctx context.Context, claim Claim, retryIn time.Duration) error {
	unlock, err := m.lock(ctx, "release")
	defer unlock()
	if state := m.held(claim); err == nil && state != nil {
		state.Owner, state.Until = "", time.Unix(0, 0)
		if retryIn > 0 {
			state.Until = time.Now().Add(retryIn)
		}
	}
	return err
}

func (m *memory) Forget(ctx context.Context, claim Claim) error {
	unlock, err := m.lock(ctx, "forget")
	defer unlock()
	if err == nil && m.held(claim) != nil {
		delete(m.claims, keyOf(claim.TaskList, claim.ID))
	}
	return err
}

func (m *memory) ClaimState(ctx context.Context, taskList, id string) (*ClaimState, error) {
	unlock, err := m.lock(ctx, "claim state")
	defer unlock()
	if state := m.claims[keyOf(taskList, id)]; state != nil {
		found := *state
		return &found, err
	}
	return nil, err
}

// change changes what is known of the claims to a task.
func (m *memory) change(id string, change func(*ClaimState)) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	change(m.claims[keyOf(list, id)])
}

// attemptsAt are the owner and the count of claims to a task of the list.
func (m *memory) attemptsAt(id string) (string, int) {
	state, _ := m.ClaimState(context.Background(), list, id)
	if state == nil {
		return "", 0
	}
	return state.Owner, state.Attempt
}

func (m *memory) open(taskList string) (found []*taskledgerv1.TaskEnvelope) {
	for each := range m.OpenTasks(context.Background(), taskList, ListOptions{}) {
		found = append(found, each)
	}
	return found
}

type fileHandler = func(context.Context, *taskledgerv1.TaskEnvelope, *examplev1.FetchFile) error

func fileWorker(store Completer, log io.Writer, handler fileHandler) *Worker {
	worker := NewWorker(store, WorkerOptions{Concurrency: 2, Logger: slog.New(slog.NewTextHandler(log, nil))})
	Handle(worker, handler)
	return worker
}

func fails(context.Context, *taskledgerv1.TaskEnvelope, *examplev1.FetchFile) error {
	return errors.New("no such host")
}

func save(t *testing.T, store *memory, id string) *taskledgerv1.TaskEnvelope {
	t.Helper()
	envelope, err := NewEnvelope(list, id, &examplev1.FetchFile{Filename: id})
	must(t, err)
	envelope.Headers = map[string]string{"trace": "1"}
	task := &Task{Envelope: envelope}
	must(t, store.Save(context.Background(), task))
	return proto.CloneOf(task.Envelope)
}

// options try again at once.
func options(change func(*PerformOptions)) PerformOptions {
	found := PerformOptions{BackoffInitial: 1, BackoffMax: 1}
	change(&found)
	return found
}

func attempts(most int) PerformOptions {
	return options(func(o *PerformOptions) { o.MaxAttempts = most })
}

func toDeadLetters(o *PerformOptions) { o.MaxAttempts, o.DeadLetterList = 1, "dead" }

// expectPerform performs a task again, after a moment.
func expectPerform(t *testing.T, worker *Worker, store *memory, task *taskledgerv1.TaskEnvelope, o PerformOptions, want Result) {
	t.Helper()
	time.Sleep(time.Millisecond)
	if result, err := worker.Perform(context.Background(), store, task, o); result != want || err != nil {
		t.Errorf("got %v, %v, want %v", result, err, want)
	}
}

func expectAttempts(t *testing.T, store *memory, id string, want int) {
	t.Helper()
	if owner, count := store.attemptsAt(id); owner != "" || count != want {
		t.Errorf("%q has it, after %d attempts, want %d", owner, count, want)
	}
}

func expectRecover(t *testing.T, worker *Worker, store *memory, taskList string, o PerformOptions, want Summary) {
	t.Helper()
	time.Sleep(time.Millisecond)
	if summary, err := worker.Recover(context.Background(), store, taskList, ListOptions{}, o); summary != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", summary, err, want)
	}
}

func TestTheOpenTasksOfAListAreDoneEachUnderAClaim(t *testing.T) {
	store := newMemory()
	for _, id := range []string{"a", "bad", "b"} {
		save(t, store, id)
	}
	worker := fileWorker(store, io.Discard, func(ctx context.Context, task *taskledgerv1.TaskEnvelope, file *examplev1.FetchFile) error {
		claim, isClaimed := ClaimOf(ctx)
		if !isClaimed || claim.Attempt != 1 || claim.ID != task.Id || claim.Token == 0 {
			t.Errorf("%s has the claim %+v", task.Id, claim)
		}
		if file.Filename == "bad" {
			return errors.New("no such host")
		}
		return nil
	})
	waits := PerformOptions{BackoffInitial: 1e6 * time.Hour, BackoffMax: 1e6 * time.Hour}
	expectRecover(t, worker, store, list, waits, Summary{Completed: 2, Failed: 1})
	if left := store.open(list); len(left) != 1 || left[0].Id != "bad" {
		t.Errorf("open are %v", left)
	}
	expectAttempts(t, store, "a", 0)                                     // its claim is forgotten
	expectRecover(t, worker, store, list, waits, Summary{PassedOver: 1}) // it waits to be tried again
}

func TestATaskThatIsHandedOverRunsUnderNoClaim(t *testing.T) {
	store := newMemory()
	worker := fileWorker(store, io.Discard, func(ctx context.Context, _ *taskledgerv1.TaskEnvelope, _ *examplev1.FetchFile) error {
		if _, isClaimed := ClaimOf(ctx); isClaimed {
			t.Error("it is claimed")
		}
		return nil
	})
	if result, err := worker.Do(context.Background(), save(t, store, "a")); result != Completed || err != nil {
		t.Errorf("got %v, %v", result, err)
	}
}

func TestATaskThatAMarkSaysWasHandedOverAgainIsDoneThoughItFailedBefore(t *testing.T) {
	store := newMemory()
	task := save(t, store, "a")
	var calls atomic.Int32
	worker := fileWorker(store, io.Discard, func(ctx context.Context, task *taskledgerv1.TaskEnvelope, file *examplev1.FetchFile) error {
		if calls.Add(1) == 1 {
			return fails(ctx, task, file)
		}
		return nil
	})
	expectPerform(t, worker, store, task, attempts(2), Failed)
	mark := func(attempt int) func(*ClaimState) {
		return func(s *ClaimState) { s.Owner, s.Attempt, s.Until = RedeliveryOwner, attempt, time.Now().Add(time.Hour) }
	}
	store.change("a", mark(3)) // it was given up
	expectPerform(t, worker, store, task, attempts(2), PassedOver)
	store.change("a", mark(2)) // whether the worker of its last attempt died is not known: it is given up, and that is told
	expectPerform(t, worker, store, task, attempts(2), GivenUp)
	store.change("a", mark(1))
	expectPerform(t, worker, store, task, attempts(2), Completed)
}

func TestATaskThatIsGivenUpStaysOpenAndIsTriedAndClaimedNoMore(t *testing.T) {
	store := newMemory()
	task := save(t, store, "a")
	var log bytes.Buffer
	worker := fileWorker(store, &log, fails)
	for _, want := range []Result{Failed, GivenUp, PassedOver, PassedOver} {
		expectPerform(t, worker, store, task, attempts(2), want)
	}
	expectRecover(t, worker, store, list, attempts(2), Summary{PassedOver: 1})
	expectAttempts(t, store, "a", 2)
	if !strings.Contains(log.String(), `"task given up" list=acme.com id=a attempts=2 error="no such host"`) {
		t.Errorf("logged %s", &log)
	}
	// Until more attempts are allowed, or it is saved again.
	expectPerform(t, worker, store, task, attempts(4), Failed)
	expectPerform(t, worker, store, save(t, store, "a"), attempts(1), GivenUp)
	expectAttempts(t, store, "a", 4)
}

func TestAVersionThatNobodyHasClaimedYetIsTriedOnceAtLeast(t *testing.T) {
	store := newMemory()
	for range 3 {
		claim, err := store.Claim(context.Background(), save(t, store, "a"), "a", time.Minute)
		must(t, errors.Join(err, store.Release(context.Background(), *claim, 0)))
	}
	worker := fileWorker(store, io.Discard, func(ctx context.Context, _ *taskledgerv1.TaskEnvelope, _ *examplev1.FetchFile) error {
		if claim, _ := ClaimOf(ctx); claim.Attempt != 4 {
			t.Errorf("got %+v", claim)
		}
		return nil
	})
	expectPerform(t, worker, store, save(t, store, "a"), attempts(1), Completed)
}

func TestATaskWhoseWorkerDiedIsDoneByAnotherOnceTheLeaseIsOver(t *testing.T) {
	store := newMemory()
	task := save(t, store, "a")
	_, err := store.Claim(context.Background(), task, "the dead", time.Hour)
	must(t, err)
	done := func(context.Context, *taskledgerv1.TaskEnvelope, *examplev1.FetchFile) error { return nil }
	worker := fileWorker(store, io.Discard, done)
	expectRecover(t, worker, store, list, attempts(2), Summary{PassedOver: 1})
	store.change("a", func(s *ClaimState) { s.Until = time.Now() })
	expectRecover(t, worker, store, list, attempts(2), Summary{Completed: 1})
}

func TestATaskWhoseWorkerDiedInItsLastAttemptIsGivenUpWithoutAnother(t *testing.T) {
	store := newMemory()
	task := save(t, store, "a")
	_, err := store.Claim(context.Background(), task, "the dead", 0)
	must(t, err)
	worker := fileWorker(store, io.Discard, func(context.Context, *taskledgerv1.TaskEnvelope, *examplev1.FetchFile) error {
		t.Error("it is tried again")
		return nil
	})
	expectPerform(t, worker, store, task, attempts(1), GivenUp)
	expectAttempts(t, store, "a", 2)
	expectPerform(t, worker, store, task, attempts(1), PassedOver)
}

func TestATaskWhoseLastAttemptWasInterruptedIsGivenUpByTheNextWorker(t *testing.T) {
	store := newMemory()
	task := save(t, store, "a")
	ctx, cancel := context.WithCancel(context.Background())
	interrupted := func(ctx context.Context, _ *taskledgerv1.TaskEnvelope, _ *examplev1.FetchFile) error {
		cancel()
		return ctx.Err()
	}
	result, err := fileWorker(store, io.Discard, interrupted).Perform(ctx, store, task, attempts(1))
	if result != Failed || err != nil {
		t.Errorf("got %v, %v", result, err)
	}
	time.Sleep(5 * time.Millisecond)
	for _, want := range []Result{GivenUp, PassedOver} {
		expectPerform(t, fileWorker(store, io.Discard, fails), store, task, attempts(1), want)
	}
	expectAttempts(t, store, "a", 2)
}

func TestATaskThatIsGivenUpGoesToTheDeadLetterList(t *testing.T) {
	store := newMemory()
	task := save(t, store, "a")
	worker := fileWorker(store, io.Discard, fails)
	expectRecover(t, worker, store, list, options(toDeadLetters), Summary{GivenUp: 1})
	letters := store.open("dead")
	if len(store.open(list)) != 0 || len(letters) != 1 {
		t.Fatalf("open are %v, and dead %v", store.open(list), letters)
	}
	letter := letters[0]
	version, _ := VersionOf(task)
	if letter.Id != fmt.Sprintf("acme.com/a@%d", version) || letter.Attempt != 1 || !proto.Equal(letter.Data, task.Data) {
		t.Errorf("it is %v", letter)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", letter.Headers["taskledger-dead-at"]); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"trace": "1", "taskledger-dead-list": list, "taskledger-dead-id": "a", "taskledger-dead-attempts": "1",
		"taskledger-dead-reason": "no such host",
	} {
		if letter.Headers[name] != want {
			t.Errorf("%s is %q", name, letter.Headers[name])
		}
	}
	// A dead letter that fails in its list stays there.
	expectRecover(t, worker, store, "dead", options(toDeadLetters), Summary{GivenUp: 1})
	expectRecover(t, worker, store, "dead", options(toDeadLetters), Summary{PassedOver: 1})
	if left := store.open("dead"); len(left) != 1 || left[0].Id != letter.Id {
		t.Errorf("dead are %v", left)
	}
}

func TestALongIdOfADeadLetterIsAHash(t *testing.T) {
	store := newMemory()
	save(t, store, strings.Repeat("i", 512))
	expectRecover(t, fileWorker(store, io.Discard, fails), store, list, options(toDeadLetters), Summary{GivenUp: 1})
	if id := store.open("dead")[0].Id; !strings.HasPrefix(id, "sha256:") || len(id) != len("sha256:")+64 {
		t.Errorf("it is %s", id)
	}
}

func TestHoweverAHandlerEndsATaskIsGivenUpForAReasonThatCanBeRead(t *testing.T) {
	for _, each := range []struct {
		reason string
		end    func() error
	}{
		{"no such host", func() error { return errors.New("no such host") }},
		{"TIMEOUT: no answer", func() error { return Errorf(ErrTimeout, "no answer") }},
		{"*errors.errorString", func() error { return errors.New("") }},
		{"\uFFFD is no text", func() error { return errors.New("\xff is no text") }},
		{"a nil *taskledger.mute", func() error { return (*mute)(nil) }},
		{strings.Repeat("é", 1000), func() error { return errors.New(strings.Repeat("é", 1001)) }},
		{"the handler panicked: it is odd", func() error { panic("it is odd") }},
		{"the handler called runtime.Goexit", func() error { runtime.Goexit(); return nil }},
	} {
		store := newMemory()
		worker := fileWorker(store, io.Discard, func(context.Context, *taskledgerv1.TaskEnvelope, *examplev1.FetchFile) error {
			return each.end()
		})
		expectPerform(t, worker, store, save(t, store, "a"), options(toDeadLetters), GivenUp)
		if reason := store.open("dead")[0].Headers["taskledger-dead-reason"]; reason != each.reason {
			t.Errorf("the reason is %q, want %q", reason, each.reason)
		}
	}
}

func TestATaskThatItsHandlerSavedAgainIsNoDeadLetter(t *testing.T) {
	store := newMemory()
	worker := fileWorker(store, io.Discard, func(ctx context.Context, task *taskledgerv1.TaskEnvelope, file *examplev1.FetchFile) error {
		must(t, store.Save(ctx, &Task{Envelope: task}))
		return errors.New("no such host")
	})
	expectPerform(t, worker, store, save(t, store, "a"), options(toDeadLetters), PassedOver)
	if len(store.open(list)) != 1 || len(store.open("dead")) != 0 {
		t.Errorf("open are %v, and dead %v", store.open(list), store.open("dead"))
	}
}

func TestATaskThatCanNotBePutAsideStaysOpenAndIsTriedAgain(t *testing.T) {
	store := newMemory()
	task := save(t, store, "a")
	var log bytes.Buffer
	worker := fileWorker(store, &log, fails)
	store.refuses["save"] = Errorf(ErrTooLarge, "it does not fit")
	expectPerform(t, worker, store, task, options(toDeadLetters), Failed)
	expectAttempts(t, store, "a", 1)
	if !strings.Contains(log.String(), "TOO_LARGE") {
		t.Errorf("logged %s", &log)
	}
	delete(store.refuses, "save")
	expectPerform(t, worker, store, task, options(toDeadLetters), GivenUp)
}

func TestErrorsOfTheStoreEndARecoveryAndAreNoFailedAttempts(t *testing.T) {
	for _, call := range []string{"list", "claim state", "claim", "complete"} {
		store := newMemory()
		save(t, store, "a")
		worker := fileWorker(store, io.Discard, func(context.Context, *taskledgerv1.TaskEnvelope, *examplev1.FetchFile) error { return nil })
		store.refuses[call] = Errorf(ErrUnavailable, "it is away")
		_, err := worker.Recover(context.Background(), store, list, ListOptions{}, attempts(1))
		if !errors.Is(err, ErrUnavailable) || len(store.open(list)) != 1 {
			t.Errorf("%s: got %v", call, err)
		}
		// A claim to what could not be completed expires.
		if owner, _ := store.attemptsAt("a"); (owner != "") != (call == "complete") {
			t.Errorf("%s: %q has it", call, owner)
		}
	}
}

func TestAClaimOfUnknownOutcomeCountsAsNotGranted(t *testing.T) {
	store := newMemory()
	store.refuses["claim"] = &Error{Code: ErrTimeout, MayApply: true, Reason: "no answer"}
	expectPerform(t, fileWorker(store, io.Discard, fails), store, save(t, store, "a"), PerformOptions{}, PassedOver)
}

func TestAClaimThatCanNotBeEndedExpires(t *testing.T) {
	store := newMemory()
	store.refuses["release"] = Errorf(ErrUnavailable, "it is away")
	var log bytes.Buffer
	expectPerform(t, fileWorker(store, &log, fails), store, save(t, store, "a"), PerformOptions{}, Failed)
	if !strings.Contains(log.String(), "it expires") {
		t.Errorf("logged %s", &log)
	}
}

func TestConcurrentPerformsOfATaskDoItOnce(t *testing.T) {
	store := newMemory()
	task := save(t, store, "a")
	var calls atomic.Int32
	worker := fileWorker(store, io.Discard, func(context.Context, *taskledgerv1.TaskEnvelope, *examplev1.FetchFile) error {
		calls.Add(1)
		return nil
	})
	var summary Summary
	var mutex sync.Mutex
	var running sync.WaitGroup
	for range 16 {
		running.Add(1)
		go func() {
			defer running.Done()
			result, err := worker.Perform(context.Background(), store, proto.CloneOf(task), attempts(3))
			mutex.Lock()
			defer mutex.Unlock()
			if summary.add(result); err != nil {
				t.Error(err)
			}
		}()
	}
	running.Wait()
	if calls.Load() != 1 || summary != (Summary{Completed: 1, PassedOver: 15}) {
		t.Errorf("done %d times: %+v", calls.Load(), summary)
	}
}

func short(o *PerformOptions) { o.Lease = 900 * time.Millisecond }

func TestARenewedClaimKeepsATaskThatTakesLongerThanItsLease(t *testing.T) {
	store := newMemory()
	task := save(t, store, "a")
	worker := fileWorker(store, io.Discard, func(ctx context.Context, _ *taskledgerv1.TaskEnvelope, _ *examplev1.FetchFile) error {
		for begin := time.Now(); time.Since(begin) < 2*time.Second; time.Sleep(20 * time.Millisecond) {
			if claim, err := store.Claim(ctx, task, "another", time.Minute); claim != nil || err != nil {
				t.Errorf("another has it: %v, %v", claim, err)
			}
		}
		return ctx.Err()
	})
	expectPerform(t, worker, store, task, options(short), Completed)
	if store.renewals < 3 {
		t.Errorf("renewed %d times", store.renewals)
	}
	renewals := store.renewals
	time.Sleep(400 * time.Millisecond)
	if store.renewals != renewals {
		t.Error("it is renewed for ever")
	}
}

// untilCancelled is a handler that notes why its context was cancelled.
func untilCancelled(cause *error) fileHandler {
	return func(ctx context.Context, _ *taskledgerv1.TaskEnvelope, _ *examplev1.FetchFile) error {
		select {
		case <-ctx.Done():
			*cause = context.Cause(ctx)
			return ctx.Err()
		case <-time.After(10 * time.Second):
			return errors.New("it is not cancelled")
		}
	}
}

func TestAHandlersContextIsCancelledWhenTheClaimIsLost(t *testing.T) {
	for name, lose := range map[string]func(*memory){
		"to another": func(store *memory) {
			store.onRenew = func(context.Context) error {
				store.change("a", func(s *ClaimState) { s.Token, s.Owner, s.Until = s.Token+1, "another", time.Now().Add(time.Hour) })
				return Errorf(ErrClaimLost, "another has it")
			}
		},
		"the store being away": func(store *memory) { store.refuses["renew"] = Errorf(ErrUnavailable, "it is away") },
		"the store giving no answer": func(store *memory) {
			store.onRenew = func(ctx context.Context) error {
				<-ctx.Done()
				return wrap(ErrTimeout, "no answer", ctx.Err())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			lose(store)
			var cause error
			begin := time.Now()
			worker := fileWorker(store, io.Discard, untilCancelled(&cause))
			expectPerform(t, worker, store, save(t, store, "a"), options(short), Failed)
			if took := time.Since(begin); !errors.Is(cause, ErrClaimLost) || took > 900*time.Millisecond {
				t.Errorf("cancelled after %v: %v", took, cause)
			}
			if owner, _ := store.attemptsAt("a"); (owner == "another") != (name == "to another") {
				t.Errorf("%q has it", owner)
			}
		})
	}
}

func TestWhatIsDoneIsCompletedThoughTheClaimWasLost(t *testing.T) {
	store := newMemory()
	store.onRenew = func(context.Context) error { return Errorf(ErrClaimLost, "another has it") }
	worker := fileWorker(store, io.Discard, func(ctx context.Context, _ *taskledgerv1.TaskEnvelope, _ *examplev1.FetchFile) error {
		<-ctx.Done()
		return nil
	})
	expectPerform(t, worker, store, save(t, store, "a"), options(short), Completed)
	if left := store.open(list); len(left) != 0 {
		t.Errorf("open are %v", left)
	}
}

func TestATaskIsCompletedAsItWasGivenThoughItsHandlerMakesTheNextOneOfIt(t *testing.T) {
	store := newMemory()
	worker := fileWorker(store, io.Discard, func(ctx context.Context, task *taskledgerv1.TaskEnvelope, _ *examplev1.FetchFile) error {
		task.Id, task.SavedAt = "next", nil
		return store.Save(ctx, &Task{Envelope: task})
	})
	expectPerform(t, worker, store, save(t, store, "a"), attempts(1), Completed)
	if result, err := worker.Do(context.Background(), save(t, store, "b")); result != Completed || err != nil {
		t.Errorf("got %v, %v", result, err)
	}
	for _, left := range store.open(list) {
		if left.GetId() != "next" {
			t.Errorf("%s is open", left.GetId())
		}
	}
}

func TestCancellingARecoveryReleasesWhatItsHandlersLeave(t *testing.T) {
	store := newMemory()
	for _, id := range []string{"a", "b", "c"} {
		save(t, store, id)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var begun sync.WaitGroup
	begun.Add(2)
	var cause error
	var mutex sync.Mutex
	worker := fileWorker(store, io.Discard, func(ctx context.Context, task *taskledgerv1.TaskEnvelope, file *examplev1.FetchFile) error {
		begun.Done()
		begun.Wait()
		cancel()
		mutex.Lock()
		defer mutex.Unlock()
		return untilCancelled(&cause)(ctx, task, file)
	})
	summary, err := worker.Recover(ctx, store, list, ListOptions{}, PerformOptions{MaxAttempts: 1, DeadLetterList: "dead"})
	if summary != (Summary{Failed: 2}) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", summary, err)
	}
	expectAttempts(t, store, "a", 1)
	claim, err := store.Claim(context.Background(), store.open(list)[0], "another", time.Minute)
	if claim == nil || claim.Attempt != 2 {
		t.Errorf("got %+v, %v", claim, err)
	}
	result, err := worker.Perform(ctx, store, store.open(list)[2], PerformOptions{})
	if result != Failed || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", result, err)
	}
	expectAttempts(t, store, "c", 0)
}

func TestTheCallersDeadlineInterruptsAHandlerAndIsNoFailure(t *testing.T) {
	store := newMemory()
	task := save(t, store, "a")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	var cause error
	result, err := fileWorker(store, io.Discard, untilCancelled(&cause)).Perform(ctx, store, task, options(toDeadLetters))
	if result != Failed || err != nil || !errors.Is(cause, context.DeadlineExceeded) || len(store.open(list)) != 1 {
		t.Errorf("got %v, %v; cancelled since %v", result, err, cause)
	}
	expectAttempts(t, store, "a", 1)
}

func TestAWaitIsAPartOfADelayThatDoublesWithEachAttempt(t *testing.T) {
	terms, err := PerformOptions{}.resolved()
	must(t, err)
	for attempt, most := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 11: 10 * time.Minute, 1e6: 10 * time.Minute,
	} {
		longest := time.Duration(0)
		for range 1000 {
			wait := terms.waitAfter(attempt)
			longest = max(longest, wait)
			if wait < 0 || wait > most {
				t.Fatalf("attempt %d: waits %v", attempt, wait)
			}
		}
		if longest < most/2 {
			t.Errorf("attempt %d: waits %v at most", attempt, longest)
		}
	}
}

func TestTermsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, each := range []struct {
		code    Code
		options PerformOptions
	}{
		{ErrInvalidArgument, PerformOptions{Lease: MinLease - 1}},
		{ErrInvalidArgument, PerformOptions{MaxAttempts: -1}},
		{ErrInvalidArgument, PerformOptions{BackoffInitial: -1}},
		{ErrInvalidArgument, PerformOptions{BackoffMax: -1}},
		{ErrInvalidKey, PerformOptions{DeadLetterList: strings.Repeat("a", 513)}},
	} {
		store := newMemory()
		task := save(t, store, "a")
		worker := fileWorker(store, io.Discard, fails)
		_, performed := worker.Perform(context.Background(), store, task, each.options)
		_, recovered := worker.Recover(context.Background(), store, list, ListOptions{}, each.options)
		if !errors.Is(performed, each.code) || !errors.Is(recovered, each.code) || store.claimsGranted > 0 {
			t.Errorf("got %v, and %v", performed, recovered)
		}
	}
}

func TestAListThatCanNotBeIsNotRecovered(t *testing.T) {
	worker := fileWorker(newMemory(), io.Discard, fails)
	if _, err := worker.Recover(context.Background(), newMemory(), "", ListOptions{}, PerformOptions{}); !errors.Is(err, ErrInvalidKey) {
		t.Errorf("got %v", err)
	}
}

func TestWhatNobodyHereCanDoIsNotClaimed(t *testing.T) {
	store := newMemory()
	task := &Task{Envelope: mail(t, "a")}
	must(t, store.Save(context.Background(), task))
	worker := fileWorker(store, io.Discard, fails)
	expectPerform(t, worker, store, task.Envelope, PerformOptions{}, PassedOver)
	if _, err := worker.Perform(context.Background(), store, newTask(t, "b"), PerformOptions{}); !errors.Is(err, ErrNotSaved) {
		t.Errorf("got %v", err)
	}
	if store.claimsGranted > 0 {
		t.Error("it is claimed")
	}
}
