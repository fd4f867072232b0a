package taskledger

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"slices"

	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

// MaxFrameBytes is the largest frame: a batch has room for the largest envelope.
const MaxFrameBytes = MaxTaskBytes + batchOverheadBytes

// Memory is taken as bytes come, not as a length announces them.
const allocatedAtOnce = 64 << 10

// FrameReader reads the frames of a stream.
type FrameReader struct {
	stream *bufio.Reader
	limit  uint64
}

// NewFrameReader reads frames of at most limit bytes.
func NewFrameReader(stream io.Reader, limit int) *FrameReader {
	return &FrameReader{bufio.NewReader(stream), uint64(limit)}
}

// Next gives the next frame, and io.EOF at the end. The error is ErrTooLarge before a frame over the limit, ErrTruncated if the
// stream ends inside of one, and the stream's own otherwise.
func (r *FrameReader) Next() ([]byte, error) {
	size, err := r.readLength()
	if err != nil {
		return nil, err
	}
	if size > r.limit {
		return nil, Errorf(ErrTooLarge, "a frame has %d bytes; the limit is %d", size, r.limit)
	}
	frame := make([]byte, 0, min(size, allocatedAtOnce))
	for uint64(len(frame)) < size {
		read := len(frame)
		frame = slices.Grow(frame, int(min(size-uint64(read), allocatedAtOnce)))
		frame = frame[:min(uint64(cap(frame)), size)]
		if _, err := io.ReadFull(r.stream, frame[read:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, wrap(ErrTruncated, "the stream ends inside of a frame", io.ErrUnexpectedEOF)
		} else if err != nil {
			return nil, err
		}
	}
	return frame, nil
}

func (r *FrameReader) readLength() (length uint64, err error) {
	for shift := 0; shift < 35; shift += 7 {
		next, err := r.stream.ReadByte()
		if errors.Is(err, io.EOF) && shift > 0 {
			return 0, wrap(ErrTruncated, "the stream ends inside of a length", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return 0, err
		}
		length |= uint64(next&0x7f) << shift
		if next < 0x80 {
			return length, nil
		}
	}
	return 0, Errorf(ErrInvalidBatch, "a length has more than five bytes")
}

// WriteFrame writes a message behind its length.
func WriteFrame(stream io.Writer, message []byte) error {
	frame := append(binary.AppendUvarint(nil, uint64(len(message))), message...)
	_, err := stream.Write(frame)
	return err
}

// TasksOf are the tasks of a frame, which is an envelope or a batch.
func TasksOf(frame []byte) iter.Seq2[*taskledgerv1.TaskEnvelope, error] {
	if IsBatch(frame) {
		return DecodeBatch(frame, MaxTaskBytes)
	}
	return func(yield func(*taskledgerv1.TaskEnvelope, error) bool) { yield(Decode(frame, MaxTaskBytes)) }
}
