package taskledger

import (
	"math"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// For each packed piece of a list of numbers, protobuf copies all that it has read of the list. Encoders write a list as one piece,
// but a mebibyte may have one in 350,000: that took two minutes and 490 GB. Numbers that are not packed are appended.

// For so few bytes, protobuf allocates at most 128 times as many: they are 85 pieces of three bytes, each for a number of eight,
// and half of 85² numbers of eight bytes are 29 kB.
const maxBytesInPieces = 256

// unmarshal reads what proto.Unmarshal reads, and refuses what it refuses, in proportion to the length of the data.
func unmarshal(data []byte, message proto.Message) error {
	reflected := message.ProtoReflect()
	// Without methods, protobuf reads by reflection, which appends the numbers of pieces as well, but of an extension's messages.
	if len(data) > maxBytesInPieces && reflected.ProtoMethods() != nil {
		if s := shapeOf(reflected.Descriptor()); s.mayBeInPieces(data) {
			data = s.unpack(data)
		}
	}
	return proto.Unmarshal(data, message)
}

// mayBeInPieces tells whether a list has more than one packed piece, or might have: messages that come twice are merged, and so
// are their lists. Encoders write no list or message twice.
func (s *shape) mayBeInPieces(data []byte) bool {
	if s == nil {
		return false
	}
	u := unpacker{isLooking: true}
	u.message(data, s, 0, protowire.DefaultRecursionLimit)
	return u.foundPieces
}

// unpack gives the same message without packed numbers. Protobuf refuses it where it refuses the data.
func (s *shape) unpack(data []byte) []byte {
	u := unpacker{out: make([]byte, 0, 2*len(data))}
	u.message(data, s, 0, protowire.DefaultRecursionLimit)
	return u.out
}

// shape has the fields of a message that lead to lists of numbers. It is nil for a message that has none.
type shape struct {
	parts map[protowire.Number]part
	bits  uint64 // of the parts' numbers
	// The message itself, if it may have extensions, which are in the registry.
	extended protoreflect.MessageDescriptor
}

// part is a field that leads to lists of numbers.
type part struct {
	kind     partKind
	wireType protowire.Type // of a number or a message
	// Whether a message has one of it, and what comes again is added to it.
	isOne bool
	// Protobuf counts the depth of what is in an extension anew.
	isExtension bool
	message     *shape
}

type partKind int8

const (
	noPart partKind = iota
	numbers
	messages
	groups
)

var shapesByDescriptor sync.Map

func shapeOf(message protoreflect.MessageDescriptor) *shape {
	if found, ok := shapesByDescriptor.Load(message); ok {
		return found.(*shape)
	}
	made := shapes{}.of(message)
	shapesByDescriptor.Store(message, made)
	return made
}

type shapes map[protoreflect.MessageDescriptor]*shape

func (s shapes) of(message protoreflect.MessageDescriptor) *shape {
	if known, ok := s[message]; ok || !leadsToNumbers(message, map[protoreflect.MessageDescriptor]bool{}) {
		return known
	}
	made := &shape{parts: map[protowire.Number]part{}}
	s[message] = made
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if found := s.part(field); found.kind != noPart {
			made.parts[field.Number()] = found
			made.bits |= bitOf(field.Number())
		}
	}
	if message.ExtensionRanges().Len() > 0 {
		made.extended, made.bits = message, math.MaxUint64
	}
	return made
}

func (s shapes) part(field protoreflect.FieldDescriptor) part {
	if hasNumbers(field) {
		return part{kind: numbers, wireType: numberType(field.Kind()), isOne: true}
	}
	if field.Message() == nil {
		return part{}
	}
	return messagePart(field, s.of(field.Message()))
}

func messagePart(field protoreflect.FieldDescriptor, inner *shape) part {
	found := part{kind: messages, wireType: protowire.BytesType, isOne: !field.IsList() && !field.IsMap(), message: inner}
	switch {
	case inner == nil:
		return part{}
	case field.Kind() == protoreflect.GroupKind:
		found.kind, found.wireType = groups, protowire.StartGroupType
	}
	return found
}

func leadsToNumbers(message protoreflect.MessageDescriptor, seen map[protoreflect.MessageDescriptor]bool) bool {
	if seen[message] {
		return false
	}
	seen[message] = true
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if hasNumbers(field) || field.Message() != nil && leadsToNumbers(field.Message(), seen) {
			return true
		}
	}
	return message.ExtensionRanges().Len() > 0
}

func hasNumbers(field protoreflect.FieldDescriptor) bool {
	switch field.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	default:
		return field.IsList()
	}
}

func numberType(kind protoreflect.Kind) protowire.Type {
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	default:
		return protowire.VarintType
	}
}

// Numbers may share a bit: what then looks like one field is only taken for another that came before.
func bitOf(number protowire.Number) uint64 { return 1 << (number % 64) }

// part gives what a field is, if it is written as that.
func (s *shape) part(number protowire.Number, wireType protowire.Type) part {
	found, ok := s.parts[number]
	if !ok && s.extended != nil && s.extended.ExtensionRanges().Has(number) {
		found = extensionOf(s.extended.FullName(), number)
	}
	isPacked := found.kind == numbers && wireType == protowire.BytesType
	if found.kind != numbers && found.wireType == wireType || isPacked {
		return found
	}
	return part{}
}

// extensionOf gives messages only: protobuf appends the numbers of extensions.
func extensionOf(message protoreflect.FullName, number protowire.Number) part {
	extension, err := protoregistry.GlobalTypes.FindExtensionByNumber(message, number)
	if err != nil || extension.TypeDescriptor().Message() == nil {
		return part{}
	}
	found := messagePart(extension.TypeDescriptor(), shapeOf(extension.TypeDescriptor().Message()))
	found.isExtension = true
	return found
}

// unpacker goes over a message once, and into what leads to lists of numbers.
type unpacker struct {
	isLooking   bool // whether it writes nothing, and stops where it found pieces
	foundPieces bool
	out         []byte
}

// message goes over the fields of a message, or of a group until its end, and gives what follows. What protobuf does not read, as
// it refuses what is before, stays as it is.
func (u *unpacker) message(b []byte, s *shape, group protowire.Number, depth int) []byte {
	met := uint64(0)
	for len(b) > 0 && depth > 0 && !u.foundPieces {
		number, wireType, start := tagAt(b)
		if start < 0 {
			break
		}
		if wireType == protowire.EndGroupType && number == group {
			u.write(b[:start])
			return b[start:]
		}
		var each part
		if s.bits&bitOf(number) != 0 {
			each = s.part(number, wireType)
		}
		if each.isOne {
			u.foundPieces = u.isLooking && met&bitOf(number) != 0
			met |= bitOf(number)
		}
		if each.kind == groups {
			u.write(b[:start])
			b = u.message(b[start:], each.message, number, each.depth(depth))
			continue
		}
		size := sizeOf(number, wireType, b[start:])
		if size < 0 {
			break
		}
		field := b[:start+size]
		b = b[start+size:]
		switch each.kind {
		case numbers:
			u.numbers(field, start, number, each.wireType)
		case messages:
			u.inner(field, start, each.message, each.depth(depth))
		default:
			u.write(field)
		}
	}
	u.write(b)
	return nil
}

// depth is how deep what is in a part may be, if the part itself may be of that depth.
func (p part) depth(depth int) int {
	if p.isExtension {
		return protowire.DefaultRecursionLimit
	}
	return depth - 1
}

// tagAt and sizeOf are protowire's ConsumeTag and ConsumeFieldValue, and faster for what is the most frequent.
func tagAt(b []byte) (protowire.Number, protowire.Type, int) {
	if tag := b[0]; tag >= 8 && tag < 0x80 {
		return protowire.Number(tag >> 3), protowire.Type(tag & 7), 1
	}
	return protowire.ConsumeTag(b)
}

func sizeOf(number protowire.Number, wireType protowire.Type, b []byte) int {
	if wireType == protowire.BytesType && len(b) > 0 && b[0] < 0x80 && int(b[0]) < len(b) {
		return 1 + int(b[0])
	}
	return protowire.ConsumeFieldValue(number, wireType, b)
}

// Where a length is written when it is known. Protobuf reads lengths with zeros at their end.
var lengthToCome = []byte{0x80, 0x80, 0x80, 0x80, 0x00}

func (u *unpacker) inner(field []byte, tag int, s *shape, depth int) {
	value, _ := protowire.ConsumeBytes(field[tag:])
	u.write(field[:tag])
	u.write(lengthToCome)
	start := len(u.out)
	u.message(value, s, 0, depth)
	if u.isLooking {
		return
	}
	length := u.out[start-len(lengthToCome) : start]
	for i := range length {
		length[i] |= byte((len(u.out)-start)>>(7*i)) & 0x7f
	}
}

func (u *unpacker) numbers(field []byte, tag int, number protowire.Number, wireType protowire.Type) {
	if u.isLooking {
		return
	}
	piece, _ := protowire.ConsumeBytes(field[tag:])
	start := len(u.out)
	for len(piece) > 0 {
		size := protowire.ConsumeFieldValue(number, wireType, piece)
		if size < 0 { // protobuf refuses the piece
			u.out = u.out[:start]
			break
		}
		u.out = protowire.AppendTag(u.out, number, wireType)
		u.write(piece[:size])
		piece = piece[size:]
	}
	if len(u.out) == start {
		u.write(field)
	}
}

func (u *unpacker) write(b []byte) {
	if !u.isLooking {
		u.out = append(u.out, b...)
	}
}
