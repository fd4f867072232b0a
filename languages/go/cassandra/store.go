// Package cassandra saves, completes, finds, lists and claims tasks in Cassandra, by the rules of docs/protocol.md.
package cassandra

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"slices"
	"strconv"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	taskledger "github.com/taskledger/taskledger/languages/go"
	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

const (
	lateSaves = 3
	idsARead  = 256
)

// Config of a Store. Keyspace and DataCenter are needed; the others, if left zero, have the values that are said.
type Config struct {
	Keyspace, DataCenter string
	// Deadline is how long an operation may take in all, 10 s; AttemptTimeout how long one attempt may, 3 s.
	Deadline, AttemptTimeout time.Duration
	// Clock makes the versions; one of the host's.
	Clock *taskledger.VersionClock
}

// Store has the open tasks of one keyspace. It is safe for concurrent use.
type Store struct {
	session  *retrying
	keyspace string
	settings settings
	clock    *taskledger.VersionClock
	guard    *clockGuard
	watch    *settingsGuard
	lists    *listNames
}

var _ taskledger.Store = (*Store)(nil)

// Open reads the keyspace's settings. The session stays the caller's. The error is ErrSchemaMismatch, which says what of the
// keyspace this client can't work with.
func Open(ctx context.Context, driver *gocql.Session, config Config) (*Store, error) {
	return open(ctx, func(consistency gocql.Consistency) session { return &gocqlSession{driver, consistency} }, config)
}

func open(ctx context.Context, connect func(gocql.Consistency) session, config Config) (*Store, error) {
	clock := config.Clock
	if clock == nil {
		clock, _ = taskledger.NewVersionClock(nil, 0) // which takes these
	}
	deadline, attempt := cmp.Or(config.Deadline, 10*time.Second), cmp.Or(config.AttemptTimeout, 3*time.Second)
	reading := &retrying{session: connect(gocql.LocalQuorum), deadline: deadline, attempt: attempt}
	opened, err := readSettings(ctx, reading, config, clock.Limit())
	if err != nil {
		return nil, err
	}
	if opened.hasSeveralDataCenters {
		reading.session = connect(gocql.Quorum)
	}
	// A look is one attempt: no call waits for it as long as for its own answer.
	looking := &retrying{session: reading.session, deadline: attempt, attempt: attempt}
	watch := newSettingsGuard(opened, func(ctx context.Context) (settings, error) {
		return readValues(ctx, looking, config, clock.Limit())
	})
	reading.check = watch.check
	store := &Store{session: reading, keyspace: config.Keyspace, settings: opened, clock: clock, watch: watch}
	store.guard = &clockGuard{clock: clock, readServerClock: store.readServerClock}
	store.lists = &listNames{now: clock.Now, write: store.writeListName}
	return store, nil
}

// ShardOf is the shard of an id, as every client reckons it.
func ShardOf(id string, shards int) int {
	return int(crc32.ChecksumIEEE([]byte(id)) * 0x9e3779b1 >> 16 % uint32(shards))
}

// Save saves a task durably; its envelope then has the version. If the error may have been applied, the task has the version
// that it may have been saved as.
func (s *Store) Save(ctx context.Context, task *taskledger.Task) error {
	body, err := taskledger.EncodeBody(task.Envelope, cmp.Or(task.Limit, taskledger.MaxTaskBytes))
	if err != nil {
		return err
	}
	replaced := slices.Clone(task.Replaced)
	if version, saved := taskledger.VersionOf(task.Envelope); saved {
		replaced = slices.Insert(replaced, 0, version)
	}
	for attempt := range lateSaves {
		version, err := s.saveOnce(ctx, task, body, replaced)
		var failed *taskledger.Error
		if errors.As(err, &failed) && attempt > 0 {
			failed.MayApply = true // the late one was applied
		}
		if err != nil {
			return err
		}
		if s.clock.Now()-version < s.settings.gracePeriod/2 {
			task.Replaced = replaced
			if err := s.lists.note(ctx, task.Envelope.GetTaskList()); err != nil {
				return err
			}
			task.Replaced = nil
			s.removeReplaced(ctx, task.Envelope, replaced)
			return nil
		}
		// The process was stopped meanwhile: a sweep may have passed.
		task.Replaced = replaced
		replaced = append([]int64{version}, replaced...)
	}
	return &taskledger.Error{Code: taskledger.ErrTimeout, MayApply: true, Reason: "the answers came too late to count"}
}

func (s *Store) saveOnce(ctx context.Context, task *taskledger.Task, body []byte, replaced []int64) (int64, error) {
	if err := s.guard.check(ctx); err != nil {
		return 0, err
	}
	version, err := s.clock.Next(slices.Max(append([]int64{0}, replaced...)))
	if err != nil {
		return 0, err
	}
	list, shard, id := s.placeOf(task.Envelope)
	err = s.session.write(ctx, []statement{
		s.cql("INSERT INTO %s.tasks (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
			list, shard, id, body, version),
		s.cql("INSERT INTO %s.open_tasks (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
			list, shard, version, id, len(body), version),
	})
	var failed *taskledger.Error
	if err == nil {
		task.Envelope = taskledger.WithVersion(task.Envelope, version)
	} else if errors.As(err, &failed) && failed.MayApply {
		task.Envelope, task.Replaced = taskledger.WithVersion(task.Envelope, version), replaced
	}
	return version, err
}

func (s *Store) writeListName(ctx context.Context, list string, at int64) error {
	return s.session.write(ctx, []statement{
		s.cql("INSERT INTO %s.lists (bucket, task_list, noted_at) VALUES (?, ?, ?) USING TIMESTAMP ?",
			ShardOf(list, listBuckets), list, at, at),
	})
}

// Complete removes the version that the envelope has, and older ones, never a later one. The error is ErrNotSaved if it has none.
func (s *Store) Complete(ctx context.Context, envelope *taskledgerv1.TaskEnvelope) error {
	version, err := taskledger.SavedVersion(envelope)
	if err != nil {
		return err
	}
	s.clock.Observe(version)
	list, shard, id := s.placeOf(envelope)
	return s.session.write(ctx, []statement{
		s.cql("DELETE FROM %s.tasks USING TIMESTAMP ? WHERE task_list = ? AND shard = ? AND id = ?", version, list, shard, id),
		s.entryRemoval(envelope, version),
	})
}

// Find gives the open task with this id; nil if there is none.
func (s *Store) Find(ctx context.Context, taskList, id string) (*taskledgerv1.TaskEnvelope, error) {
	found, err := s.readTasks(ctx, taskList, ShardOf(id, s.settings.shards), []string{id})
	return found[id], err
}

// OpenTasks are the open tasks of a list, oldest first, read as they are asked for. An error ends them.
func (s *Store) OpenTasks(
	ctx context.Context, taskList string, options taskledger.ListOptions,
) iter.Seq2[*taskledgerv1.TaskEnvelope, error] {
	return func(yield func(*taskledgerv1.TaskEnvelope, error) bool) {
		pass := newPass(s, taskList, options)
		if err := pass.run(ctx, func(envelope *taskledgerv1.TaskEnvelope) bool { return yield(envelope, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

// removeReplaced takes away what leads nowhere now. It may fail: another finds it as well.
func (s *Store) removeReplaced(ctx context.Context, envelope *taskledgerv1.TaskEnvelope, replaced []int64) {
	for _, version := range replaced {
		if s.session.write(ctx, []statement{s.entryRemoval(envelope, version)}) != nil {
			return
		}
	}
}

func (s *Store) entryRemoval(envelope *taskledgerv1.TaskEnvelope, version int64) statement {
	list, shard, id := s.placeOf(envelope)
	return s.cql("DELETE FROM %s.open_tasks USING TIMESTAMP ? WHERE task_list = ? AND shard = ? AND saved_at = ? AND id = ?",
		version, list, shard, version, id)
}

func (s *Store) placeOf(envelope *taskledgerv1.TaskEnvelope) (list string, shard int, id string) {
	return envelope.GetTaskList(), ShardOf(envelope.GetId(), s.settings.shards), envelope.GetId()
}

// cql names the keyspace in a statement's text.
func (s *Store) cql(text string, values ...any) statement {
	return statement{fmt.Sprintf(text, strconv.Quote(s.keyspace)), values}
}

// readTasks reads the open tasks among some of a shard. What is saved from now on is later than they are.
func (s *Store) readTasks(
	ctx context.Context, list string, shard int, ids []string,
) (map[string]*taskledgerv1.TaskEnvelope, error) {
	found := map[string]*taskledgerv1.TaskEnvelope{}
	for some := range slices.Chunk(ids, idsARead) {
		query := s.cql("SELECT id, body, WRITETIME(body) AS saved_at FROM %s.tasks WHERE task_list = ? AND shard = ? AND id IN ?",
			list, shard, some)
		rows, err := s.session.read(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, each := range rows {
			body, _ := each["body"].([]byte)
			version, _ := each["saved_at"].(int64)
			if version == 0 {
				continue // no body: somebody else than a client wrote it
			}
			s.clock.Observe(version)
			id := text(each["id"])
			found[id] = taskledger.StoredTask(list, id, version, body)
		}
	}
	return found, nil
}

func (s *Store) readServerClock(ctx context.Context) (int64, error) {
	s.watch.suspect() // when the clocks are compared, the settings are
	rows, err := s.session.read(ctx, statement{cql: "SELECT toUnixTimestamp(now()) AS now FROM system.local"})
	if err != nil {
		return 0, err
	}
	if len(rows) == 0 {
		return 0, taskledger.Errorf(taskledger.ErrUnavailable, "the coordinator did not tell its clock")
	}
	millisecond, _ := rows[0]["now"].(int64)
	return millisecond * 1000, nil
}
