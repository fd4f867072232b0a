package taskledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/taskledger/taskledger/languages/go/internal/gen/example/lists"
	examplev1 "github.com/taskledger/taskledger/languages/go/internal/gen/example/v1"
	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

var extensions = []protoreflect.ExtensionType{
	lists.E_MoreNumbers, lists.E_More, lists.E_SeveralMore, lists.E_Moregroup, lists.E_Severalmoregroups,
}

// wireWriter writes the fields of a message in any way that protobuf reads, and now and then in one that it does not.
type wireWriter struct {
	*rand.Rand
	// Of how many fields one is wrong.
	wrong int
}

func (w wireWriter) isOneIn(n int) bool { return n > 0 && w.IntN(n) == 0 }

func (w wireWriter) message(message protoreflect.MessageDescriptor, depth int) []byte {
	var out []byte
	for range w.IntN(6) {
		fields := message.Fields()
		field := fields.Get(w.IntN(fields.Len()))
		if message.ExtensionRanges().Len() > 0 && w.isOneIn(4) {
			field = extensions[w.IntN(len(extensions))].TypeDescriptor()
		}
		for range 1 + w.IntN(3) {
			out = append(out, w.field(field, depth)...)
		}
		if w.isOneIn(10) {
			out = append(out, 0xfa, 0x1f, 1, 0x07, 0xfb, 0x1f, 0x08, 1, 0xfc, 0x1f) // numbers that no message has
		}
	}
	if w.isOneIn(w.wrong) {
		return out[:w.IntN(len(out)+1)]
	}
	return out
}

func (w wireWriter) field(field protoreflect.FieldDescriptor, depth int) []byte {
	number, kind := field.Number(), field.Kind()
	if w.isOneIn(20) {
		kind = protoreflect.Kind(1 + w.IntN(18))
	}
	inner := field.Message()
	if inner == nil {
		inner = (&lists.NoList{}).ProtoReflect().Descriptor()
	}
	switch kind {
	case protoreflect.StringKind, protoreflect.BytesKind:
		text := []byte("text")[:w.IntN(5)]
		if w.isOneIn(w.wrong) {
			text = []byte{0xff}
		}
		return w.bytes(number, text)
	case protoreflect.MessageKind:
		return w.bytes(number, w.below(inner, depth))
	case protoreflect.GroupKind:
		out := append(w.tag(number, protowire.StartGroupType), w.below(inner, depth)...)
		if w.isOneIn(w.wrong) {
			number++
		}
		return append(out, w.tag(number, protowire.EndGroupType)...)
	}
	if !field.IsList() || w.isOneIn(2) {
		return append(w.tag(number, numberType(kind)), w.number(numberType(kind))...)
	}
	var piece []byte
	for range w.IntN(4) {
		piece = append(piece, w.number(numberType(kind))...)
	}
	if w.isOneIn(w.wrong) {
		piece = append(piece, 0x80)
	}
	return w.bytes(number, piece)
}

func (w wireWriter) below(message protoreflect.MessageDescriptor, depth int) []byte {
	if depth == 0 || message.Fields().Len() == 0 {
		return nil
	}
	return w.message(message, depth-1)
}

func (w wireWriter) bytes(number protowire.Number, value []byte) []byte {
	return append(append(w.tag(number, protowire.BytesType), w.varint(uint64(len(value)))...), value...)
}

func (w wireWriter) tag(number protowire.Number, wireType protowire.Type) []byte {
	return w.varint(protowire.EncodeTag(number, wireType))
}

// varint may end with zeros.
func (w wireWriter) varint(value uint64) []byte {
	out := protowire.AppendVarint(nil, value)
	if len(out) < 5 && w.isOneIn(10) {
		out[len(out)-1] |= 0x80
		out = append(out, 0x80, 0)
	}
	return out
}

func (w wireWriter) number(wireType protowire.Type) []byte {
	switch wireType {
	case protowire.Fixed32Type:
		return protowire.AppendFixed32(nil, w.Uint32())
	case protowire.Fixed64Type:
		return protowire.AppendFixed64(nil, w.Uint64())
	default:
		return w.varint(w.Uint64() >> w.IntN(64))
	}
}

// read gives the message, encoded again, or the error.
func read(data []byte, kind protoreflect.MessageType) string {
	message := kind.New().Interface()
	if err := proto.Unmarshal(data, message); err != nil {
		return err.Error()
	}
	again, err := deterministic.Marshal(message)
	return fmt.Sprintf("%x, %v", again, err)
}

func TestWithoutPackedNumbersTheSameIsReadAndRefused(t *testing.T) {
	for _, message := range []proto.Message{&lists.Lists{}, &examplev1.EveryKind{}, &taskledgerv1.TaskBatch{}} {
		kind := message.ProtoReflect().Type()
		t.Run(string(kind.Descriptor().Name()), func(t *testing.T) {
			s := shapeOf(kind.Descriptor())
			random := rand.New(rand.NewPCG(5, 6))
			refused, unpacked := 0, 0
			for i := range hostileRounds {
				w := wireWriter{Rand: random, wrong: []int{0, 300}[i%2]}
				data := w.message(kind.Descriptor(), 4)
				if i%4 == 3 && len(data) > 0 {
					data[random.IntN(len(data))] = byte(random.Uint32())
				}
				expected := read(data, kind)
				if got := read(s.unpack(data), kind); got != expected {
					t.Fatalf("%x is %s, and without packed numbers, as %x, %s", data, expected, s.unpack(data), got)
				}
				if proto.Unmarshal(data, kind.New().Interface()) != nil {
					refused++
				}
				if s.mayBeInPieces(data) {
					unpacked++
				}
			}
			if min(refused, unpacked) < hostileRounds/20 || max(refused, unpacked) > hostileRounds*19/20 {
				t.Errorf("of %d, %d were refused, and %d have pieces", hostileRounds, refused, unpacked)
			}
		})
	}
}

var (
	listsType  = (&lists.Lists{}).ProtoReflect().Type()
	listFields = listsType.Descriptor().Fields()
)

func bytesField(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

func groupField(number protowire.Number, value []byte) []byte {
	out := append(protowire.AppendTag(nil, number, protowire.StartGroupType), value...)
	return protowire.AppendTag(out, number, protowire.EndGroupType)
}

// nested puts a message in as many others.
func nested(depth int, put func([]byte) []byte, message []byte) []byte {
	for range depth {
		message = put(message)
	}
	return message
}

func inChild(message []byte) []byte { return bytesField(15, message) }
func inEntry(message []byte) []byte { return bytesField(17, bytesField(2, message)) }
func inGroup(message []byte) []byte { return groupField(18, bytesField(2, message)) }
func inMore(message []byte) []byte  { return bytesField(101, message) }

// hostileLists are lists of numbers in as many pieces as fit, at every place where a message can have them.
func hostileLists(length int) map[string][]byte {
	repeated := func(element []byte) []byte { return bytes.Repeat(element, length/len(element)) }
	found := map[string][]byte{}
	for i := range listFields.Len() {
		field := listFields.Get(i)
		if !hasNumbers(field) {
			continue
		}
		number := map[protowire.Type][]byte{
			protowire.VarintType: {1}, protowire.Fixed32Type: {1, 2, 3, 4}, protowire.Fixed64Type: {1, 2, 3, 4, 5, 6, 7, 8},
		}[numberType(field.Kind())]
		for count := 1; count <= 100; count *= 10 {
			piece := bytesField(field.Number(), bytes.Repeat(number, count))
			found[fmt.Sprintf("%d %s each", count, field.Name())] = repeated(piece)
		}
	}
	piece, group := bytesField(4, []byte{1}), bytesField(1, []byte{1})
	alone := append(slices.Clone(piece), 0x20, 1)
	few := bytes.Repeat(piece, 5_000)
	wrong := append(repeated(piece), bytesField(4, []byte{0x80})...)
	for name, data := range map[string][]byte{
		"in turn with numbers by themselves": repeated(alone),
		"the last of them cut":               wrong,
		"the last of them longer than all":   append(repeated(piece), 0x22, 100, 1),
		"in a child":                         inChild(repeated(piece)),
		"in a child, the last of them cut":   inChild(wrong),
		"in a child in pieces":               repeated(inChild(piece)),
		"in a child's child in pieces":       repeated(inChild(inChild(piece))),
		"in one of the children":             bytesField(16, repeated(piece)),
		"in an entry":                        inEntry(repeated(piece)),
		"in an entry's value in pieces":      bytesField(17, repeated(bytesField(2, piece))),
		"in a group":                         groupField(18, repeated(group)),
		"in a group without an end":          groupField(18, repeated(group))[:length],
		"in a group in pieces":               repeated(groupField(18, group)),
		"in a group's child in pieces":       repeated(inGroup(piece)),
		"in one of several groups":           groupField(19, repeated(bytesField(1, []byte{1, 2, 3, 4}))),
		"in a choice":                        bytesField(20, repeated(piece)),
		"in a choice in pieces":              repeated(bytesField(20, piece)),
		"in a group as a choice in pieces":   repeated(groupField(21, group)),
		"in what lacks a number in pieces":   repeated(bytesField(32, bytesField(2, []byte{1}))),
		"in an extension":                    inMore(repeated(piece)),
		"in an extension in pieces":          repeated(inMore(piece)),
		"in an extension's child in pieces":  repeated(inMore(inChild(piece))),
		"in one of several extensions":       bytesField(102, repeated(piece)),
		"in a group as extension in pieces":  repeated(groupField(103, group)),
		"as extension":                       repeated(bytesField(100, []byte{1})),
		"9,999 deep":                         nested(9_999, inChild, few),
		"10,000 deep":                        nested(10_000, inChild, few),
		"9,998 deep in groups":               nested(4_999, inGroup, few),
		"9,998 deep in entries":              nested(4_999, inEntry, few),
	} {
		found["uint64s "+name] = data
	}
	return found
}

func TestAListMayBeInAnyNumberOfPieces(t *testing.T) {
	known := NewTypes(&lists.Lists{})
	for name, data := range hostileLists(50_000) {
		envelope := &taskledgerv1.TaskEnvelope{Data: &anypb.Any{TypeUrl: "x/example.lists.Lists", Value: data}}
		allocated := allocatedBy(func() { DecodeData(envelope, known) })
		if most := mostAllocated(len(data)); allocated > most {
			t.Errorf("%s: %d bytes took %d, which is more than %d", name, len(data), allocated, most)
		}
	}
}

func TestWhatIsInPiecesIsReadOrRefusedAsProtobufDoes(t *testing.T) {
	refused := 0
	for name, data := range hostileLists(3_000) {
		expected, found := listsType.New().Interface(), listsType.New().Interface()
		err := proto.Unmarshal(data, expected)
		if got := unmarshal(data, found); fmt.Sprint(got) != fmt.Sprint(err) {
			t.Errorf("%s: got %v, not %v", name, got, err)
		}
		if err != nil {
			refused++
		} else if !proto.Equal(found, expected) {
			t.Errorf("%s: it is another message", name)
		}
	}
	if refused != 6 {
		t.Errorf("%d were refused", refused)
	}
}

func TestMessagesMayBeAsDeepAsProtobufReadsThem(t *testing.T) {
	const most = protowire.DefaultRecursionLimit
	inPieces := []byte{0x22, 1, 1, 0x22, 1, 2}
	in := map[string]func([]byte) []byte{"child": inChild, "group": inGroup, "entry": inEntry, "extension": inMore}
	for name, put := range in {
		levels := 2
		if name == "child" {
			levels = 1
		}
		for depth := most/levels - 1; depth <= most/levels; depth++ {
			data := nested(depth, put, inPieces)
			unpacked := shapeOf(listsType.Descriptor()).unpack(data)
			expected := read(data, listsType)
			if got := read(unpacked, listsType); got != expected {
				t.Errorf("%s: %d deep it is another message", name, depth)
			}
			isRead := name == "extension" || levels*depth < most
			if isUnpacked := bytes.Contains(unpacked, []byte{0x20, 1, 0x20, 2}); isUnpacked != isRead {
				t.Errorf("%s: %d deep, unpacked: %v", name, depth, isUnpacked)
			}
			if isRefused := strings.Contains(expected, "depth"); isRefused == isRead {
				t.Errorf("%s: %d deep, refused: %v", name, depth, isRefused)
			}
		}
	}
}

func TestWhatFewBytesInPiecesTakeIsBounded(t *testing.T) {
	data := bytes.Repeat([]byte{0x22, 1, 1}, maxBytesInPieces/3)
	message := &lists.Lists{}
	must(t, unmarshal(data, message)) // what is done once is not counted
	if allocated := allocatedBy(func() { must(t, unmarshal(data, message)) }); allocated > 128*maxBytesInPieces {
		t.Errorf("%d bytes took %d", len(data), allocated)
	}
}

func TestAHashOfWhatIsInPiecesIsWrittenInProportionToIt(t *testing.T) {
	known := NewTypes(&examplev1.EveryKind{})
	pieces := bytes.Repeat(bytesField(31, []byte{1}), 25_000)
	inAny := append(bytesField(1, []byte(typePrefix+"example.v1.EveryKind")), bytesField(2, pieces)...)
	for name, data := range map[string][]byte{"data": pieces, "an Any in the data": bytesField(50, inAny)} {
		envelope := newTask(t, "a")
		envelope.Data = &anypb.Any{TypeUrl: typePrefix + "example.v1.EveryKind", Value: data}
		var text []byte
		var err error
		allocated := allocatedBy(func() { text, err = ToHash(envelope, known) })
		must(t, err)
		if most := mostAllocated(len(data)); allocated > most {
			t.Errorf("%s: %d bytes took %d, which is more than %d", name, len(data), allocated, most)
		}
		back, err := FromHash(text, MaxTaskBytes, known, false)
		must(t, err)
		if !proto.Equal(DecodeData(back, known), DecodeData(envelope, known)) {
			t.Errorf("%s: it comes back as another", name)
		}
	}
}
