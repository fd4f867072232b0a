package taskledger

import (
	"bytes"
	"iter"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

const (
	// MaxBatchTasks is the most tasks of a batch.
	MaxBatchTasks = 10_000

	maxSharedBytes     = 1024
	batchOverheadBytes = 4096
)

// IsBatch tells a batch from an envelope.
func IsBatch(message []byte) bool { return bytes.HasPrefix(message, []byte{0x82, 0x01}) }

// DecodeBatch reads the envelopes of a batch, each of at most limit bytes, in order. The error is ErrTooLarge,
// ErrInvalidBatch, or, for an envelope that breaks the rules, ErrInvalidEnvelope; that ends them.
func DecodeBatch(data []byte, limit int) iter.Seq2[*taskledgerv1.TaskEnvelope, error] {
	return func(yield func(*taskledgerv1.TaskEnvelope, error) bool) {
		batch, err := readBatch(data, limit)
		if err != nil {
			yield(nil, err)
			return
		}
		groups := make([]groupReader, len(batch.GetGroups()))
		order := batch.GetOrder()
		for i, group := range batch.GetGroups() {
			groups[i].group = group
			if len(batch.GetOrder()) == 0 {
				order = append(order, make([]uint32, len(group.GetData()))...) // there is one group
			}
		}
		for _, index := range order {
			envelope, err := groups[index].next()
			if !yield(envelope, err) || err != nil {
				return
			}
		}
	}
}

func readBatch(data []byte, limit int) (*taskledgerv1.TaskBatch, error) {
	if len(data) > limit+batchOverheadBytes {
		return nil, Errorf(ErrTooLarge, "the batch has %d bytes", len(data))
	}
	batch := &taskledgerv1.TaskBatch{}
	if err := proto.Unmarshal(data, batch); err != nil {
		return nil, wrap(ErrInvalidBatch, "the bytes are no TaskBatch", err)
	}
	count := 0
	left := make([]int, len(batch.GetGroups()))
	for i, group := range batch.GetGroups() {
		left[i] = len(group.GetData())
		count += left[i]
	}
	if count > MaxBatchTasks {
		return nil, Errorf(ErrTooLarge, "the batch has %d tasks; the limit is %d", count, MaxBatchTasks)
	}
	for _, group := range batch.GetGroups() {
		if !isGroup(group) {
			return nil, Errorf(ErrInvalidBatch, "the columns of a group do not fit, or it has fields that are not known here")
		}
	}
	if len(batch.ProtoReflect().GetUnknown()) > 0 || !isOrder(batch.GetOrder(), left, count) {
		return nil, Errorf(ErrInvalidBatch, "its order does not fit, or it has fields that are not known here")
	}
	return batch, nil
}

func isOrder(order []uint32, left []int, count int) bool {
	if len(order) == 0 && len(left) <= 1 {
		return true
	}
	for _, index := range order {
		if index >= uint32(len(left)) || left[index] == 0 {
			return false
		}
		left[index]--
	}
	return len(order) == count
}

func isGroup(group *taskledgerv1.TaskGroup) bool {
	count := len(group.GetData())
	hasIds := len(group.GetUuids()) == 16*count
	if len(group.GetIds()) > 0 {
		hasIds = len(group.GetIds()) == count && len(group.GetUuids()) == 0
	}
	for _, size := range []int{len(group.GetCreatedAt()), len(group.GetSavedAt()), len(group.GetRest())} {
		if size != 0 && size != count {
			return false
		}
	}
	isKnown := len(group.ProtoReflect().GetUnknown()) == 0
	return count > 0 && hasIds && isKnown && proto.Size(group.GetShared()) <= maxSharedBytes
}

// groupReader makes the envelopes of a group, one after the other.
type groupReader struct {
	group              *taskledgerv1.TaskGroup
	index              int
	createdAt, savedAt int64
}

func (r *groupReader) next() (*taskledgerv1.TaskEnvelope, error) {
	group, i := r.group, r.index
	r.index++
	envelope := &taskledgerv1.TaskEnvelope{}
	proto.Merge(envelope, group.GetShared())
	envelope.Id = r.id(i)
	if envelope.Data == nil {
		envelope.Data = &anypb.Any{}
	}
	envelope.Data.Value = group.GetData()[i]
	if times := group.GetCreatedAt(); len(times) > 0 {
		if !add(&r.createdAt, times[i]) {
			return nil, leavesRange()
		}
		envelope.CreatedAt = timestampOf(r.createdAt)
	}
	if times := group.GetSavedAt(); len(times) > 0 {
		if !add(&r.savedAt, times[i]) {
			return nil, leavesRange()
		}
		envelope.SavedAt = timestampOf(r.savedAt)
	}
	if rest := group.GetRest(); len(rest) > 0 {
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(rest[i], envelope); err != nil {
			return nil, wrap(ErrInvalidEnvelope, "what the columns do not have is no TaskEnvelope", err)
		}
	}
	return envelope, check(envelope, ErrInvalidEnvelope)
}

// add adds to a sum; false if that would leave 64 bits.
func add(sum *int64, difference int64) bool {
	before := *sum
	*sum += difference
	return (*sum > before) == (difference > 0)
}

func leavesRange() *Error {
	return Errorf(ErrInvalidEnvelope, "a sum of the batch's times leaves 64 bits")
}

func (r *groupReader) id(i int) string {
	if ids := r.group.GetIds(); len(ids) > 0 {
		return ids[i]
	}
	return uuidText(r.group.GetUuids()[16*i : 16*i+16])
}
