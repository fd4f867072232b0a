package taskledger

import (
	"bytes"
	"iter"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
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
//
// Each is made when it is asked for. Those of a group share their headers, and whatever else a batch says once for all of them:
// 50 KB may have 10,000 tasks that share a kilobyte. Copy a task by proto.CloneOf before you change more of it than its fields.
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
			groups[i] = newGroupReader(group)
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
	if err := unmarshal(data, batch); err != nil {
		return nil, wrap(ErrInvalidBatch, "the bytes are no TaskBatch", err)
	}
	count, claimed := 0, 0
	left := make([]int, len(batch.GetGroups()))
	for i, group := range batch.GetGroups() {
		left[i] = len(group.GetData())
		count += left[i]
		claimed += claimedSize(group)
	}
	if max(claimed, len(batch.GetOrder())) > MaxBatchTasks {
		return nil, Errorf(ErrTooLarge, "the batch has more than %d tasks, the limit", MaxBatchTasks)
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
	areTimes := stayIn64Bits(group.GetCreatedAt()) && stayIn64Bits(group.GetSavedAt())
	return count > 0 && hasIds && isKnown && areTimes && isSmall(group)
}

// claimedSize is how many tasks a group claims to have, by its longest column, whether or not they fit each other.
func claimedSize(group *taskledgerv1.TaskGroup) int {
	return max(1, len(group.GetData()), len(group.GetIds()), len(group.GetCreatedAt()), len(group.GetSavedAt()), len(group.GetRest()))
}

// isSmall: few bytes must not become many. What is shared is merged with nothing but a list and a type.
func isSmall(group *taskledgerv1.TaskGroup) bool {
	shared := group.GetShared()
	size := proto.Size(shared)
	plain := proto.Size(&taskledgerv1.TaskEnvelope{TaskList: shared.GetTaskList(), Data: shared.GetData()})
	return size <= maxSharedBytes && (len(group.GetRest()) == 0 || size == plain)
}

func stayIn64Bits(differences []int64) bool {
	sum := int64(0)
	for _, difference := range differences {
		before := sum
		sum += difference
		if (sum > before) != (difference > 0) {
			return false
		}
	}
	return true
}

// groupReader makes the envelopes of a group, one after the other.
type groupReader struct {
	group                  *taskledgerv1.TaskGroup
	unknown, unknownOfData protoreflect.RawFields
	index                  int
	createdAt, savedAt     int64
}

func newGroupReader(group *taskledgerv1.TaskGroup) groupReader {
	shared := group.GetShared()
	return groupReader{group: group, unknown: unknownOf(shared), unknownOfData: unknownOf(shared.GetData())}
}

// unknownOf gives fields that messages can share: what one of them appends is in memory of its own.
func unknownOf(message proto.Message) protoreflect.RawFields {
	return slices.Clip(message.ProtoReflect().GetUnknown())
}

func (r *groupReader) next() (*taskledgerv1.TaskEnvelope, error) {
	group, i := r.group, r.index
	r.index++
	envelope := r.share()
	envelope.Id = r.id(i)
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
			return nil, wrap(ErrInvalidEnvelope, "what the columns do not have is no TaskEnvelope", err)
		}
	}
	return envelope, check(envelope, ErrInvalidEnvelope)
}

// share makes an envelope that has what the tasks share, and refers to it: few bytes must not become many.
func (r *groupReader) share() *taskledgerv1.TaskEnvelope {
	shared := r.group.GetShared()
	data := &anypb.Any{TypeUrl: shared.GetData().GetTypeUrl()}
	data.ProtoReflect().SetUnknown(r.unknownOfData)
	envelope := &taskledgerv1.TaskEnvelope{
		TaskList:  shared.GetTaskList(),
		Data:      data,
		CreatedAt: shared.GetCreatedAt(),
		Attempt:   shared.GetAttempt(),
		Headers:   shared.GetHeaders(),
		SavedAt:   shared.GetSavedAt(),
	}
	envelope.ProtoReflect().SetUnknown(r.unknown)
	return envelope
}

func (r *groupReader) id(i int) string {
	if ids := r.group.GetIds(); len(ids) > 0 {
		return ids[i]
	}
	return uuidText(r.group.GetUuids()[16*i : 16*i+16])
}
