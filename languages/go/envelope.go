package taskledger

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

const (
	// MaxTaskBytes is the largest envelope, unless both sides are configured otherwise.
	MaxTaskBytes = 1 << 20
	// MaxKeyBytes is the longest task list and the longest id, in bytes of UTF-8.
	MaxKeyBytes = 512
	// MaxVersion is the last microsecond of the year 9999.
	MaxVersion = 253_402_300_799_999_999

	// saved_at at its longest, which a store's envelope has beside its body.
	maxSavedAtBytes = 15
	typePrefix      = "type.googleapis.com/"
)

// Types are the task types that a process knows, by their full names.
type Types map[protoreflect.FullName]protoreflect.MessageType

// NewTypes knows the types of the given messages.
//
//	types := taskledger.NewTypes(&acmev1.FetchFile{}, &acmev1.SendMail{})
func NewTypes(messages ...proto.Message) Types {
	types := Types{}
	for _, message := range messages {
		each := message.ProtoReflect().Type()
		types[each.Descriptor().FullName()] = each
	}
	return types
}

// NewEnvelope builds a task that has not been saved yet. An empty id gets a random one. The error is ErrInvalidKey,
// ErrInvalidData or ErrTooLarge.
func NewEnvelope(taskList, id string, data proto.Message) (*taskledgerv1.TaskEnvelope, error) {
	if id == "" {
		id = randomID()
	}
	if err := checkKeys(taskList, id, ErrInvalidKey); err != nil {
		return nil, err
	}
	packed := &anypb.Any{}
	if err := anypb.MarshalFrom(packed, data, deterministic); err != nil {
		return nil, wrap(ErrInvalidData, "the data can't be encoded", err)
	}
	createdAt := timestampOf(time.Now().UnixMicro())
	envelope := &taskledgerv1.TaskEnvelope{TaskList: taskList, Id: id, Data: packed, CreatedAt: createdAt}
	_, err := EncodeBody(envelope, MaxTaskBytes)
	return envelope, err
}

// TypeOf is the full name of the data's message.
func TypeOf(envelope *taskledgerv1.TaskEnvelope) protoreflect.FullName {
	return typeName(envelope.GetData().GetTypeUrl())
}

// VersionOf is saved_at in microseconds, and whether the task has been saved.
func VersionOf(envelope *taskledgerv1.TaskEnvelope) (version int64, saved bool) {
	at := envelope.GetSavedAt()
	return at.GetSeconds()*1_000_000 + int64(at.GetNanos())/1000, at != nil
}

// WithVersion is a copy of an envelope, saved at that version, in microseconds.
func WithVersion(envelope *taskledgerv1.TaskEnvelope, version int64) *taskledgerv1.TaskEnvelope {
	saved := proto.CloneOf(envelope)
	saved.SavedAt = timestampOf(version)
	return saved
}

// SavedVersion is the version. The error is ErrNotSaved if there is none.
func SavedVersion(envelope *taskledgerv1.TaskEnvelope) (int64, error) {
	version, saved := VersionOf(envelope)
	if !saved {
		return 0, Errorf(ErrNotSaved, "the task has no version: its bytes were taken before it was saved")
	}
	return version, nil
}

// Decode reads an envelope of at most limit bytes. The error is ErrTooLarge or ErrInvalidEnvelope.
func Decode(data []byte, limit int) (*taskledgerv1.TaskEnvelope, error) {
	if err := checkSize(len(data), limit); err != nil {
		return nil, err
	}
	return decode(data)
}

func decode(data []byte) (*taskledgerv1.TaskEnvelope, error) {
	envelope := &taskledgerv1.TaskEnvelope{}
	if err := proto.Unmarshal(data, envelope); err != nil {
		return nil, wrap(ErrInvalidEnvelope, "the bytes are no TaskEnvelope", err)
	}
	if err := check(envelope, ErrInvalidEnvelope); err != nil {
		return nil, err
	}
	return envelope, nil
}

// Encode gives the envelope's bytes, headers sorted by key. The error is ErrTooLarge, or ErrInvalidEnvelope for texts that are
// no UTF-8.
func Encode(envelope *taskledgerv1.TaskEnvelope) ([]byte, error) {
	data, err := deterministic.Marshal(envelope)
	if err != nil {
		return nil, wrap(ErrInvalidEnvelope, "the envelope can't be encoded", err)
	}
	return data, checkSize(len(data), MaxTaskBytes)
}

// EncodeBody gives what a store keeps: the envelope's bytes without saved_at, which the store gives them. What is saved, every
// reader must be able to read: the error is ErrInvalidEnvelope for what breaks the protocol's rules, and ErrTooLarge if the
// envelope could have more than limit bytes once it is saved.
func EncodeBody(envelope *taskledgerv1.TaskEnvelope, limit int) ([]byte, error) {
	if err := check(envelope, ErrInvalidEnvelope); err != nil {
		return nil, err
	}
	body := proto.CloneOf(envelope)
	body.SavedAt = nil
	data, err := deterministic.Marshal(body)
	if err != nil {
		return nil, wrap(ErrInvalidEnvelope, "the envelope can't be encoded", err)
	}
	return data, checkSize(len(data)+maxSavedAtBytes, limit)
}

// StoredTask is the envelope of what a store holds under a key at a version. One whose body is no envelope of that list and id
// comes as a DamagedTask.
func StoredTask(taskList, id string, version int64, body []byte) *taskledgerv1.TaskEnvelope {
	envelope, err := decode(body)
	if err != nil || envelope.GetTaskList() != taskList || envelope.GetId() != id {
		value, _ := deterministic.Marshal(&taskledgerv1.DamagedTask{Body: body})
		data := &anypb.Any{TypeUrl: typePrefix + string(damagedType), Value: value}
		envelope = &taskledgerv1.TaskEnvelope{TaskList: taskList, Id: id, Data: data}
	}
	envelope.SavedAt = timestampOf(version)
	return envelope
}

var damagedType = (&taskledgerv1.DamagedTask{}).ProtoReflect().Descriptor().FullName()

// IsDamaged tells whether a store held bytes that are no task under this list and id; the data then is a DamagedTask with them.
func IsDamaged(envelope *taskledgerv1.TaskEnvelope) bool { return TypeOf(envelope) == damagedType }

// DecodeData gives the data; nil if its type is not known, or its bytes do not decode.
func DecodeData(envelope *taskledgerv1.TaskEnvelope, types Types) proto.Message {
	known, ok := types[TypeOf(envelope)]
	if !ok {
		return nil
	}
	data := known.New().Interface()
	if unmarshal(envelope.GetData().GetValue(), data) != nil {
		return nil
	}
	return data
}

var deterministic = proto.MarshalOptions{Deterministic: true}

func typeName(url string) protoreflect.FullName {
	return protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])
}

func checkSize(size, limit int) error {
	if size > limit {
		return Errorf(ErrTooLarge, "the envelope has %d bytes; the limit is %d", size, limit)
	}
	return nil
}

// check tells which of the protocol's rules an envelope breaks.
func check(envelope *taskledgerv1.TaskEnvelope, code Code) error {
	if err := checkKeys(envelope.GetTaskList(), envelope.GetId(), code); err != nil {
		return err
	}
	if envelope.GetData() == nil || TypeOf(envelope) == "" {
		return Errorf(code, "data does not name a type")
	}
	if at := envelope.GetCreatedAt(); at != nil && at.CheckValid() != nil {
		return Errorf(code, "created_at is out of the range of a Timestamp")
	}
	if at := envelope.GetSavedAt(); at != nil && !isVersion(at) {
		return Errorf(code, "saved_at is not a whole number of microseconds between 1970 and 9999")
	}
	return nil
}

func isVersion(at *timestamppb.Timestamp) bool {
	return at.IsValid() && at.GetNanos()%1000 == 0 && at.GetSeconds() >= 0 && (at.GetSeconds() > 0 || at.GetNanos() > 0)
}

func checkKeys(taskList, id string, code Code) error {
	if !isKey(taskList) {
		return Errorf(code, "task_list must be 1 to %d bytes of UTF-8 without NUL; it has %d bytes", MaxKeyBytes, len(taskList))
	}
	if !isKey(id) {
		return Errorf(code, "id must be 1 to %d bytes of UTF-8 without NUL; it has %d bytes", MaxKeyBytes, len(id))
	}
	return nil
}

func isKey(value string) bool {
	return len(value) >= 1 && len(value) <= MaxKeyBytes && utf8.ValidString(value) && !strings.ContainsRune(value, 0)
}

// timestampOf rounds the seconds down, so that nanos are never negative.
func timestampOf(micros int64) *timestamppb.Timestamp {
	seconds, rest := micros/1_000_000, micros%1_000_000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1_000_000
	}
	return &timestamppb.Timestamp{Seconds: seconds, Nanos: int32(rest) * 1000}
}

func randomID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return uuidText(id[:])
}

func uuidText(id []byte) string {
	text := hex.EncodeToString(id)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
