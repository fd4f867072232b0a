package taskledger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

const unknownFieldsHeader = "taskledger-unknown-fields"

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
		return nil, wrap(ErrInvalidData, "the data can't be sealed", err)
	}
	hashable.Data = &anypb.Any{TypeUrl: typePrefix + string(sealedType.Descriptor().FullName()), Value: sealed}
	return protojson.MarshalOptions{Resolver: resolverOf(sealedType)}.Marshal(hashable)
}

// messages in one another, at most, as other libraries read them.
const maxDepth = 100

// FromHash reads the JSON text of a hash, whose envelope has at most limit bytes. The error is ErrInvalidHash, ErrTooLarge, or
// ErrUnknownType for plain data of a type that is not among the types.
func FromHash(text []byte, limit int, types Types, ignoreUnknownFields bool) (*taskledgerv1.TaskEnvelope, error) {
	name, err := dataType(text)
	if err != nil {
		return nil, err
	}
	isSealed := name == sealedType.Descriptor().FullName()
	known, ok := types[name]
	if isSealed {
		known = sealedType
	} else if !ok {
		return nil, Errorf(ErrUnknownType, "%s is not among the types known here, so its JSON can't be read", name)
	}
	envelope, err := parse(text, known, ignoreUnknownFields)
	if err != nil {
		return nil, err
	}
	if isSealed {
		unseal(envelope)
	}
	unknownFieldsFromHeader(envelope)
	if err := check(envelope, ErrInvalidHash); err != nil {
		return nil, err
	}
	if err := checkSize(proto.Size(envelope), limit); err != nil {
		return nil, err
	}
	return envelope, nil
}

var sealedType = (&taskledgerv1.SealedData{}).ProtoReflect().Type()

// plainHash is nil where ProtoJSON can't write the data, or where it would not come back as it was. It may write the data anew.
func plainHash(envelope *taskledgerv1.TaskEnvelope, types Types) []byte {
	data := DecodeData(envelope, types)
	if data == nil {
		return nil
	}
	original, err := deterministic.Marshal(data)
	if err != nil {
		return nil
	}
	known := types[TypeOf(envelope)]
	envelope.Data.Value = original // its lists are in one piece each: protojson reads it once more
	text, err := protojson.MarshalOptions{Resolver: &outerResolver{resolverOf(known), known}}.Marshal(envelope)
	if err != nil {
		return nil
	}
	back, err := parse(text, known, false)
	if err != nil || !bytes.Equal(original, back.GetData().GetValue()) || isFragile(text) {
		return nil
	}
	return text
}

// outerResolver gives the data's type for the data. What is in an Any there has types without methods, which protobuf reads in
// proportion to its length (see unmarshal), also where a list is in pieces.
type outerResolver struct {
	*protoregistry.Types
	outer protoreflect.MessageType
}

// FindMessageByURL is asked for the data's type first.
func (r *outerResolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if outer := r.outer; outer != nil {
		r.outer = nil
		return outer, nil
	}
	found, err := r.Types.FindMessageByURL(url)
	if err != nil {
		return nil, err
	}
	return dynamicpb.NewMessageType(found.Descriptor()), nil
}

func parse(text []byte, known protoreflect.MessageType, ignoreUnknownFields bool) (*taskledgerv1.TaskEnvelope, error) {
	envelope := &taskledgerv1.TaskEnvelope{}
	options := protojson.UnmarshalOptions{
		Resolver: resolverOf(known), DiscardUnknown: ignoreUnknownFields, RecursionLimit: maxDepth,
	}
	if err := options.Unmarshal(text, envelope); err != nil {
		return nil, wrap(ErrInvalidHash, "no JSON of a task", err)
	}
	if err := check(envelope, ErrInvalidHash); err != nil {
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
		return "", wrap(ErrInvalidHash, "no JSON of a task", err)
	}
	if json.Unmarshal(hash.Data["@type"], &url) != nil || typeName(url) == "" {
		return "", Errorf(ErrInvalidHash, `data["@type"] must name the type of the data`)
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
