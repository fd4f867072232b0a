// Package worker reads, passes on, saves and completes Taskledger's tasks; see docs/protocol.md.
package worker

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	taskledgerv1 "taskledger.example/worker/gen/taskledger/v1"
)

const (
	// MaxTaskBytes is the largest envelope, unless both sides are configured otherwise.
	MaxTaskBytes = 1 << 20
	// MaxFrameBytes is the largest frame: a batch has room for the largest envelope.
	MaxFrameBytes = MaxTaskBytes + batchOverheadBytes
	// MaxKeyBytes is the longest task list and the longest id, in bytes of UTF-8.
	MaxKeyBytes = 512
	// MaxVersion is the last microsecond of the year 9999.
	MaxVersion = 253_402_300_799_999_999

	maxSavedAtBytes     = 15
	unknownFieldsHeader = "taskledger-unknown-fields"
	typePrefix          = "type.googleapis.com/"
)

// Error has a stable code. MayApply tells whether a write may have been applied all the same.
type Error struct {
	Code     string
	MayApply bool
	Reason   string
	Cause    error
}

func (e *Error) Error() string { return e.Code + ": " + e.Reason }
func (e *Error) Unwrap() error { return e.Cause }

func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// Types are the task types that a worker knows, by their full names.
type Types map[protoreflect.FullName]protoreflect.MessageType

// NewTypes knows the types of the given messages.
//
//	types := worker.NewTypes(&examplev1.FetchFile{}, &examplev1.SendMail{})
func NewTypes(messages ...proto.Message) Types {
	types := Types{}
	for _, message := range messages {
		each := message.ProtoReflect().Type()
		types[each.Descriptor().FullName()] = each
	}
	return types
}

// TypeOf is the full name of the data's message.
func TypeOf(envelope *taskledgerv1.TaskEnvelope) protoreflect.FullName {
	return typeName(envelope.GetData().GetTypeUrl())
}

// VersionOf is saved_at in microseconds, and whether the task has been saved.
func VersionOf(envelope *taskledgerv1.TaskEnvelope) (int64, bool) {
	at := envelope.GetSavedAt()
	return at.GetSeconds()*1_000_000 + int64(at.GetNanos())/1000, at != nil
}

func setVersion(envelope *taskledgerv1.TaskEnvelope, version int64) {
	envelope.SavedAt = &timestamppb.Timestamp{Seconds: version / 1_000_000, Nanos: int32(version%1_000_000) * 1000}
}

// Decode reads an envelope of at most limit bytes. The error is TOO_LARGE or INVALID_ENVELOPE.
func Decode(data []byte, limit int) (*taskledgerv1.TaskEnvelope, error) {
	if len(data) > limit {
		return nil, refuse("TOO_LARGE", "the envelope has %d bytes; the limit is %d", len(data), limit)
	}
	envelope := &taskledgerv1.TaskEnvelope{}
	if err := proto.Unmarshal(data, envelope); err != nil {
		return nil, &Error{Code: "INVALID_ENVELOPE", Reason: "the bytes are no TaskEnvelope", Cause: err}
	}
	if err := check(envelope, "INVALID_ENVELOPE"); err != nil {
		return nil, err
	}
	return envelope, nil
}

// Encode gives the envelope's bytes, headers sorted by key. The error is TOO_LARGE.
func Encode(envelope *taskledgerv1.TaskEnvelope) ([]byte, error) {
	data, err := deterministic.Marshal(envelope)
	if err != nil {
		return nil, &Error{Code: "INVALID_DATA", Reason: "the envelope can't be encoded", Cause: err}
	}
	if len(data) > MaxTaskBytes {
		return nil, refuse("TOO_LARGE", "the envelope has %d bytes; the limit is %d", len(data), MaxTaskBytes)
	}
	return data, nil
}

// encodeBody gives what a store keeps: the envelope's bytes without saved_at, which it gives them. The error is TOO_LARGE.
func encodeBody(envelope *taskledgerv1.TaskEnvelope) ([]byte, error) {
	body := proto.CloneOf(envelope)
	body.SavedAt = nil
	data, err := Encode(body)
	if err == nil && len(data) > MaxTaskBytes-maxSavedAtBytes {
		err = refuse("TOO_LARGE", "the envelope has %d bytes; the limit is %d", len(data)+maxSavedAtBytes, MaxTaskBytes)
	}
	return data, err
}

// DecodeData gives the data; nil where its type is not known, or its bytes do not decode.
func DecodeData(envelope *taskledgerv1.TaskEnvelope, types Types) proto.Message {
	known, ok := types[TypeOf(envelope)]
	if !ok {
		return nil
	}
	data := known.New().Interface()
	if proto.Unmarshal(envelope.GetData().GetValue(), data) != nil {
		return nil
	}
	return data
}

var deterministic = proto.MarshalOptions{Deterministic: true}

func typeName(url string) protoreflect.FullName {
	return protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])
}

func check(envelope *taskledgerv1.TaskEnvelope, code string) error {
	if !isKey(envelope.GetTaskList()) || !isKey(envelope.GetId()) {
		return refuse(code, "task_list and id must be 1 to %d bytes of UTF-8 without NUL", MaxKeyBytes)
	}
	if envelope.GetData() == nil || TypeOf(envelope) == "" {
		return refuse(code, "data does not name a type")
	}
	if at := envelope.GetCreatedAt(); at != nil && at.CheckValid() != nil {
		return refuse(code, "created_at is out of the range of a Timestamp")
	}
	version, saved := VersionOf(envelope)
	nanos := envelope.GetSavedAt().GetNanos()
	whole := nanos >= 0 && nanos <= 999_999_000 && nanos%1000 == 0
	if saved && (!whole || version < 1 || version > MaxVersion) {
		return refuse(code, "saved_at is not a whole number of microseconds between 1970 and 9999")
	}
	return nil
}

func isKey(value string) bool {
	return len(value) >= 1 && len(value) <= MaxKeyBytes && utf8.ValidString(value) && !strings.ContainsRune(value, 0)
}

// ToHash gives the JSON text of the envelope's hash: its data sealed where ProtoJSON would lose some of it.
func ToHash(envelope *taskledgerv1.TaskEnvelope, types Types) ([]byte, error) {
	hashable := unknownFieldsToHeader(envelope)
	if plain := plainHash(hashable, types); plain != nil {
		return plain, nil
	}
	sealed, err := deterministic.Marshal(&taskledgerv1.SealedData{
		TypeUrl: envelope.GetData().GetTypeUrl(),
		Value:   envelope.GetData().GetValue(),
	})
	if err != nil {
		return nil, &Error{Code: "INVALID_DATA", Reason: "the data can't be sealed", Cause: err}
	}
	hashable.Data = &anypb.Any{TypeUrl: typePrefix + string(sealedType.Descriptor().FullName()), Value: sealed}
	return protojson.MarshalOptions{Resolver: resolverOf(sealedType)}.Marshal(hashable)
}

// FromHash reads the JSON text of a hash. The error is INVALID_HASH, or UNKNOWN_TYPE for plain data of a type that is not
// among the types.
func FromHash(text []byte, types Types, ignoreUnknownFields bool) (*taskledgerv1.TaskEnvelope, error) {
	name, err := dataType(text)
	if err != nil {
		return nil, err
	}
	isSealed := name == sealedType.Descriptor().FullName()
	known, ok := types[name]
	if isSealed {
		known = sealedType
	} else if !ok {
		return nil, refuse("UNKNOWN_TYPE", "%s is not among the types known here, so its JSON can't be read", name)
	}
	envelope, err := parse(text, known, ignoreUnknownFields)
	if err != nil {
		return nil, err
	}
	if isSealed {
		unseal(envelope)
	}
	unknownFieldsFromHeader(envelope)
	if err := check(envelope, "INVALID_HASH"); err != nil {
		return nil, err
	}
	return envelope, nil
}

var sealedType = (&taskledgerv1.SealedData{}).ProtoReflect().Type()

// plainHash is nil where ProtoJSON can't write the data, or where it would not come back as it was.
func plainHash(envelope *taskledgerv1.TaskEnvelope, types Types) []byte {
	data := DecodeData(envelope, types)
	if data == nil {
		return nil
	}
	known := types[TypeOf(envelope)]
	text, err := protojson.MarshalOptions{Resolver: resolverOf(known)}.Marshal(envelope)
	if err != nil {
		return nil
	}
	back, err := parse(text, known, false)
	if err != nil {
		return nil
	}
	original, err := deterministic.Marshal(data)
	if err != nil || !bytes.Equal(original, back.GetData().GetValue()) || isFragile(text) {
		return nil
	}
	return text
}

func parse(text []byte, known protoreflect.MessageType, ignoreUnknownFields bool) (*taskledgerv1.TaskEnvelope, error) {
	envelope := &taskledgerv1.TaskEnvelope{}
	options := protojson.UnmarshalOptions{Resolver: resolverOf(known), DiscardUnknown: ignoreUnknownFields}
	if err := options.Unmarshal(text, envelope); err != nil {
		return nil, &Error{Code: "INVALID_HASH", Reason: err.Error(), Cause: err}
	}
	if err := check(envelope, "INVALID_HASH"); err != nil {
		return nil, err
	}
	return envelope, nil
}

func dataType(text []byte) (protoreflect.FullName, error) {
	var hash struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	var url string
	if err := json.Unmarshal(text, &hash); err != nil {
		return "", &Error{Code: "INVALID_HASH", Reason: "no JSON of a task", Cause: err}
	}
	if json.Unmarshal(hash.Data["@type"], &url) != nil || typeName(url) == "" {
		return "", refuse("INVALID_HASH", `data["@type"] must name the type of the data`)
	}
	return typeName(url), nil
}

// isFragile tells whether some readers would lose something: the sign of a zero, or the prefix of a type's URL.
func isFragile(text []byte) bool {
	var hash struct {
		Data map[string]any `json:"data"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&hash) != nil {
		return true
	}
	delete(hash.Data, "@type")
	return hasFragile(hash.Data)
}

func hasFragile(value any) bool {
	switch value := value.(type) {
	case json.Number:
		return strings.HasPrefix(string(value), "-0") && strings.Trim(string(value), "-0.eE") == ""
	case []any:
		for _, element := range value {
			if hasFragile(element) {
				return true
			}
		}
	case map[string]any:
		if url, ok := value["@type"].(string); ok && !strings.HasPrefix(url, typePrefix) {
			return true
		}
		for _, element := range value {
			if hasFragile(element) {
				return true
			}
		}
	}
	return false
}

func unseal(envelope *taskledgerv1.TaskEnvelope) {
	sealed := &taskledgerv1.SealedData{}
	// These bytes were just made of JSON.
	if proto.Unmarshal(envelope.GetData().GetValue(), sealed) == nil {
		envelope.Data = &anypb.Any{TypeUrl: sealed.GetTypeUrl(), Value: sealed.GetValue()}
	}
}

func unknownFieldsToHeader(envelope *taskledgerv1.TaskEnvelope) *taskledgerv1.TaskEnvelope {
	hashable := proto.CloneOf(envelope)
	unknown := envelope.ProtoReflect().GetUnknown()
	if len(unknown) == 0 {
		return hashable
	}
	hashable.ProtoReflect().SetUnknown(nil)
	if hashable.Headers == nil {
		hashable.Headers = map[string]string{}
	}
	hashable.Headers[unknownFieldsHeader] = base64.StdEncoding.EncodeToString(unknown)
	return hashable
}

func unknownFieldsFromHeader(envelope *taskledgerv1.TaskEnvelope) {
	fields, err := base64.StdEncoding.DecodeString(envelope.GetHeaders()[unknownFieldsHeader])
	newer := &taskledgerv1.TaskEnvelope{}
	if err != nil || proto.Unmarshal(fields, newer) != nil {
		return // somebody else's header, then
	}
	if unknown := newer.ProtoReflect().GetUnknown(); len(unknown) > 0 {
		delete(envelope.Headers, unknownFieldsHeader)
		envelope.ProtoReflect().SetUnknown(unknown)
	}
}

// resolverOf knows the types that JSON of such data may name in an Any: of its file, and of those that one imports.
func resolverOf(known protoreflect.MessageType) *protoregistry.Types {
	types := new(protoregistry.Types)
	_ = types.RegisterMessage(known)
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		addMessages(types, file.Messages())
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
	}
	add(known.Descriptor().ParentFile())
	return types
}

func addMessages(types *protoregistry.Types, messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		message := messages.Get(i)
		if !message.IsMapEntry() {
			_ = types.RegisterMessage(dynamicpb.NewMessageType(message)) // fails for the one that is there already
		}
		addMessages(types, message.Messages())
	}
}

// FrameReader reads the frames of a stream.
type FrameReader struct {
	stream *bufio.Reader
	limit  uint64
}

// NewFrameReader reads frames of at most limit bytes.
func NewFrameReader(stream io.Reader, limit int) *FrameReader {
	return &FrameReader{bufio.NewReader(stream), uint64(limit)}
}

// Next gives the next frame, and io.EOF at the end. The error is TOO_LARGE before a frame over the limit, and TRUNCATED where
// the stream ends inside of one.
func (r *FrameReader) Next() ([]byte, error) {
	size, err := r.readLength()
	if err != nil {
		return nil, err
	}
	if size > r.limit {
		return nil, refuse("TOO_LARGE", "a frame has %d bytes; the limit is %d", size, r.limit)
	}
	frame := make([]byte, size)
	if _, err := io.ReadFull(r.stream, frame); err != nil {
		return nil, &Error{Code: "TRUNCATED", Reason: "the stream ends inside of a frame", Cause: err}
	}
	return frame, nil
}

func (r *FrameReader) readLength() (length uint64, err error) {
	for shift := 0; shift < 35; shift += 7 {
		next, err := r.stream.ReadByte()
		if errors.Is(err, io.EOF) && shift > 0 {
			return 0, &Error{Code: "TRUNCATED", Reason: "the stream ends inside of a length", Cause: err}
		}
		if err != nil {
			return 0, err
		}
		length |= uint64(next&0x7f) << shift
		if next < 0x80 {
			return length, nil
		}
	}
	return 0, refuse("INVALID_BATCH", "a length has more than five bytes")
}

// WriteFrame writes a message behind its length.
func WriteFrame(stream io.Writer, message []byte) error {
	frame := append(binary.AppendUvarint(nil, uint64(len(message))), message...)
	_, err := stream.Write(frame)
	return err
}

// Handler does a task. What it returns, if it is not nil, leaves the task open.
type Handler func(envelope *taskledgerv1.TaskEnvelope, data proto.Message) error

// Worker does tasks, each by the handler of its type, and completes those that were done.
type Worker struct {
	types    Types
	handlers map[protoreflect.FullName]Handler
	complete func(*taskledgerv1.TaskEnvelope) error
}

// NewWorker completes with the given function, such as that of a Ledger.
func NewWorker(complete func(*taskledgerv1.TaskEnvelope) error) *Worker {
	return &Worker{Types{}, map[protoreflect.FullName]Handler{}, complete}
}

// Does gives tasks of a message's type to a handler.
func (w *Worker) Does(message proto.Message, handler Handler) {
	each := message.ProtoReflect().Type()
	w.types[each.Descriptor().FullName()] = each
	w.handlers[each.Descriptor().FullName()] = handler
}

// Do does a task and completes it; false where it has no handler, or does not decode. It then stays open, for others.
func (w *Worker) Do(envelope *taskledgerv1.TaskEnvelope) (bool, error) {
	data := DecodeData(envelope, w.types)
	if data == nil {
		return false, nil
	}
	if err := w.handlers[TypeOf(envelope)](envelope, data); err != nil {
		return false, err
	}
	return true, w.complete(envelope)
}

// Run does the tasks of a stream of frames, up to its end or the first error.
func (w *Worker) Run(frames *FrameReader) error {
	for {
		frame, err := frames.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.doMessage(frame); err != nil {
			return err
		}
	}
}

// doMessage does the task of an envelope, or the tasks of a batch.
func (w *Worker) doMessage(message []byte) error {
	if !IsBatch(message) {
		envelope, err := Decode(message, MaxTaskBytes)
		if err == nil {
			_, err = w.Do(envelope)
		}
		return err
	}
	for envelope, err := range DecodeBatch(message, MaxTaskBytes) {
		if err == nil {
			_, err = w.Do(envelope)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
