package taskledger

import (
	"bytes"
	"context"
	"errors"
	"io"
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

// completed notes what is completed.
type completed struct {
	mutex sync.Mutex
	ids   []string
}

func (c *completed) Complete(_ context.Context, task *taskledgerv1.TaskEnvelope) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.ids = append(c.ids, task.GetId())
	return nil
}

// workerOf fails for files whose names begin with "bad", and panics for those that begin with "worse".
func workerOf(store Completer, log io.Writer, concurrency int) *Worker {
	worker := NewWorker(store, WorkerOptions{concurrency, slog.New(slog.NewTextHandler(log, nil))})
	Handle(worker, func(_ context.Context, _ *taskledgerv1.TaskEnvelope, file *examplev1.FetchFile) error {
		if strings.HasPrefix(file.GetFilename(), "worse") {
			panic("it panicked")
		}
		if strings.HasPrefix(file.GetFilename(), "bad") {
			return errors.New("it failed")
		}
		return nil
	})
	return worker
}

func saved(t *testing.T, id string) *taskledgerv1.TaskEnvelope {
	t.Helper()
	return WithVersion(newTask(t, id), 1_767_323_046_000_000)
}

func mail(t *testing.T, id string) *taskledgerv1.TaskEnvelope {
	t.Helper()
	envelope, err := NewEnvelope("datto.com", id, &examplev1.SendMail{})
	must(t, err)
	return WithVersion(envelope, 1_767_323_046_000_000)
}

func streamOf(t *testing.T, messages ...[]byte) *bytes.Buffer {
	t.Helper()
	var stream bytes.Buffer
	for _, each := range messages {
		must(t, WriteFrame(&stream, each))
	}
	return &stream
}

func TestWhatFailsIsLoggedAndKeepsNobodyElseFromBeingDone(t *testing.T) {
	var store completed
	var log bytes.Buffer
	frames := [][]byte{
		encode(t, saved(t, "bad")), encode(t, saved(t, "worse")), []byte("no envelope"), encode(t, newTask(t, "unsaved")),
		encode(t, mail(t, "a")), encode(t, mail(t, "b")), {}, encode(t, saved(t, "good")),
	}
	summary, err := workerOf(&store, &log, 1).Run(context.Background(), streamOf(t, frames...))
	must(t, err)
	if want := (Summary{Completed: 1, Failed: 3, PassedOver: 2, Unread: 2}); summary != want || !slices.Equal(store.ids, []string{"good"}) {
		t.Errorf("got %+v, and %v", summary, store.ids)
	}
	if strings.Count(log.String(), "there is no handler") != 1 || !strings.Contains(log.String(), "id=bad error=\"it failed\"") {
		t.Errorf("logged %s", &log)
	}
	if !strings.Contains(log.String(), "it panicked") || !strings.Contains(log.String(), "NOT_SAVED") {
		t.Errorf("logged %s", &log)
	}
}

// mute is an error that has no words.
type mute struct{ words *string }

func (m *mute) Error() string { return *m.words }
func (m mute) String() string { return *m.words }

func TestHoweverAHandlerEndsItIsLoggedAndKeepsNobodyElseFromBeingDone(t *testing.T) {
	fails := func(err error) func() error { return func() error { return err } }
	panics := func(value any) func() error { return func() error { panic(value) } }
	cases := []struct {
		name, logged string
		end          func() error
	}{
		{"an error whose Error panics", "PANIC=Error method", fails(&mute{})},
		{"a nil pointer as an error", "a nil *taskledger.mute", fails((*mute)(nil))},
		{"errors of which one's Error panics", "PANIC=Error method", fails(errors.Join(io.EOF, &mute{}))},
		{"an error that is no UTF-8", "is no text", fails(errors.New("\xff is no text"))},
		{"an error without words", "task failed; it stays open", fails(errors.New(""))},
		{"a panic without a value", "panic called with nil argument", panics(nil)},
		{"a panic with an error whose Error panics", "PANIC=Error method", panics(&mute{})},
		{"a panic with a nil pointer as an error", "a nil *taskledger.mute", panics((*mute)(nil))},
		{"a panic with a value whose String panics", "PANIC=String method", panics(mute{})},
		{"a panic of the runtime", "interface conversion", func() error {
			var found any = "text"
			_ = found.(int)
			return nil
		}},
		{"a goroutine that ends", "runtime.Goexit", func() error {
			runtime.Goexit()
			return nil
		}},
	}
	for _, each := range cases {
		t.Run(each.name, func(t *testing.T) {
			var store completed
			var text, json bytes.Buffer
			for log, handler := range map[*bytes.Buffer]slog.Handler{
				&text: slog.NewTextHandler(&text, nil),
				&json: slog.NewJSONHandler(&json, nil),
			} {
				worker := NewWorker(&store, WorkerOptions{Logger: slog.New(handler)})
				Handle(worker, func(_ context.Context, task *taskledgerv1.TaskEnvelope, _ *examplev1.FetchFile) error {
					if task.GetId() == "odd" {
						return each.end()
					}
					return nil
				})
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				summary, err := worker.Run(ctx, streamOf(t, encode(t, saved(t, "odd")), encode(t, saved(t, "good"))))
				if err != nil || summary != (Summary{Completed: 1, Failed: 1}) {
					t.Errorf("got %+v, %v", summary, err)
				}
				if !strings.Contains(log.String(), "odd") || !strings.Contains(log.String(), each.logged) {
					t.Errorf("logged %s", log)
				}
			}
			if !slices.Equal(store.ids, []string{"good", "good"}) {
				t.Errorf("completed %v", store.ids)
			}
		})
	}
}

func TestATaskThatWasNeverSavedIsNotDone(t *testing.T) {
	var store completed
	if _, err := workerOf(&store, io.Discard, 1).Do(context.Background(), newTask(t, "a")); !errors.Is(err, ErrNotSaved) {
		t.Errorf("got %v", err)
	}
}

func TestADamagedTaskIsPassedOverAndLogged(t *testing.T) {
	var store completed
	var log bytes.Buffer
	result, err := workerOf(&store, &log, 1).Do(context.Background(), StoredTask("l", "i", 1, []byte{0xff}))
	if result != PassedOver || err != nil || !strings.Contains(log.String(), "holds bytes that are no task") {
		t.Errorf("got %v, %v; logged %s", result, err, &log)
	}
}

func TestATruncatedStreamIsToldAfterWhatCameBeforeIsDone(t *testing.T) {
	var store completed
	whole := streamOf(t, encode(t, saved(t, "a")), encode(t, saved(t, "b"))).Bytes()
	summary, err := workerOf(&store, io.Discard, 1).Run(context.Background(), bytes.NewReader(whole[:len(whole)-1]))
	if !errors.Is(err, ErrTruncated) || summary.Completed != 1 {
		t.Errorf("got %+v, %v", summary, err)
	}
}

func TestFourHandlersRunAtOnceAndNoMore(t *testing.T) {
	var store completed
	var mutex sync.Mutex
	var running, most int
	count := func(change int) {
		mutex.Lock()
		defer mutex.Unlock()
		running += change
		most = max(most, running)
	}
	var together sync.WaitGroup
	together.Add(4)
	worker := NewWorker(&store, WorkerOptions{Concurrency: 4})
	var first atomic.Int32
	Handle(worker, func(context.Context, *taskledgerv1.TaskEnvelope, *examplev1.FetchFile) error {
		count(1)
		defer count(-1)
		if first.Add(1) <= 4 {
			together.Done()
			together.Wait()
		}
		return nil
	})
	var frames [][]byte
	for i := range 16 {
		frames = append(frames, encode(t, saved(t, string(rune('a'+i)))))
	}
	summary, err := worker.Run(context.Background(), streamOf(t, frames...))
	must(t, err)
	if summary.Completed != 16 || most != 4 {
		t.Errorf("got %+v, and %d at once", summary, most)
	}
}

func TestHandlersOfOneBatchMayChangeTheirTasks(t *testing.T) {
	shared := WithVersion(newTask(t, "a"), 1_767_323_046_000_000)
	shared.Id, shared.Headers = "", map[string]string{"shared": "1"}
	ids := []string{"a", "b", "c", "d"}
	data := slices.Repeat([][]byte{shared.Data.Value}, len(ids))
	shared.Data.Value = nil
	group := &taskledgerv1.TaskGroup{Shared: shared, Ids: ids, Data: data}
	batch, err := proto.Marshal(&taskledgerv1.TaskBatch{Groups: []*taskledgerv1.TaskGroup{group}})
	must(t, err)
	worker := NewWorker(&completed{}, WorkerOptions{Concurrency: len(ids)})
	var together sync.WaitGroup
	together.Add(len(ids))
	Handle(worker, func(_ context.Context, task *taskledgerv1.TaskEnvelope, _ *examplev1.FetchFile) error {
		task.Headers[task.Id] = "own"
		together.Done()
		together.Wait()
		if len(task.Headers) != 2 {
			t.Errorf("%s has %v", task.Id, task.Headers)
		}
		return nil
	})
	summary, err := worker.Run(context.Background(), streamOf(t, batch))
	must(t, err)
	if summary.Completed != len(ids) {
		t.Errorf("got %+v", summary)
	}
}

func TestCancellingEndsARunAndItsHandlers(t *testing.T) {
	var store completed
	ctx, cancel := context.WithCancel(context.Background())
	worker := NewWorker(&store, WorkerOptions{Logger: slog.New(slog.DiscardHandler)})
	Handle(worker, func(ctx context.Context, _ *taskledgerv1.TaskEnvelope, _ *examplev1.FetchFile) error {
		cancel()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Second):
			return nil
		}
	})
	summary, err := worker.Run(ctx, streamOf(t, encode(t, saved(t, "a")), encode(t, saved(t, "b"))))
	if !errors.Is(err, context.Canceled) || summary.Failed != 1 || len(store.ids) != 0 {
		t.Errorf("got %+v, %v", summary, err)
	}
}

func TestATypeHasOneHandler(t *testing.T) {
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, ErrDuplicateType) {
			t.Errorf("got %v", err)
		}
	}()
	Handle(workerOf(&completed{}, io.Discard, 1), func(context.Context, *taskledgerv1.TaskEnvelope, *examplev1.FetchFile) error { return nil })
}
