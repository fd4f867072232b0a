package taskledger

import (
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

// The results of Do.
const (
	// Completed tasks are done.
	Completed Result = iota
	// Failed tasks stay open: their handler returned an error, or they could not be completed.
	Failed
	// PassedOver tasks stay open: nobody here can do them.
	PassedOver
)

// Summary is how many tasks came to what. Unread are frames that hold no tasks.
type Summary struct{ Completed, Failed, PassedOver, Unread int }

func (s *Summary) add(result Result) {
	switch result {
	case Completed:
		s.Completed++
	case Failed:
		s.Failed++
	case PassedOver:
		s.PassedOver++
	}
}

// Do does a task and completes it. The error is ErrNotSaved for a task without a version, what the handler returns, an error
// with its panic, or what the store returns when the task is completed.
func (w *Worker) Do(ctx context.Context, task *taskledgerv1.TaskEnvelope) (Result, error) {
	if _, err := SavedVersion(task); err != nil {
		return Failed, err
	}
	data := DecodeData(task, w.types)
	if data == nil {
		w.tellPassedOver(ctx, task)
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

// Run does the tasks of a stream of frames, up to its end. A task that fails, is of an unknown type, or was never saved, and a
// frame that can't be read, are logged and counted, and keep nobody else from being done. The error is the stream's,
// ErrTruncated or ErrTooLarge, after what came before is done, or the context's.
func (w *Worker) Run(ctx context.Context, stream io.Reader) (Summary, error) {
	frames := NewFrameReader(stream, MaxFrameBytes)
	return w.doAll(ctx, func(yield func(*taskledgerv1.TaskEnvelope, error) bool) {
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
				} else if IsBatch(frame) {
					task = proto.CloneOf(task) // tasks of a batch share their headers, and handlers may change them
				}
				if !yield(task, err) {
					return
				}
			}
		}
	})
}

// RunOpen does the open tasks of a list, as Run does those of a stream.
func (w *Worker) RunOpen(ctx context.Context, store Store, taskList string, options ListOptions) (Summary, error) {
	return w.doAll(ctx, store.OpenTasks(ctx, taskList, options))
}

// unreadError is of a frame that others may follow.
type unreadError struct {
	size  int
	cause error
}

func (e *unreadError) Error() string {
	return fmt.Sprintf("a frame of %d bytes can't be read: %v", e.size, e.cause)
}

// doAll takes no more tasks than there are handlers at once.
func (w *Worker) doAll(ctx context.Context, tasks iter.Seq2[*taskledgerv1.TaskEnvelope, error]) (Summary, error) {
	var summary Summary
	var mutex sync.Mutex
	var running sync.WaitGroup
	free := make(chan struct{}, w.concurrency)
	defer running.Wait()
	for task, err := range tasks {
		var unread *unreadError
		switch {
		case errors.As(err, &unread):
			w.logger.ErrorContext(ctx, unread.Error())
			mutex.Lock()
			summary.Unread++
			mutex.Unlock()
			continue
		case err != nil:
			running.Wait()
			return summary, err
		}
		select {
		case <-ctx.Done():
			running.Wait()
			return summary, ctx.Err()
		case free <- struct{}{}:
		}
		// Where both are ready, select takes either.
		if err := ctx.Err(); err != nil {
			running.Wait()
			return summary, err
		}
		running.Add(1)
		go func() {
			defer running.Done()
			w.try(ctx, task, func(result Result) {
				mutex.Lock()
				summary.add(result)
				mutex.Unlock()
				<-free
			})
		}()
	}
	running.Wait()
	return summary, ctx.Err()
}

// errGoexit is the error of a handler that ended its goroutine, as t.Fatal does.
var errGoexit = errors.New("the handler called runtime.Goexit")

// try does a task and reports the result, however its handler ends.
func (w *Worker) try(ctx context.Context, task *taskledgerv1.TaskEnvelope, tell func(Result)) {
	result, err := Failed, errGoexit
	defer func() {
		defer tell(result)
		if err != nil {
			attributes := []any{"list", task.GetTaskList(), "id", task.GetId(), "error", readable(err)}
			w.logger.ErrorContext(ctx, "task failed; it stays open", attributes...)
		}
	}()
	result, err = w.Do(ctx, task)
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

// call turns a handler's panic into an error: it must not take the other handlers along.
func call(ctx context.Context, do handler, task *taskledgerv1.TaskEnvelope, data proto.Message) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if failed, ok := cause.(error); ok {
				cause = readable(failed)
			}
			err = fmt.Errorf("the handler panicked: %v\n%s", cause, debug.Stack())
		}
	}()
	return do(ctx, task, data)
}
