package worker

import (
	"bytes"
	"encoding/hex"
	"iter"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	taskledgerv1 "taskledger.example/worker/gen/taskledger/v1"
)

const (
	// MaxBatchTasks is the most tasks of a batch.
	MaxBatchTasks = 10_000

	maxSharedBytes     = 1024
	batchOverheadBytes = 4096
)

// IsBatch tells a batch from an envelope.
func IsBatch(message []byte) bool { return bytes.HasPrefix(message, []byte{0x82, 0x01}) }

// DecodeBatch reads the envelopes of a batch, each of at most limit bytes, in order. The error is TOO_LARGE, INVALID_BATCH, or,
// for an envelope that breaks the rules, INVALID_ENVELOPE; that ends them.
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
		return nil, refuse("TOO_LARGE", "the batch has %d bytes", len(data))
	}
	batch := &taskledgerv1.TaskBatch{}
	if err := proto.Unmarshal(data, batch); err != nil {
		return nil, &Error{Code: "INVALID_BATCH", Reason: "the bytes are no TaskBatch", Cause: err}
	}
	count := 0
	left := make([]int, len(batch.GetGroups()))
	for i, group := range batch.GetGroups() {
		left[i] = len(group.GetData())
		count += left[i]
	}
	if count > MaxBatchTasks {
		return nil, refuse("TOO_LARGE", "the batch has %d tasks; the limit is %d", count, MaxBatchTasks)
	}
	for _, group := range batch.GetGroups() {
		if !isGroup(group) {
			return nil, refuse("INVALID_BATCH", "the columns of a group do not fit, or it has fields that are not known here")
		}
	}
	if len(batch.ProtoReflect().GetUnknown()) > 0 || !isOrder(batch.GetOrder(), left, count) {
		return nil, refuse("INVALID_BATCH", "its order does not fit, or it has fields that are not known here")
	}
	return batch, nil
}

func isOrder(order []uint32, left []int, count int) bool {
	if len(order) == 0 && len(left) <= 1 {
		return true
	}
	for _, index := range order {
		if int(index) >= len(left) || left[index] == 0 {
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
		r.createdAt += times[i]
		envelope.CreatedAt = timestampOf(r.createdAt)
	}
	if times := group.GetSavedAt(); len(times) > 0 {
		r.savedAt += times[i]
		envelope.SavedAt = timestampOf(r.savedAt)
	}
	if rest := group.GetRest(); len(rest) > 0 {
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(rest[i], envelope); err != nil {
			return nil, &Error{Code: "INVALID_ENVELOPE", Reason: "what the columns do not have is no TaskEnvelope", Cause: err}
		}
	}
	return envelope, check(envelope, "INVALID_ENVELOPE")
}

func (r *groupReader) id(i int) string {
	if ids := r.group.GetIds(); len(ids) > 0 {
		return ids[i]
	}
	text := hex.EncodeToString(r.group.GetUuids()[16*i : 16*i+16])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// timestampOf rounds the seconds down, so that nanos are never negative.
func timestampOf(micros int64) *timestamppb.Timestamp {
	seconds, rest := micros/1_000_000, micros%1_000_000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1_000_000
	}
	return &timestamppb.Timestamp{Seconds: seconds, Nanos: int32(rest) * 1000}
}
