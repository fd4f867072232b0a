package taskledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

// WorkerOptions of NewWorker. Those left zero have the values that are said.
type WorkerOptions struct {
	// Concurrency is how many handlers run at once; 1.
	Concurrency int
	// Logger is told of what fails and of what is passed over; slog.Default().
	Logger *slog.Logger
}

// Worker does tasks, each by the handler of its type, and completes those that were done. It is safe for concurrent use once it
// has its handlers.
type Worker struct {
	store       Completer
	concurrency int
	logger      *slog.Logger
	types       Types
	handlers    map[protoreflect.FullName]handler
	unknown     sync.Map // types that were told of
}

type handler func(context.Context, *taskledgerv1.TaskEnvelope, proto.Message) error

// NewWorker completes tasks in a store.
func NewWorker(store Completer, options WorkerOptions) *Worker {
	logger := options.Logger
	if logger == nil {
		logger = slog.Default()
	}
	return &Worker{
		store:       store,
		concurrency: max(1, options.Concurrency),
		logger:      logger,
		types:       Types{},
		handlers:    map[protoreflect.FullName]handler{},
	}
}

// Handle gives tasks of a message's type to a function. What that returns, if it is not nil, leaves the task open, to be done
// again. It panics if the type has a handler already.
//
//	taskledger.Handle(worker, func(ctx context.Context, task *taskledgerv1.TaskEnvelope, mail *acmev1.SendMail) error { … })
func Handle[M proto.Message](w *Worker, do func(ctx context.Context, task *taskledgerv1.TaskEnvelope, data M) error) {
	var message M
	known := message.ProtoReflect().Type()
	name := known.Descriptor().FullName()
	if w.handlers[name] != nil {
		panic(Errorf(ErrDuplicateType, "%s has a handler already", name))
	}
	w.types[name] = known
	w.handlers[name] = func(ctx context.Context, task *taskledgerv1.TaskEnvelope, data proto.Message) error {
		return do(ctx, task, data.(M))
	}
}

// Result is what came of a task.
type Result int

// The results of Do and Perform.
const (
	// Completed tasks are done.
	Completed Result = iota
	// Failed tasks stay open: their handler returned an error, or they could not be completed.
	Failed
	// PassedOver tasks stay open: nobody here can do them, another has them, or they were given up before.
	PassedOver
	// GivenUp tasks have been tried as often as they may be: they are in the dead-letter list now or, without one, stay open.
	GivenUp
)

func (r Result) String() string {
	return [...]string{"completed", "failed", "passed over", "given up"}[r]
}

// Summary is how many tasks came to what. Unread are frames that hold no tasks.
type Summary struct{ Completed, Failed, PassedOver, GivenUp, Unread int }

func (s *Summary) add(result Result) {
	switch result {
	case Completed:
		s.Completed++
	case Failed:
		s.Failed++
	case PassedOver:
		s.PassedOver++
	case GivenUp:
		s.GivenUp++
	}
}

// Do does a task and completes it. The error is ErrNotSaved for a task without a version, what the handler returns, an error
// with its panic, or what the store returns when the task is completed.
func (w *Worker) Do(ctx context.Context, task *taskledgerv1.TaskEnvelope) (Result, error) {
	data, err := w.dataOf(ctx, task)
	if err != nil {
		return Failed, err
	}
	if data == nil {
		return PassedOver, nil
	}
	if err := call(ctx, w.handlers[TypeOf(task)], task, data); err != nil {
		return Failed, err
	}
	if err := w.store.Complete(ctx, task); err != nil {
		return Failed, err
	}
	return Completed, nil
}

// dataOf is what a saved task's handler gets; nil, which is told, if nobody here can do it.
func (w *Worker) dataOf(ctx context.Context, task *taskledgerv1.TaskEnvelope) (proto.Message, error) {
	if _, err := SavedVersion(task); err != nil {
		return nil, err
	}
	data := DecodeData(task, w.types)
	if data == nil {
		w.tellPassedOver(ctx, task)
	}
	return data, nil
}

// Run does the tasks of a stream of frames, up to its end. A task that fails, is of an unknown type, or was never saved, and a
// frame that can't be read, are logged and counted, and keep nobody else from being done. The error is the stream's,
// ErrTruncated or ErrTooLarge, after what came before is done, or the context's.
func (w *Worker) Run(ctx context.Context, stream io.Reader) (Summary, error) {
	frames := NewFrameReader(stream, MaxFrameBytes)
	tasks := func(yield func(*taskledgerv1.TaskEnvelope, error) bool) {
		for {
			frame, err := frames.Next()
			if errors.Is(err, io.EOF) && !errors.Is(err, ErrTruncated) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for task, err := range TasksOf(frame) {
				if err != nil {
					err = &unreadError{len(frame), err}
				}
				if !yield(task, err) {
					return
				}
			}
		}
	}
	return w.doAll(ctx, tasks, w.try)
}

// unreadError is of a frame that others may follow.
type unreadError struct {
	size  int
	cause error
}

func (e *unreadError) Error() string {
	return fmt.Sprintf("a frame of %d bytes can't be read: %v", e.size, e.cause)
}

// doAll takes no more tasks than there are handlers at once. An error of do ends it.
func (w *Worker) doAll(
	ctx context.Context,
	tasks iter.Seq2[*taskledgerv1.TaskEnvelope, error],
	do func(context.Context, *taskledgerv1.TaskEnvelope) (Result, error),
) (Summary, error) {
	all := &running{free: make(chan struct{}, w.concurrency)}
	defer all.goroutines.Wait()
	var ended error
	for task, err := range tasks {
		var unread *unreadError
		if errors.As(err, &unread) {
			w.logger.ErrorContext(ctx, unread.Error())
			all.note(func() { all.summary.Unread++ })
			continue
		}
		if err == nil {
			err = all.waitForOne(ctx)
		}
		if err != nil {
			ended = err
			break
		}
		all.goroutines.Add(1)
		go all.do(func() (Result, error) { return do(ctx, task) })
	}
	all.goroutines.Wait()
	return all.summary, cmp.Or(ended, all.failed, ctx.Err())
}

// running are the tasks that are done at once.
type running struct {
	free       chan struct{}
	goroutines sync.WaitGroup
	mutex      sync.Mutex
	summary    Summary
	failed     error
}

func (r *running) note(change func()) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	change()
}

// waitForOne waits until another may be begun. The error is of one that was, or the context's.
func (r *running) waitForOne(ctx context.Context) (err error) {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case r.free <- struct{}{}:
	}
	r.note(func() { err = r.failed })
	return cmp.Or(err, ctx.Err()) // where both are ready, select takes either
}

// do counts the result of a task, also if its handler ends the goroutine.
func (r *running) do(do func() (Result, error)) {
	result, err := Failed, error(nil)
	defer func() {
		r.note(func() {
			r.summary.add(result)
			r.failed = cmp.Or(r.failed, err)
		})
		<-r.free
		r.goroutines.Done()
	}()
	result, err = do()
}

// errGoexit is the error of a handler that ended its goroutine, as t.Fatal does.
var errGoexit = errors.New("the handler called runtime.Goexit")

// try does a task, and logs why it failed, however its handler ends.
func (w *Worker) try(ctx context.Context, task *taskledgerv1.TaskEnvelope) (Result, error) {
	result, err := Failed, errGoexit
	defer func() {
		if err != nil {
			attributes := []any{"list", task.GetTaskList(), "id", task.GetId(), "error", readable(err)}
			w.logger.ErrorContext(ctx, "task failed; it stays open", attributes...)
		}
	}()
	result, err = w.Do(ctx, task)
	return result, nil
}

// readable returns an error whose Error does not panic. A nil pointer is named by its type.
func readable(err error) error {
	if value := reflect.ValueOf(err); value.Kind() == reflect.Pointer && value.IsNil() {
		return fmt.Errorf("a nil %T", err)
	}
	if text := fmt.Sprint(err); strings.Contains(text, "(PANIC=") { // which is what fmt makes of a panic
		return errors.New(text)
	}
	return err
}

// tellPassedOver logs unknown types once, and other problems each time.
func (w *Worker) tellPassedOver(ctx context.Context, task *taskledgerv1.TaskEnvelope) {
	name := TypeOf(task)
	_, hasHandler := w.handlers[name]
	attributes := []any{"list", task.GetTaskList(), "id", task.GetId(), "type", name}
	switch {
	case IsDamaged(task):
		w.logger.ErrorContext(ctx, "task passed over: its store holds bytes that are no task", attributes...)
	case hasHandler:
		w.logger.ErrorContext(ctx, "task passed over: its data does not decode", attributes...)
	default:
		if _, wasTold := w.unknown.LoadOrStore(name, true); !wasTold {
			w.logger.WarnContext(ctx, "tasks of this type are passed over: there is no handler for it", attributes...)
		}
	}
}

// panicError is of a handler that panicked.
type panicError struct {
	reason string
	stack  []byte
}

func (e *panicError) Error() string { return e.reason + "\n" + string(e.stack) }

// call turns a handler's panic into an error: it must not take the other handlers along. The handler has a task of its own, since
// it may make the next one of it: what it was given is to be completed, and shares its headers with others of its batch.
func call(ctx context.Context, do handler, task *taskledgerv1.TaskEnvelope, data proto.Message) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if failed, ok := cause.(error); ok {
				cause = readable(failed)
			}
			err = &panicError{fmt.Sprintf("the handler panicked: %v", cause), debug.Stack()}
		}
	}()
	return do(ctx, proto.CloneOf(task), data)
}

// callApart calls a handler in a goroutine of its own: that it may end it is an error, too.
func callApart(ctx context.Context, do handler, task *taskledgerv1.TaskEnvelope, data proto.Message) error {
	ended := make(chan error, 1)
	go func() {
		err := errGoexit
		defer func() { ended <- err }()
		err = call(ctx, do, task, data)
	}()
	return <-ended
}
