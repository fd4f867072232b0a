package taskledger

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of batch.proto that hold numbers, or groups of tasks, which hold some.
const (
	groupsField    protowire.Number = 16
	orderField     protowire.Number = 17
	createdAtField protowire.Number = 5
	savedAtField   protowire.Number = 6
)

var errNoMessage = errors.New("a field ends later than what it is in")

// joinColumns gives a batch with each of its columns of numbers in one piece. Columns may be written in any number of pieces, and
// for each of them protobuf copies all that it has read of the column: a megabyte took most of a minute.
func joinColumns(batch []byte) ([]byte, error) {
	return joinPieces(batch, orderField, orderField, func(group []byte) ([]byte, error) {
		return joinPieces(group, createdAtField, savedAtField, nil)
	})
}

// joinPieces joins the fields from first to last, which are numbers, and changes groups by inner, if there is one.
func joinPieces(message []byte, first, last protowire.Number, inner func([]byte) ([]byte, error)) ([]byte, error) {
	joined := make([]byte, 0, len(message))
	columns := make([][]byte, last-first+1)
	for len(message) > 0 {
		number, wireType, size := protowire.ConsumeField(message)
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		field := message[:size]
		message = message[size:]
		_, _, tag := protowire.ConsumeTag(field)
		isColumn := first <= number && number <= last
		isBytes := wireType == protowire.BytesType
		switch {
		case isColumn && wireType == protowire.VarintType:
			columns[number-first] = append(columns[number-first], field[tag:]...)
		case isColumn && isBytes:
			piece, _ := protowire.ConsumeBytes(field[tag:])
			if len(piece) > 0 && piece[len(piece)-1] >= 0x80 {
				return nil, errNoMessage // its last number would go on in the next piece
			}
			columns[number-first] = append(columns[number-first], piece...)
		case inner != nil && number == groupsField && isBytes:
			value, _ := protowire.ConsumeBytes(field[tag:])
			changed, err := inner(value)
			if err != nil {
				return nil, err
			}
			joined = protowire.AppendBytes(append(joined, field[:tag]...), changed)
		default:
			joined = append(joined, field...)
		}
	}
	for i, column := range columns {
		if len(column) > 0 {
			joined = protowire.AppendTag(joined, first+protowire.Number(i), protowire.BytesType)
			joined = protowire.AppendBytes(joined, column)
		}
	}
	return joined, nil
}
