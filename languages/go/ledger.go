package worker

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"google.golang.org/protobuf/proto"

	taskledgerv1 "taskledger.example/worker/gen/taskledger/v1"
)

const (
	clockInterval = time.Minute
	lateSaves     = 3
	pageSize      = 500
	// A margin is at least so many clock limits.
	clockLimitsInAMargin = 20
)

// ShardOf is the shard of an id.
func ShardOf(id string, shards int) int {
	return int(crc32.ChecksumIEEE([]byte(id))*0x9e3779b1>>16) % shards
}

// VersionClock makes versions: the host's clock, in microseconds, which never goes back, and which moves past every version
// that is met. It is not safe for concurrent use.
type VersionClock struct {
	Now   func() int64
	Limit int64
	last  int64
}

// Next is later than every version that was made or met, and than the one that it replaces.
func (c *VersionClock) Next(replaced int64) (int64, error) {
	version := max(c.Now(), c.last+1, replaced+1)
	if version > MaxVersion {
		return 0, refuse("CLOCK_SKEW", "a version lies past the year 9999: a clock is wrong")
	}
	c.Observe(version)
	return version, nil
}

// Observe moves past a version; one that is far ahead is a wrong clock's, and moves nothing.
func (c *VersionClock) Observe(version int64) {
	if version > c.last && version <= c.Now()+2*c.Limit {
		c.last = version
	}
}

// Statement is CQL and its parameters.
type Statement struct {
	CQL    string
	Values []any
}

// Row has the values of a row's columns, by their names.
type Row = map[string]any

// Session is what a Ledger asks of Cassandra: one attempt at each call, at the keyspace's consistency.
type Session interface {
	// Apply makes one batch of the statements.
	Apply(context.Context, []Statement) error
	// Read gives all rows, the columns by name.
	Read(context.Context, Statement) ([]Row, error)
}

// Options of a Ledger. Those left zero have the protocol's values.
type Options struct {
	// Clock makes the versions.
	Clock *VersionClock
	// Deadline is how long an operation may take in all, AttemptTimeout how long one attempt may.
	Deadline, AttemptTimeout time.Duration
}

// Task is an envelope, and the versions that saves of unknown outcome may have left behind it.
type Task struct {
	Envelope *taskledgerv1.TaskEnvelope
	Replaced []int64
}

// Ledger has the open tasks of one keyspace. It is not safe for concurrent use.
type Ledger struct {
	session  Session
	keyspace string
	shards   int
	margin   int64 // in microseconds
	options  Options
	clock    *VersionClock
	skew     *skew
}

// OpenLedger reads the keyspace's settings. The error is SCHEMA_MISMATCH where this client can't work with them.
//
//	ledger, err := worker.OpenLedger(ctx, session, "tasks", "dc1", worker.Options{})
func OpenLedger(ctx context.Context, session *gocql.Session, keyspace, dataCenter string, options Options) (*Ledger, error) {
	connect := func(consistency gocql.Consistency) Session { return NewSession(session, consistency) }
	return OpenLedgerOn(ctx, connect, keyspace, dataCenter, options)
}

// OpenLedgerOn is OpenLedger on a session of the caller's.
func OpenLedgerOn(
	ctx context.Context, connect func(gocql.Consistency) Session, keyspace, dataCenter string, options Options,
) (*Ledger, error) {
	options.Deadline = cmp.Or(options.Deadline, 10*time.Second)
	options.AttemptTimeout = cmp.Or(options.AttemptTimeout, 3*time.Second)
	if options.Clock == nil {
		now := func() int64 { return time.Now().UnixMicro() }
		options.Clock = &VersionClock{Now: now, Limit: int64(time.Second / time.Microsecond)}
	}
	ledger := &Ledger{session: connect(gocql.LocalQuorum), keyspace: keyspace, options: options, clock: options.Clock}
	settings, err := ledger.readSettings(ctx)
	if err != nil {
		return nil, err
	}
	margin, isMargin := marginOf(settings["margin"], options.Clock.Limit)
	isOurs := settings["data_center"] == "*" || settings["data_center"] == dataCenter
	if settings["layout"] != "1" || !isOurs || !isMargin {
		return nil, refuse("SCHEMA_MISMATCH", "keyspace %q has the settings %v", keyspace, settings)
	}
	if settings["data_center"] == "*" {
		ledger.session = connect(gocql.Quorum)
	}
	ledger.margin = margin
	ledger.shards, err = strconv.Atoi(settings["shards"])
	return ledger, err
}

var wholeNumber = regexp.MustCompile("^[1-9][0-9]{0,9}$")

// marginOf is a keyspace's margin, in microseconds; false where it is none, or unsafe with this clock limit (in microseconds).
func marginOf(setting string, clockLimit int64) (int64, bool) {
	if !wholeNumber.MatchString(setting) {
		return 0, false
	}
	milliseconds, _ := strconv.ParseInt(setting, 10, 64)
	margin := milliseconds * 1000
	return margin, milliseconds <= math.MaxInt32 && margin >= clockLimitsInAMargin*clockLimit
}

// Save saves a task, durably; its envelope has the version then. Where the error may have been applied, the task has the
// version that it may have been saved as.
func (l *Ledger) Save(ctx context.Context, task *Task) error {
	replaced := slices.Clone(task.Replaced)
	if version, saved := VersionOf(task.Envelope); saved {
		replaced = slices.Insert(replaced, 0, version)
	}
	for attempt := range lateSaves {
		if err := l.saveOnce(ctx, task, replaced); err != nil {
			var failed *Error
			if attempt > 0 && errors.As(err, &failed) {
				failed.MayApply = true // the late one was applied
			}
			return err
		}
		version, _ := VersionOf(task.Envelope)
		if l.clock.Now()-version < l.margin/2 {
			task.Replaced = nil
			l.removeReplaced(ctx, task.Envelope, replaced)
			return nil
		}
		// The process was stopped meanwhile: a sweep may have passed.
		task.Replaced = replaced
		replaced = append([]int64{version}, replaced...)
	}
	return &Error{Code: "TIMEOUT", MayApply: true, Reason: "the answers came too late to count"}
}

func (l *Ledger) saveOnce(ctx context.Context, task *Task, replaced []int64) error {
	if err := l.checkClock(ctx); err != nil {
		return err
	}
	version, err := l.clock.Next(slices.Max(append([]int64{0}, replaced...)))
	if err != nil {
		return err
	}
	envelope := proto.CloneOf(task.Envelope)
	setVersion(envelope, version)
	statements, err := l.saving(task.Envelope, version)
	if err != nil {
		return err
	}
	err = l.write(ctx, statements)
	var failed *Error
	if err == nil {
		task.Envelope = envelope
	} else if errors.As(err, &failed) && failed.MayApply {
		task.Envelope, task.Replaced = envelope, replaced
	}
	return err
}

// Complete removes the version that the envelope has, and older ones. The error is NOT_SAVED where it has none.
func (l *Ledger) Complete(ctx context.Context, envelope *taskledgerv1.TaskEnvelope) error {
	version, saved := VersionOf(envelope)
	if !saved {
		return refuse("NOT_SAVED", "the task has no version: its bytes were taken before it was saved")
	}
	l.clock.Observe(version)
	list, shard, id := l.placeOf(envelope)
	return l.write(ctx, []Statement{
		l.cql("DELETE FROM %s.tasks USING TIMESTAMP ? WHERE task_list = ? AND shard = ? AND id = ?", version, list, shard, id),
		l.entryRemoval(envelope, version),
	})
}

// Find gives the open task with this id; nil where there is none.
func (l *Ledger) Find(ctx context.Context, taskList, id string) (*taskledgerv1.TaskEnvelope, error) {
	found, err := l.readTasks(ctx, taskList, ShardOf(id, l.shards), []string{id})
	return found[id], err
}

// OpenTasks are the open tasks of a list, oldest first, read as they are asked for. An error ends them.
func (l *Ledger) OpenTasks(ctx context.Context, taskList string) iter.Seq2[*taskledgerv1.TaskEnvelope, error] {
	return func(yield func(*taskledgerv1.TaskEnvelope, error) bool) {
		bound := l.clock.Now() + 2*l.clock.Limit
		pass := &pass{l, taskList, bound, map[place]bool{}, map[string]bool{}}
		if err := pass.run(ctx, func(envelope *taskledgerv1.TaskEnvelope) bool { return yield(envelope, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func (l *Ledger) saving(envelope *taskledgerv1.TaskEnvelope, version int64) ([]Statement, error) {
	data, err := encodeBody(envelope)
	if err != nil {
		return nil, err
	}
	list, shard, id := l.placeOf(envelope)
	return []Statement{
		l.cql("INSERT INTO %s.tasks (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
			list, shard, id, data, version),
		l.cql("INSERT INTO %s.open_tasks (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
			list, shard, version, id, len(data), version),
	}, nil
}

// removeReplaced takes away what leads nowhere now. It may fail: another finds it as well.
func (l *Ledger) removeReplaced(ctx context.Context, envelope *taskledgerv1.TaskEnvelope, replaced []int64) {
	for _, version := range replaced {
		if l.write(ctx, []Statement{l.entryRemoval(envelope, version)}) != nil {
			return
		}
	}
}

func (l *Ledger) entryRemoval(envelope *taskledgerv1.TaskEnvelope, version int64) Statement {
	list, shard, id := l.placeOf(envelope)
	return l.cql("DELETE FROM %s.open_tasks USING TIMESTAMP ? WHERE task_list = ? AND shard = ? AND saved_at = ? AND id = ?",
		version, list, shard, version, id)
}

func (l *Ledger) placeOf(envelope *taskledgerv1.TaskEnvelope) (list string, shard int, id string) {
	return envelope.GetTaskList(), ShardOf(envelope.GetId(), l.shards), envelope.GetId()
}

// cql names the keyspace in a statement's text.
func (l *Ledger) cql(text string, values ...any) Statement {
	return Statement{fmt.Sprintf(text, strconv.Quote(l.keyspace)), values}
}

func (l *Ledger) readTasks(ctx context.Context, list string, shard int, ids []string) (map[string]*taskledgerv1.TaskEnvelope, error) {
	query := l.cql("SELECT id, body, WRITETIME(body) AS saved_at FROM %s.tasks WHERE task_list = ? AND shard = ? AND id IN ?", list, shard, ids)
	rows, err := l.read(ctx, query)
	if err != nil {
		return nil, err
	}
	found := map[string]*taskledgerv1.TaskEnvelope{}
	for _, row := range rows {
		data := row["body"].([]byte)
		if data == nil {
			continue
		}
		envelope, err := Decode(data, max(len(data), MaxTaskBytes))
		if err != nil {
			return nil, err
		}
		version := row["saved_at"].(int64)
		setVersion(envelope, version)
		l.clock.Observe(version)
		found[row["id"].(string)] = envelope
	}
	return found, nil
}

func (l *Ledger) readSettings(ctx context.Context) (map[string]string, error) {
	rows, err := l.read(ctx, l.cql("SELECT name, value FROM %s.settings"))
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	for _, row := range rows {
		settings[row["name"].(string)] = row["value"].(string)
	}
	query := "SELECT table_name, read_repair FROM system_schema.tables WHERE keyspace_name = ?"
	tables, err := l.read(ctx, Statement{query, []any{l.keyspace}})
	for _, row := range tables {
		name := row["table_name"]
		if (name == "tasks" || name == "open_tasks") && row["read_repair"] != "BLOCKING" {
			return nil, refuse("SCHEMA_MISMATCH", "table %s must have read_repair BLOCKING", name)
		}
	}
	return settings, err
}

// place is an entry's place in a partition's ledger.
type place struct {
	savedAt int64
	id      string
}

// page is the places of entries that were read together.
type page map[place]bool

// stream is a partition's entries in order.
type stream struct {
	pass     *pass
	shard    int
	bound    int64
	segments [][2]int64
	after    place
	entries  []place
	lastPage page
}

type entry struct {
	place
	page   page
	stream *stream
}

// pass is one call of OpenTasks: what it has yielded away from its place, and past its bound.
type pass struct {
	ledger    *Ledger
	taskList  string
	bound     int64
	elsewhere map[place]bool
	pastBound map[string]bool
}

// yields tells whether a version that an entry leads to has not been yielded yet.
func (p *pass) yields(entry entry, version int64) bool {
	at := place{version, entry.id}
	wasYielded := p.elsewhere[at]
	if version == entry.savedAt {
		delete(p.elsewhere, at)
	} else {
		p.elsewhere[at] = true
	}
	return !wasYielded && !p.comesAgain(at)
}

// comesAgain: past the bound are a wild clock's tasks and those saved since; a pass that gave them twice might not end.
func (p *pass) comesAgain(at place) bool {
	if at.savedAt <= p.bound {
		return false
	}
	wasYielded := p.pastBound[at.id]
	p.pastBound[at.id] = true
	return wasYielded
}

func (p *pass) run(ctx context.Context, yield func(*taskledgerv1.TaskEnvelope) bool) error {
	var streams streams
	for shard := range p.ledger.shards {
		stream := &stream{pass: p, shard: shard}
		if err := stream.open(ctx); err != nil {
			return err
		}
		if len(stream.entries) > 0 {
			streams = append(streams, stream)
		}
	}
	heap.Init(&streams)
	for {
		entries, err := streams.take(ctx, pageSize)
		if err != nil || len(entries) == 0 {
			return err
		}
		if more, err := p.judge(ctx, entries, yield); err != nil || !more {
			return err
		}
	}
}

// judge yields what the entries lead to, by the rules of listing; false where no more is wanted.
func (p *pass) judge(ctx context.Context, entries []entry, yield func(*taskledgerv1.TaskEnvelope) bool) (bool, error) {
	rows, err := p.rowsOf(ctx, entries)
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		envelope := rows[entry.id]
		version, saved := VersionOf(envelope)
		if !saved || version < entry.savedAt {
			continue // completed, or its save is still on the way
		}
		if version > entry.savedAt && entry.comesLater(version) {
			continue
		}
		if p.yields(entry, version) && !yield(envelope) {
			return false, nil
		}
	}
	return true, nil
}

// comesLater tells whether the version that replaced this one has an entry at hand. One to be read later may be swept before.
func (e entry) comesLater(version int64) bool {
	at := place{version, e.id}
	return e.page[at] || e.stream.lastPage[at]
}

func (p *pass) rowsOf(ctx context.Context, entries []entry) (map[string]*taskledgerv1.TaskEnvelope, error) {
	ids := map[int][]string{}
	for _, entry := range entries {
		if some := ids[entry.stream.shard]; !slices.Contains(some, entry.id) {
			ids[entry.stream.shard] = append(some, entry.id)
		}
	}
	rows := map[string]*taskledgerv1.TaskEnvelope{}
	for shard, some := range ids {
		found, err := p.ledger.readTasks(ctx, p.taskList, shard, some)
		if err != nil {
			return nil, err
		}
		for id, envelope := range found {
			rows[id] = envelope
		}
	}
	return rows, nil
}

func (p *pass) cql(text string, shard int, values ...any) Statement {
	return p.ledger.cql(text, append([]any{p.taskList, shard}, values...)...)
}

// open finds where the pass ends and what is to be read up to there, without the stretches that were swept.
func (s *stream) open(ctx context.Context) error {
	s.bound = s.pass.bound
	last, err := s.pass.ledger.read(ctx, s.pass.cql("SELECT saved_at FROM %s.open_tasks WHERE task_list = ? AND shard = ? "+
		"AND saved_at > ? ORDER BY saved_at DESC LIMIT 1", s.shard, s.bound))
	if err != nil {
		return err
	}
	for _, row := range last {
		s.bound = row["saved_at"].(int64)
	}
	sweep := s.pass.cql("SELECT stretches FROM %s.sweeps WHERE task_list = ? AND shard = ?", s.shard)
	swept, err := s.pass.ledger.read(ctx, sweep)
	if err != nil {
		return err
	}
	var ends []int64
	for _, row := range swept {
		ends, _ = row["stretches"].([]int64)
	}
	from := int64(0)
	for i := 0; i+1 < len(ends); i += 2 {
		s.addSegment(from, ends[i])
		from = ends[i+1]
	}
	s.addSegment(from, s.bound)
	if len(s.segments) > 0 {
		s.after.savedAt = s.segments[0][0]
	}
	return s.fill(ctx)
}

func (s *stream) addSegment(from, upTo int64) {
	if upTo = min(upTo, s.bound); from <= upTo {
		s.segments = append(s.segments, [2]int64{from, upTo})
	}
}

// fill reads the next page, if the last was taken; there are no entries then at the end.
func (s *stream) fill(ctx context.Context) error {
	if len(s.entries) > 0 {
		return nil
	}
	s.lastPage = page{}
	for len(s.segments) > 0 {
		limit := pageSize - len(s.entries)
		if err := s.readEntries(ctx, limit); err != nil {
			return err
		}
		if len(s.entries) == pageSize {
			s.after = s.entries[pageSize-1]
			return nil
		}
		s.segments = s.segments[1:]
		if len(s.segments) > 0 {
			s.after = place{s.segments[0][0], ""}
		}
	}
	return nil
}

func (s *stream) readEntries(ctx context.Context, limit int) error {
	query := s.pass.cql("SELECT saved_at, id FROM %s.open_tasks WHERE task_list = ? AND shard = ? "+
		"AND (saved_at, id) > (?, ?) AND (saved_at) <= (?) LIMIT ?",
		s.shard, s.after.savedAt, s.after.id, s.segments[0][1], limit)
	rows, err := s.pass.ledger.read(ctx, query)
	for _, row := range rows {
		at := place{row["saved_at"].(int64), row["id"].(string)}
		s.entries = append(s.entries, at)
		s.lastPage[at] = true
	}
	return err
}

// streams is a heap, the stream with the oldest entry first. None is empty.
type streams []*stream

func (s streams) Len() int           { return len(s) }
func (s streams) Less(i, j int) bool { return s[i].entries[0].savedAt < s[j].entries[0].savedAt }
func (s streams) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *streams) Push(x any)        { *s = append(*s, x.(*stream)) }
func (s *streams) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

func (s *streams) take(ctx context.Context, count int) ([]entry, error) {
	var taken []entry
	for len(taken) < count && len(*s) > 0 {
		first := (*s)[0]
		taken = append(taken, entry{first.entries[0], first.lastPage, first})
		first.entries = first.entries[1:]
		if err := first.fill(ctx); err != nil {
			return nil, err
		}
		if len(first.entries) > 0 {
			heap.Fix(s, 0)
		} else {
			heap.Pop(s)
		}
	}
	return taken, nil
}

// skew is how far Cassandra's clock is ahead, and when and at which offset of the clocks that was measured.
type skew struct {
	least, most int64
	at          time.Time
	offset      int64
}

// checkClock compares the clock with Cassandra's, if that is due. The error is CLOCK_SKEW.
func (l *Ledger) checkClock(ctx context.Context) error {
	limit := l.clock.Limit
	isDue := l.skew == nil || l.isOff(*l.skew) || time.Since(l.skew.at) > clockInterval
	if isDue || abs(l.offset()-l.skew.offset) > limit/4 {
		measured, err := l.compareClocks(ctx)
		if err != nil {
			return err
		}
		l.skew = &measured
	}
	if l.isOff(*l.skew) {
		return refuse("CLOCK_SKEW", "this host's clock is more than %d ms off Cassandra's; nothing is saved", limit/1000)
	}
	return nil
}

// compareClocks compares once more where a clock seems to be off: of three, the middle one counts.
func (l *Ledger) compareClocks(ctx context.Context) (skew, error) {
	var skews []skew
	for range 3 {
		before := l.clock.Now()
		rows, err := l.read(ctx, Statement{CQL: "SELECT toUnixTimestamp(now()) AS now FROM system.local"})
		if err != nil || len(rows) == 0 {
			return skew{}, err
		}
		millisecond := rows[0]["now"].(int64) * 1000
		skews = append(skews, skew{millisecond - l.clock.Now(), millisecond + 1000 - before, time.Now(), l.offset()})
		if !l.isOff(skews[0]) {
			return skews[0], nil
		}
	}
	slices.SortFunc(skews, func(a, b skew) int { return cmp.Compare(a.least+a.most, b.least+b.most) })
	return skews[1], nil
}

func (l *Ledger) isOff(s skew) bool { return s.least > l.clock.Limit || s.most < -l.clock.Limit }

// began is read on the monotonic clock.
var began = time.Now()

// offset is the wall clock less the monotonic one: constant, unless the wall clock is set.
func (l *Ledger) offset() int64 { return l.clock.Now() - time.Since(began).Microseconds() }

func abs(value int64) int64 { return max(value, -value) }

func (l *Ledger) write(ctx context.Context, statements []Statement) error {
	return l.retry(ctx, true, func(ctx context.Context) error { return l.session.Apply(ctx, statements) })
}

func (l *Ledger) read(ctx context.Context, statement Statement) (rows []Row, err error) {
	err = l.retry(ctx, false, func(ctx context.Context) error {
		rows, err = l.session.Read(ctx, statement)
		return err
	})
	return rows, err
}

// retry tries again until the deadline: all statements are idempotent.
func (l *Ledger) retry(ctx context.Context, isWrite bool, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, l.options.Deadline)
	defer cancel()
	mayApply := false
	for pause := 25 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := l.attemptOnce(ctx, attempt)
		failed := classify(err)
		mayApply = mayApply || isWrite && failed.mayApply
		if err == nil || !failed.isRetried {
			return l.report(err, failed.code, mayApply)
		}
		select {
		case <-ctx.Done():
			return l.report(err, failed.code, mayApply)
		case <-time.After(time.Duration(rand.Int64N(int64(pause)))):
		}
	}
}

func (l *Ledger) attemptOnce(ctx context.Context, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, l.options.AttemptTimeout)
	defer cancel()
	return attempt(ctx)
}

func (l *Ledger) report(err error, code string, mayApply bool) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Code: code, MayApply: mayApply, Reason: err.Error(), Cause: err}
}

type failure struct {
	code                string
	isRetried, mayApply bool
}

func classify(err error) failure {
	var known *Error
	var unavailable *gocql.RequestErrUnavailable
	var coded gocql.RequestError
	switch {
	case err == nil || errors.As(err, &known):
		return failure{}
	case errors.As(err, &unavailable):
		return failure{"UNAVAILABLE", true, false}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, gocql.ErrTimeoutNoResponse):
		return failure{"TIMEOUT", true, true}
	case errors.As(err, &coded):
		return classifyCode(coded.Code())
	case errors.As(err, new(gocql.MarshalError)), errors.As(err, new(gocql.UnmarshalError)):
		return failure{"UNAVAILABLE", false, false}
	}
	return failure{"UNAVAILABLE", true, true} // the connection broke
}

func classifyCode(code int) failure {
	switch code {
	case gocql.ErrCodeWriteTimeout, gocql.ErrCodeReadTimeout:
		return failure{"TIMEOUT", true, true}
	case gocql.ErrCodeOverloaded:
		return failure{"OVERLOADED", true, true}
	case gocql.ErrCodeBootstrapping:
		return failure{"UNAVAILABLE", true, false}
	case gocql.ErrCodeServer, gocql.ErrCodeWriteFailure, gocql.ErrCodeReadFailure, gocql.ErrCodeTruncate:
		return failure{"UNAVAILABLE", true, true}
	}
	return failure{"UNAVAILABLE", false, false} // the server refuses it, and always will
}

// gocqlSession is the Session of a driver's session.
type gocqlSession struct {
	session     *gocql.Session
	consistency gocql.Consistency
}

// NewSession is a Session on the driver's.
func NewSession(session *gocql.Session, consistency gocql.Consistency) Session {
	return &gocqlSession{session, consistency}
}

func (s *gocqlSession) Apply(ctx context.Context, statements []Statement) error {
	batch := s.session.Batch(gocql.LoggedBatch).Consistency(s.consistency).RetryPolicy(nil).DefaultTimestamp(false)
	for _, statement := range statements {
		batch.Query(statement.CQL, statement.Values...)
	}
	return batch.ExecContext(ctx)
}

func (s *gocqlSession) Read(ctx context.Context, statement Statement) ([]Row, error) {
	query := s.session.Query(statement.CQL, statement.Values...).Consistency(s.consistency).RetryPolicy(nil)
	return query.IterContext(ctx).SliceMap()
}
