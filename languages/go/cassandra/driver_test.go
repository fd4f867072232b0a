package cassandra

// What the tests in test/languages ask of each language: this package's test binary is their driver if TASKLEDGER_DRIVER is set.
//
//	serve                   answers commands, one JSON object a line
//	work CASSANDRA          does the tasks that come as frames, four at once, and completes them
//	list CASSANDRA LIST     names the open tasks of a list
//	measure CASSANDRA LIST  lists them, and says how long that took
//	fail CASSANDRA NAMES    makes the errors of test/languages/failures.cassandra.test.ts

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	taskledger "github.com/taskledger/taskledger/languages/go"
	examplev1 "github.com/taskledger/taskledger/languages/go/internal/gen/example/v1"
	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

func TestMain(m *testing.M) {
	if os.Getenv("TASKLEDGER_DRIVER") == "" {
		os.Exit(m.Run())
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if err := drive(context.Background(), os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func drive(ctx context.Context, arguments []string) error {
	switch arguments[0] {
	case "serve":
		return serve(ctx)
	case "work":
		return work(ctx, arguments[1])
	case "list":
		return listOpen(ctx, arguments[1], arguments[2])
	case "measure":
		return measure(ctx, arguments[1], arguments[2])
	}
	return fail(ctx, arguments[1], arguments[2])
}

type cassandra struct {
	Hosts                []string
	Port                 int
	DataCenter, Keyspace string
	Credentials          *struct{ Username, Password string }
}

func connect(c cassandra) (*gocql.Session, error) {
	cluster := gocql.NewCluster(c.Hosts...)
	cluster.Port = c.Port
	cluster.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.DCAwareRoundRobinPolicy(c.DataCenter))
	if c.Credentials != nil {
		cluster.Authenticator = gocql.PasswordAuthenticator{Username: c.Credentials.Username, Password: c.Credentials.Password}
	}
	return cluster.CreateSession()
}

type command struct {
	Op, ID, TaskList, Fault, Type, Decoder string
	Store                                  cassandra
	ClockLimit, Now, ServerNow             int64 `json:",string"`
	Envelope, Descriptors, Input           []byte
	Alone                                  bool
	Repeats                                int
	Replaced                               []string
	Claim                                  plainClaim
	Owner, DeadLetterList                  string
	Lease, RetryIn                         float64 // milliseconds
	MaxAttempts                            int
}

// plainClaim is a claim as it passes between processes.
type plainClaim struct {
	TaskList string `json:"task_list"`
	ID       string `json:"id"`
	SavedAt  int64  `json:"saved_at,string"`
	Owner    string `json:"owner"`
	Token    int64  `json:"token,string"`
	Attempt  int    `json:"attempt"`
	Until    int64  `json:"until"`
}

func plain(c *taskledger.Claim) *plainClaim {
	if c == nil {
		return nil
	}
	return &plainClaim{c.TaskList, c.ID, c.SavedAt, c.Owner, c.Token, c.Attempt, c.Until.UnixMilli()}
}

func (c plainClaim) claim() taskledger.Claim {
	return taskledger.Claim{TaskList: c.TaskList, ID: c.ID, SavedAt: c.SavedAt, Owner: c.Owner, Token: c.Token, Attempt: c.Attempt,
		Until: time.UnixMilli(c.Until)}
}

func milliseconds(count float64) time.Duration {
	return time.Duration(count * float64(time.Millisecond))
}

// server answers commands. The ledger's clock stands where each command puts it.
type server struct {
	session   *gocql.Session
	store     *Store
	now       int64
	serverNow int64
	fault     string
}

// faultySession loses the answers to batches, or the batches themselves, when it is told to; its clock stands where it is put.
type faultySession struct {
	session
	server *server
}

func (f faultySession) apply(ctx context.Context, statements []statement) error {
	if f.server.fault != "request" {
		if err := f.session.apply(ctx, statements); err != nil {
			return err
		}
	}
	if f.server.fault == "" {
		return nil
	}
	// As an error that is not tried again.
	return &taskledger.Error{Code: taskledger.ErrTimeout, MayApply: true, Reason: "the " + f.server.fault + " was lost"}
}

func (f faultySession) read(ctx context.Context, query statement) ([]row, error) {
	if strings.Contains(query.cql, "toUnixTimestamp") {
		return []row{{"now": f.server.serverNow / 1000}}, nil
	}
	return f.session.read(ctx, query)
}

func (s *server) answer(ctx context.Context, c command) (any, error) {
	s.now, s.serverNow, s.fault = c.Now, c.ServerNow, c.Fault
	switch c.Op {
	case "open":
		return struct{}{}, s.open(ctx, c)
	case "save":
		return s.save(ctx, c)
	case "complete":
		envelope, err := taskledger.Decode(c.Envelope, taskledger.MaxTaskBytes)
		if err != nil {
			return nil, err
		}
		return map[string]any{"error": errorOf(s.store.Complete(ctx, envelope))}, nil
	case "cost":
		return cost(c)
	case "find":
		envelope, err := s.store.Find(ctx, c.TaskList, c.ID)
		if err != nil || envelope == nil {
			return map[string]any{"envelope": nil}, err
		}
		data, err := taskledger.Encode(envelope)
		return map[string]any{"envelope": data}, err
	case "list":
		return s.list(ctx, c)
	case "passOn":
		return passOn(c)
	case "claim":
		envelope, err := taskledger.Decode(c.Envelope, taskledger.MaxTaskBytes)
		if err != nil {
			return nil, err
		}
		claim, err := s.store.Claim(ctx, envelope, c.Owner, milliseconds(c.Lease))
		return map[string]any{"claim": plain(claim)}, err
	case "renew":
		claim, err := s.store.Renew(ctx, c.Claim.claim(), milliseconds(c.Lease))
		if err != nil {
			return map[string]any{"claim": nil, "error": errorOf(err)}, nil
		}
		return map[string]any{"claim": plain(&claim), "error": nil}, nil
	case "release":
		return struct{}{}, s.store.Release(ctx, c.Claim.claim(), milliseconds(c.RetryIn))
	case "forget":
		return struct{}{}, s.store.Forget(ctx, c.Claim.claim())
	case "performInVain":
		return s.performInVain(ctx, c)
	}
	return nil, fmt.Errorf("unknown command %q", c.Op)
}

func (s *server) open(ctx context.Context, c command) error {
	var err error
	if s.session == nil {
		if s.session, err = connect(c.Store); err != nil {
			return err
		}
	}
	config := Config{Keyspace: c.Store.Keyspace, DataCenter: c.Store.DataCenter, Deadline: 30 * time.Second}
	if c.ClockLimit == 0 { // it works by the host's clock
		s.store, err = Open(ctx, s.session, config)
		return err
	}
	config.Clock, err = taskledger.NewVersionClock(func() int64 { return s.now }, time.Duration(c.ClockLimit)*time.Microsecond)
	if err != nil {
		return err
	}
	faulty := func(consistency gocql.Consistency) session {
		return faultySession{&gocqlSession{s.session, consistency}, s}
	}
	s.store, err = open(ctx, faulty, config)
	return err
}

func (s *server) save(ctx context.Context, c command) (any, error) {
	envelope, err := taskledger.Decode(c.Envelope, taskledger.MaxTaskBytes)
	if err != nil {
		return nil, err
	}
	task := &taskledger.Task{Envelope: envelope}
	for _, text := range c.Replaced {
		version, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, err
		}
		task.Replaced = append(task.Replaced, version)
	}
	failed := s.store.Save(ctx, task)
	replaced := []string{}
	for _, version := range task.Replaced {
		replaced = append(replaced, strconv.FormatInt(version, 10))
	}
	data, err := taskledger.Encode(task.Envelope)
	return map[string]any{"envelope": data, "replaced": replaced, "error": errorOf(failed)}, err
}

func (s *server) list(ctx context.Context, c command) (any, error) {
	envelopes := [][]byte{}
	for envelope, err := range s.store.OpenTasks(ctx, c.TaskList, taskledger.ListOptions{}) {
		if err != nil {
			return nil, err
		}
		data, err := taskledger.Encode(envelope)
		if err != nil {
			return nil, err
		}
		envelopes = append(envelopes, data)
	}
	return map[string]any{"envelopes": envelopes}, nil
}

// performInVain does a task by a handler that fails.
func (s *server) performInVain(ctx context.Context, c command) (any, error) {
	envelope, err := taskledger.Decode(c.Envelope, taskledger.MaxTaskBytes)
	if err != nil {
		return nil, err
	}
	w := taskledger.NewWorker(s.store, taskledger.WorkerOptions{})
	taskledger.Handle(w, func(context.Context, *taskledgerv1.TaskEnvelope, *examplev1.FetchFile) error {
		return errors.New("no such host")
	})
	options := taskledger.PerformOptions{
		MaxAttempts: c.MaxAttempts, DeadLetterList: c.DeadLetterList, BackoffInitial: time.Nanosecond, BackoffMax: time.Nanosecond,
	}
	result, err := w.Perform(ctx, s.store, envelope, options)
	return map[string]any{"result": result.String()}, err
}

// passOn decodes and encodes data by a schema of the command's, in binary and by way of the hash.
func passOn(c command) (any, error) {
	types, err := typesOf(c.Descriptors, protoreflect.FullName(c.Type))
	if err != nil {
		return nil, err
	}
	envelope, err := taskledger.Decode(c.Envelope, taskledger.MaxTaskBytes)
	if err != nil {
		return nil, err
	}
	if data := taskledger.DecodeData(envelope, types); data != nil {
		if envelope.Data.Value, err = (proto.MarshalOptions{Deterministic: true}).Marshal(data); err != nil {
			return nil, err
		}
	}
	hash, err := taskledger.ToHash(envelope, types)
	if err != nil {
		return nil, err
	}
	read, err := taskledger.FromHash(hash, taskledger.MaxTaskBytes, types, false)
	if err != nil {
		return nil, err
	}
	binary, err := taskledger.Encode(envelope)
	if err != nil {
		return nil, err
	}
	viaHash, err := taskledger.Encode(read)
	return map[string]any{"envelope": binary, "hash": string(hash), "read": viaHash}, err
}

// typesOf knows the message of that name; nothing where the schema has none.
func typesOf(descriptors []byte, name protoreflect.FullName) (taskledger.Types, error) {
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(descriptors, set); err != nil {
		return nil, err
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, err
	}
	found, err := files.FindDescriptorByName(name)
	if err != nil {
		return taskledger.Types{}, nil
	}
	return taskledger.Types{name: dynamicpb.NewMessageType(found.(protoreflect.MessageDescriptor))}, nil
}

// cost is what it takes to read some input and keep what it stands for: milliseconds of the processors, and all memory that is
// allocated.
func cost(c command) (any, error) {
	read := readers[c.Decoder]
	if c.Alone {
		read = library[c.Decoder]
	}
	var before, after runtime.MemStats
	var usedBefore, usedAfter syscall.Rusage
	runtime.GC()
	runtime.ReadMemStats(&before)
	read(c.Input)
	runtime.ReadMemStats(&after)
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usedBefore); err != nil {
		return nil, err
	}
	for range c.Repeats {
		read(c.Input)
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usedAfter); err != nil {
		return nil, err
	}
	nanoseconds := usedAfter.Utime.Nano() + usedAfter.Stime.Nano() - usedBefore.Utime.Nano() - usedBefore.Stime.Nano()
	time := float64(nanoseconds) / 1e6 / float64(c.Repeats)
	return map[string]any{"time": time, "memory": after.TotalAlloc - before.TotalAlloc}, nil
}

var known = taskledger.NewTypes(&examplev1.CopyFile{}, &examplev1.EveryKind{}, &examplev1.FetchFile{},
	&examplev1.IndexCatalogue{}, &examplev1.SendMail{}, &examplev1.TranscodeVideo{})

// readers give what input stands for; that it is refused takes time and memory, too.
var readers = map[string]func([]byte) any{
	"batch": func(data []byte) any {
		kept, _ := keepTasks(nil, taskledger.DecodeBatch(data, taskledger.MaxTaskBytes))
		return kept
	},
	"binary": func(data []byte) any {
		envelope, err := taskledger.Decode(data, taskledger.MaxTaskBytes)
		if err != nil {
			return err
		}
		return []any{envelope, taskledger.DecodeData(envelope, known)}
	},
	"frames": keepFrames,
	"hash": func(data []byte) any {
		envelope, err := taskledger.FromHash(data, taskledger.MaxTaskBytes, known, false)
		return []any{envelope, err}
	},
}

// library is what protobuf alone does instead.
var library = map[string]func([]byte) any{
	"binary": func(data []byte) any {
		envelope := &taskledgerv1.TaskEnvelope{}
		if err := proto.Unmarshal(data, envelope); err != nil {
			return err
		}
		message := known[taskledger.TypeOf(envelope)].New().Interface()
		return []any{envelope, message, proto.Unmarshal(envelope.GetData().GetValue(), message)}
	},
	"hash": func(data []byte) any {
		envelope := &taskledgerv1.TaskEnvelope{}
		return []any{envelope, protojson.Unmarshal(data, envelope)}
	},
}

func keepFrames(stream []byte) any {
	reader := taskledger.NewFrameReader(bytes.NewReader(stream), taskledger.MaxFrameBytes)
	var kept []*taskledgerv1.TaskEnvelope
	for {
		frame, err := reader.Next()
		if err == nil {
			kept, err = keepTasks(kept, taskledger.TasksOf(frame))
		}
		if err != nil {
			return kept
		}
	}
}

func keepTasks(kept []*taskledgerv1.TaskEnvelope, tasks iter.Seq2[*taskledgerv1.TaskEnvelope, error]) (
	[]*taskledgerv1.TaskEnvelope, error,
) {
	for task, err := range tasks {
		if err != nil {
			return kept, err
		}
		kept = append(kept, task)
	}
	return kept, nil
}

func errorOf(err error) any {
	var coded *taskledger.Error
	if !errors.As(err, &coded) {
		return err
	}
	outcome := "not-applied"
	if coded.MayApply {
		outcome = "unknown"
	}
	return map[string]any{"code": coded.Code, "outcome": outcome}
}

func serve(ctx context.Context) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	server := &server{}
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		answer, err := server.answer(ctx, c)
		if err != nil {
			return err
		}
		if err := say(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func openStore(ctx context.Context, text string) (*Store, error) {
	var c cassandra
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return nil, err
	}
	driver, err := connect(c)
	if err != nil {
		return nil, err
	}
	return Open(ctx, driver, Config{Keyspace: c.Keyspace, DataCenter: c.DataCenter})
}

func work(ctx context.Context, text string) error {
	store, err := openStore(ctx, text)
	if err != nil {
		return err
	}
	w := taskledger.NewWorker(store, taskledger.WorkerOptions{Concurrency: 4})
	notes := &notes{}
	handle[*examplev1.FetchFile](w, notes)
	handle[*examplev1.SendMail](w, notes)
	handle[*examplev1.EveryKind](w, notes)
	_, err = w.Run(ctx, os.Stdin)
	return err
}

// notes tells of each task, and how many handlers ran at once at most.
type notes struct {
	mutex         sync.Mutex
	running, most atomic.Int32
}

func handle[M proto.Message](w *taskledger.Worker, n *notes) {
	taskledger.Handle(w, func(_ context.Context, task *taskledgerv1.TaskEnvelope, data M) error {
		n.most.Store(max(n.most.Load(), n.running.Add(1)))
		time.Sleep(2 * time.Millisecond)
		n.running.Add(-1)
		n.mutex.Lock()
		defer n.mutex.Unlock()
		name := data.ProtoReflect().Descriptor().FullName()
		return say(map[string]any{"id": task.GetId(), "type": name, "atOnce": n.most.Load()})
	})
}

func listOpen(ctx context.Context, text, taskList string) error {
	store, err := openStore(ctx, text)
	if err != nil {
		return err
	}
	for envelope, err := range store.OpenTasks(ctx, taskList, taskledger.ListOptions{}) {
		if err != nil {
			return err
		}
		if err := say(map[string]any{"id": envelope.GetId(), "type": taskledger.TypeOf(envelope)}); err != nil {
			return err
		}
	}
	return nil
}

func measure(ctx context.Context, text, taskList string) error {
	store, err := openStore(ctx, text)
	if err != nil {
		return err
	}
	for range store.OpenTasks(ctx, "another list", taskledger.ListOptions{}) { // what is done once is not counted
	}
	begin, first, count := time.Now(), time.Duration(0), 0
	for _, err := range store.OpenTasks(ctx, taskList, taskledger.ListOptions{}) {
		if err != nil {
			return err
		}
		if count++; count == 1 {
			first = time.Since(begin)
		}
	}
	inMilliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	err = say(map[string]any{"count": count, "first": inMilliseconds(first), "total": inMilliseconds(time.Since(begin))})
	_, _ = io.Copy(io.Discard, os.Stdin) // until its memory has been looked at
	return err
}

// fail makes each fault, and tells the code and outcome that the caller sees.
func fail(ctx context.Context, text, names string) error {
	var c cassandra
	var keyspaces map[string]string
	if err := errors.Join(json.Unmarshal([]byte(text), &c), json.Unmarshal([]byte(names), &keyspaces)); err != nil {
		return err
	}
	driver, err := connect(c)
	if err != nil {
		return err
	}
	var offset atomic.Int64
	clock, _ := taskledger.NewVersionClock(func() int64 { return time.Now().UnixMicro() + offset.Load() }, 0)
	config := Config{
		Keyspace: c.Keyspace, DataCenter: c.DataCenter, Clock: clock, Deadline: 2 * time.Second, AttemptTimeout: time.Second,
	}
	store, err := Open(ctx, driver, config)
	if err != nil {
		return err
	}
	save := func(ctx context.Context, ahead time.Duration) (*taskledger.Task, error) {
		offset.Store(ahead.Microseconds())
		defer offset.Store(0)
		envelope, err := taskledger.NewEnvelope("faults", "", &examplev1.FetchFile{})
		task := &taskledger.Task{Envelope: envelope}
		return task, errors.Join(err, store.Save(ctx, task))
	}
	failureOf := func(ctx context.Context, ahead time.Duration) any {
		_, err := save(ctx, ahead)
		return errorOf(err)
	}
	list := func(name string) (found []any, failed error) {
		for envelope, err := range store.OpenTasks(ctx, name, taskledger.ListOptions{}) {
			if err != nil {
				return found, err
			}
			found = append(found, []any{envelope.GetId(), taskledger.TypeOf(envelope)})
		}
		return found, nil
	}
	saved, err := save(ctx, 0)
	if err != nil {
		return err
	}
	found := map[string]any{}
	for name, keyspace := range keyspaces {
		_, err := Open(ctx, driver, Config{Keyspace: keyspace, DataCenter: c.DataCenter})
		found[name] = errorOf(err)
	}
	found["clock ahead"] = failureOf(ctx, 5*time.Second)
	found["clock behind"] = failureOf(ctx, -5*time.Second)
	offset.Store(5_000_000)
	found["complete with the clock ahead"] = errorOf(store.Complete(ctx, saved.Envelope))
	offset.Store(0)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	found["cancelled save"] = failureOf(cancelled, 0)
	if found["bad row"], err = list("bad rows"); err != nil {
		return err
	}
	if err := say(map[string]any{"found": found}); err != nil {
		return err
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // the node is killed meanwhile
	_, err = list("faults")
	found = map[string]any{"save without a node": failureOf(ctx, 0), "list without a node": errorOf(err)}
	driver.Close()
	_, err = list("faults")
	found["closed save"], found["closed list"] = failureOf(ctx, 0), errorOf(err)
	return say(map[string]any{"found": found})
}

func say(answer any) error {
	return json.NewEncoder(os.Stdout).Encode(answer)
}
