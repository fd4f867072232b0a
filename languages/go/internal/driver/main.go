// What the tests in test/languages ask of each language.
//
//	driver serve                  answers commands, one JSON object a line
//	driver work CASSANDRA         does the tasks that come as frames, and completes them
//	driver list CASSANDRA LIST    names the open tasks of a list
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"taskledger.example/worker"
	examplev1 "taskledger.example/worker/gen/example/v1"
	taskledgerv1 "taskledger.example/worker/gen/taskledger/v1"
)

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
	Op, ID, TaskList, Fault, Type string
	Cassandra                     cassandra
	ClockLimit, Now, ServerNow    int64 `json:",string"`
	Envelope, Descriptors         []byte
	Replaced                      []string
}

// server answers commands. The ledger's clock stands where each command puts it.
type server struct {
	session   *gocql.Session
	ledger    *worker.Ledger
	now       int64
	serverNow int64
	fault     string
}

// faultySession loses the answers to batches, or the batches themselves, when it is told to; its clock stands where it is put.
type faultySession struct {
	worker.Session
	server *server
}

func (f faultySession) Apply(ctx context.Context, statements []worker.Statement) error {
	if f.server.fault != "request" {
		if err := f.Session.Apply(ctx, statements); err != nil {
			return err
		}
	}
	if f.server.fault == "" {
		return nil
	}
	// As an error that is not tried again.
	return &worker.Error{Code: "TIMEOUT", MayApply: true, Reason: "the " + f.server.fault + " was lost"}
}

func (f faultySession) Read(ctx context.Context, statement worker.Statement) ([]worker.Row, error) {
	if strings.Contains(statement.CQL, "toUnixTimestamp") {
		return []worker.Row{{"now": f.server.serverNow / 1000}}, nil
	}
	return f.Session.Read(ctx, statement)
}

func (s *server) answer(ctx context.Context, c command) (any, error) {
	s.now, s.serverNow, s.fault = c.Now, c.ServerNow, c.Fault
	switch c.Op {
	case "open":
		return struct{}{}, s.open(ctx, c)
	case "save":
		return s.save(ctx, c)
	case "complete":
		envelope, err := worker.Decode(c.Envelope, worker.MaxTaskBytes)
		if err != nil {
			return nil, err
		}
		return map[string]any{"error": errorOf(s.ledger.Complete(ctx, envelope))}, nil
	case "find":
		envelope, err := s.ledger.Find(ctx, c.TaskList, c.ID)
		if err != nil || envelope == nil {
			return map[string]any{"envelope": nil}, err
		}
		data, err := worker.Encode(envelope)
		return map[string]any{"envelope": data}, err
	case "list":
		return s.list(ctx, c)
	case "passOn":
		return passOn(c)
	}
	return nil, fmt.Errorf("unknown command %q", c.Op)
}

func (s *server) open(ctx context.Context, c command) error {
	var err error
	if s.session == nil {
		if s.session, err = connect(c.Cassandra); err != nil {
			return err
		}
	}
	clock := &worker.VersionClock{Now: func() int64 { return s.now }, Limit: c.ClockLimit}
	faulty := func(consistency gocql.Consistency) worker.Session {
		return faultySession{worker.NewSession(s.session, consistency), s}
	}
	s.ledger, err = worker.OpenLedgerOn(ctx, faulty, c.Cassandra.Keyspace, c.Cassandra.DataCenter, worker.Options{
		Clock:    clock,
		Deadline: 30e9,
	})
	return err
}

func (s *server) save(ctx context.Context, c command) (any, error) {
	envelope, err := worker.Decode(c.Envelope, worker.MaxTaskBytes)
	if err != nil {
		return nil, err
	}
	task := &worker.Task{Envelope: envelope}
	for _, text := range c.Replaced {
		version, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, err
		}
		task.Replaced = append(task.Replaced, version)
	}
	failed := s.ledger.Save(ctx, task)
	replaced := []string{}
	for _, version := range task.Replaced {
		replaced = append(replaced, strconv.FormatInt(version, 10))
	}
	data, err := worker.Encode(task.Envelope)
	return map[string]any{"envelope": data, "replaced": replaced, "error": errorOf(failed)}, err
}

func (s *server) list(ctx context.Context, c command) (any, error) {
	envelopes := [][]byte{}
	for envelope, err := range s.ledger.OpenTasks(ctx, c.TaskList) {
		if err != nil {
			return nil, err
		}
		data, err := worker.Encode(envelope)
		if err != nil {
			return nil, err
		}
		envelopes = append(envelopes, data)
	}
	return map[string]any{"envelopes": envelopes}, nil
}

// passOn decodes and encodes data by a schema of the command's, in binary and by way of the hash.
func passOn(c command) (any, error) {
	types, err := typesOf(c.Descriptors, protoreflect.FullName(c.Type))
	if err != nil {
		return nil, err
	}
	envelope, err := worker.Decode(c.Envelope, worker.MaxTaskBytes)
	if err != nil {
		return nil, err
	}
	if data := worker.DecodeData(envelope, types); data != nil {
		if envelope.Data.Value, err = (proto.MarshalOptions{Deterministic: true}).Marshal(data); err != nil {
			return nil, err
		}
	}
	hash, err := worker.ToHash(envelope, types)
	if err != nil {
		return nil, err
	}
	read, err := worker.FromHash(hash, types, false)
	if err != nil {
		return nil, err
	}
	binary, err := worker.Encode(envelope)
	if err != nil {
		return nil, err
	}
	viaHash, err := worker.Encode(read)
	return map[string]any{"envelope": binary, "hash": string(hash), "read": viaHash}, err
}

// typesOf knows the message of that name; nothing where the schema has none.
func typesOf(descriptors []byte, name protoreflect.FullName) (worker.Types, error) {
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
		return worker.Types{}, nil
	}
	return worker.Types{name: dynamicpb.NewMessageType(found.(protoreflect.MessageDescriptor))}, nil
}

func errorOf(err error) any {
	var coded *worker.Error
	if !errors.As(err, &coded) {
		return err
	}
	outcome := "not-applied"
	if coded.MayApply {
		outcome = "unknown"
	}
	return map[string]string{"code": coded.Code, "outcome": outcome}
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

func openLedger(ctx context.Context, text string) (*worker.Ledger, error) {
	var c cassandra
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return nil, err
	}
	session, err := connect(c)
	if err != nil {
		return nil, err
	}
	return worker.OpenLedger(ctx, session, c.Keyspace, c.DataCenter, worker.Options{})
}

func work(ctx context.Context, text string) error {
	ledger, err := openLedger(ctx, text)
	if err != nil {
		return err
	}
	w := worker.NewWorker(func(envelope *taskledgerv1.TaskEnvelope) error { return ledger.Complete(ctx, envelope) })
	for _, message := range []proto.Message{&examplev1.FetchFile{}, &examplev1.SendMail{}, &examplev1.EveryKind{}} {
		w.Does(message, func(envelope *taskledgerv1.TaskEnvelope, data proto.Message) error {
			return say(map[string]any{"id": envelope.GetId(), "type": data.ProtoReflect().Descriptor().FullName()})
		})
	}
	return w.Run(worker.NewFrameReader(os.Stdin, worker.MaxFrameBytes))
}

func listOpen(ctx context.Context, text, taskList string) error {
	ledger, err := openLedger(ctx, text)
	if err != nil {
		return err
	}
	for envelope, err := range ledger.OpenTasks(ctx, taskList) {
		if err != nil {
			return err
		}
		if err := say(map[string]any{"id": envelope.GetId(), "type": worker.TypeOf(envelope)}); err != nil {
			return err
		}
	}
	return nil
}

func say(answer any) error {
	return json.NewEncoder(os.Stdout).Encode(answer)
}

func run(arguments []string) error {
	ctx := context.Background()
	switch arguments[0] {
	case "serve":
		return serve(ctx)
	case "work":
		return work(ctx, arguments[1])
	}
	return listOpen(ctx, arguments[1], arguments[2])
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}
