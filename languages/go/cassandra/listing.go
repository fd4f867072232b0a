package cassandra

import (
	"container/heap"
	"context"
	"errors"
	"maps"
	"slices"

	taskledger "github.com/taskledger/taskledger/languages/go"
	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

const (
	pageRows = 500
	// firstPageRows is small, so that the first task comes soon.
	firstPageRows = 16
	pageBytes     = 4 << 20
	// heldEntries is how many entries of all partitions together are held at once.
	heldEntries = 32_000
	// shardsARead is how many shards one query covers.
	shardsARead = 16
	// After so many reads that went well in halves, the whole rest is tried again.
	successesToWiden = 3
)

// place is an entry's place in a partition's ledger.
type place struct {
	savedAt int64
	id      string
}

// entry is an entry and the number of bytes of its task's body, as its writer says; 0 if it does not.
type entry struct {
	place
	size int
}

// page is the places of entries that were read together.
type page map[place]bool

// placed is an entry that was taken, and those that were read with it.
type placed struct {
	entry
	page   page
	stream *stream
}

// comesLater tells whether the version that replaced this one has an entry at hand. One to be read later may be swept before.
func (p placed) comesLater(version int64) bool {
	at := place{version, p.id}
	return p.page[at] || p.stream.lastPage[at]
}

// pass is one call of OpenTasks: what it has yielded away from its place, and past its bound.
type pass struct {
	store    *Store
	taskList string
	bound    int64
	// before leaves out what was saved then or later, but for what a wrong clock saved; 0 leaves out nothing.
	before      int64
	entriesRead int
	elsewhere   map[place]bool
	pastBound   map[string]bool
}

func newPass(store *Store, taskList string, options taskledger.ListOptions) *pass {
	now := store.clock.Now()
	pass := &pass{
		store:       store,
		taskList:    taskList,
		bound:       now + 2*store.clock.Limit(),
		entriesRead: max(8, min(pageRows, heldEntries/store.settings.shards)),
		elsewhere:   map[place]bool{},
		pastBound:   map[string]bool{},
	}
	if options.OlderThan > 0 {
		pass.before = now - options.OlderThan.Microseconds()
	}
	return pass
}

func (p *pass) run(ctx context.Context, yield func(*taskledgerv1.TaskEnvelope) bool) error {
	streams, err := p.openAll(ctx)
	if err != nil {
		return err
	}
	for most := firstPageRows; ; most = pageRows {
		taken, err := streams.take(ctx, most)
		if err != nil || len(taken) == 0 {
			return err
		}
		if more, err := p.judge(ctx, taken, yield); err != nil || !more {
			return err
		}
	}
}

// openAll opens the partitions, several at once.
func (p *pass) openAll(ctx context.Context) (*streams, error) {
	swept, ends, err := p.readStarts(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]*stream, p.store.settings.shards)
	err = atOnce(ctx, len(all), func(ctx context.Context, shard int) error {
		all[shard] = &stream{pass: p, shard: shard}
		all[shard].setSegments(swept[shard], max(ends[shard], p.bound))
		return all[shard].fill(ctx)
	})
	if err != nil {
		return nil, err
	}
	opened := streams(slices.DeleteFunc(all, func(each *stream) bool { return len(each.entries) == 0 }))
	heap.Init(&opened)
	return &opened, nil
}

// readStarts reads the swept ranges of each shard, and where the pass ends in shards with entries past the bound. Each query
// covers several shards, since few of them have either.
func (p *pass) readStarts(ctx context.Context) (swept map[int][]int64, ends map[int]int64, err error) {
	const (
		ranges = "SELECT shard, ranges FROM %s.sweeps WHERE task_list = ? AND shard IN ?"
		past   = "SELECT shard FROM %s.open_tasks WHERE task_list = ? AND shard IN ? AND saved_at > ? PER PARTITION LIMIT 1"
		last   = "SELECT shard, saved_at FROM %s.open_tasks WHERE task_list = ? AND shard = ? AND saved_at > ? " +
			"ORDER BY saved_at DESC LIMIT 1"
	)
	var sweepReads, pastReads, lastReads []statement
	for first := 0; first < p.store.settings.shards; first += shardsARead {
		var some []int
		for shard := first; shard < min(first+shardsARead, p.store.settings.shards); shard++ {
			some = append(some, shard)
		}
		sweepReads = append(sweepReads, p.store.cql(ranges, p.taskList, some))
		pastReads = append(pastReads, p.store.cql(past, p.taskList, some, p.bound))
	}
	rows, err := p.readAll(ctx, append(sweepReads, pastReads...))
	if err != nil {
		return nil, nil, err
	}
	swept, ends = map[int][]int64{}, map[int]int64{}
	for _, each := range rows {
		if found, isSweep := each["ranges"]; isSweep {
			swept[number(each["shard"])], _ = found.([]int64)
		} else {
			lastReads = append(lastReads, p.store.cql(last, p.taskList, number(each["shard"]), p.bound))
		}
	}
	rows, err = p.readAll(ctx, lastReads)
	for _, each := range rows {
		ends[number(each["shard"])] = each["saved_at"].(int64)
	}
	return swept, ends, err
}

// readAll gives the rows of all reads.
func (p *pass) readAll(ctx context.Context, reads []statement) ([]row, error) {
	found := make([][]row, len(reads))
	err := atOnce(ctx, len(reads), func(ctx context.Context, i int) (err error) {
		found[i], err = p.store.session.read(ctx, reads[i])
		return err
	})
	return slices.Concat(found...), err
}

// judge yields what the entries lead to, by the rules of listing; false if no more is wanted.
func (p *pass) judge(ctx context.Context, taken []placed, yield func(*taskledgerv1.TaskEnvelope) bool) (bool, error) {
	rows, err := p.rowsOf(ctx, taken)
	if err != nil {
		return false, err
	}
	for _, each := range taken {
		envelope := rows[each.id]
		version, saved := taskledger.VersionOf(envelope)
		if !saved || version < each.savedAt {
			continue // completed, or its save is still on the way
		}
		if version > each.savedAt && each.comesLater(version) {
			continue
		}
		if p.yields(each.place, version) && !yield(envelope) {
			return false, nil
		}
	}
	return true, nil
}

// yields tells whether a version that an entry leads to is wanted, and has not been yielded yet.
func (p *pass) yields(entry place, version int64) bool {
	if p.before > 0 && version >= p.before && version <= p.bound {
		return false
	}
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

// rowsOf reads the tasks of entries, of several partitions at once.
func (p *pass) rowsOf(ctx context.Context, taken []placed) (map[string]*taskledgerv1.TaskEnvelope, error) {
	ids := map[int][]string{}
	for _, each := range taken {
		if some := ids[each.stream.shard]; !slices.Contains(some, each.id) {
			ids[each.stream.shard] = append(some, each.id)
		}
	}
	shards := slices.Collect(maps.Keys(ids))
	found := make([]map[string]*taskledgerv1.TaskEnvelope, len(shards))
	err := atOnce(ctx, len(shards), func(ctx context.Context, i int) (err error) {
		found[i], err = p.store.readTasks(ctx, p.taskList, shards[i], ids[shards[i]])
		return err
	})
	rows := map[string]*taskledgerv1.TaskEnvelope{}
	for _, some := range found {
		maps.Copy(rows, some)
	}
	return rows, err
}

// stream is a partition's entries in order.
type stream struct {
	pass  *pass
	shard int
	// segments are what is to be read: all up to the bound, without the ranges that were swept.
	segments [][2]int64
	after    place
	entries  []entry
	lastPage page
	// tooFar is the end of a range that was too much to read, 0 if none was; successes are the reads that went well since.
	tooFar    int64
	successes int
}

func (s *stream) cql(text string, values ...any) statement {
	return s.pass.store.cql(text+" WHERE task_list = ? AND shard = ?", append([]any{s.pass.taskList, s.shard}, values...)...)
}

func (s *stream) setSegments(ranges []int64, end int64) {
	upTo := end
	if s.pass.before > 0 {
		upTo = min(end, s.pass.before-1)
	}
	from := int64(1)
	for i := 0; i+1 < len(ranges); i += 2 {
		s.addSegment(from, min(ranges[i], upTo))
		from = ranges[i+1]
	}
	s.addSegment(from, upTo)
	s.addSegment(max(s.pass.bound, upTo)+1, end) // a wrong clock's tasks may be of any age
	if len(s.segments) > 0 {
		s.after = place{savedAt: s.segments[0][0]}
	}
}

func (s *stream) addSegment(from, upTo int64) {
	if from <= upTo {
		s.segments = append(s.segments, [2]int64{from, upTo})
	}
}

// fill reads the next page, if the last was taken; there are no entries then at the end.
func (s *stream) fill(ctx context.Context) error {
	if len(s.entries) > 0 {
		return nil
	}
	for len(s.segments) > 0 && len(s.entries) < s.pass.entriesRead {
		if err := s.readEntries(ctx, s.pass.entriesRead-len(s.entries)); err != nil {
			return err
		}
	}
	s.lastPage = page{}
	for _, each := range s.entries {
		s.lastPage[each.place] = true
	}
	return nil
}

// readEntries reads on. If a read meets more tombstones than the server allows, it reads a part of the range, half of it, half of
// that, and goes on from there.
func (s *stream) readEntries(ctx context.Context, limit int) error {
	upTo := s.nextEnd()
	query := s.cql("SELECT saved_at, id, size FROM %s.open_tasks", s.after.savedAt, s.after.id, upTo, limit)
	query.cql += " AND (saved_at, id) > (?, ?) AND (saved_at) <= (?) LIMIT ?"
	rows, err := s.pass.store.session.readRange(ctx, query)
	if errors.Is(err, errTooManyTombstones) && upTo > s.after.savedAt {
		s.tooFar, s.successes = upTo, 0
		return nil
	}
	if err != nil {
		return err
	}
	for _, each := range rows {
		s.entries = append(s.entries, entry{place{each["saved_at"].(int64), text(each["id"])}, number(each["size"])})
	}
	if len(rows) == limit {
		s.after = s.entries[len(s.entries)-1].place
	} else {
		s.reached(upTo)
	}
	return nil
}

func (s *stream) nextEnd() int64 {
	switch {
	case s.tooFar == 0:
		return s.segments[0][1]
	case s.successes >= successesToWiden:
		return s.tooFar
	}
	return s.after.savedAt + (s.tooFar-s.after.savedAt)/2
}

// reached: all up to a version has been read.
func (s *stream) reached(upTo int64) {
	s.successes++
	s.after = place{savedAt: upTo + 1}
	if upTo == s.tooFar {
		s.tooFar = 0
	}
	if upTo == s.segments[0][1] {
		s.segments, s.tooFar = s.segments[1:], 0
		if len(s.segments) > 0 {
			s.after = place{savedAt: s.segments[0][0]}
		}
	}
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

// take gives the next entries, bounded in number and in the bytes of their tasks; one alone may have more.
func (s *streams) take(ctx context.Context, most int) ([]placed, error) {
	var taken []placed
	left := pageBytes
	for len(taken) < most && len(*s) > 0 {
		first := (*s)[0]
		next := first.entries[0]
		size := next.size
		if size <= 0 {
			size = taskledger.MaxTaskBytes
		}
		if left -= size; left < 0 && len(taken) > 0 {
			break
		}
		taken = append(taken, placed{next, first.lastPage, first})
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
