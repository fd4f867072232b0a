package taskledger

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

// Bytes and texts of which nothing is known: each gives tasks that can be passed on, or one of the documented errors.

const (
	hostileRounds = 4_000
	// Memory is bounded by what is read at once: none of these is longer.
	hostileLimit = 64 << 10
)

type tasks = iter.Seq2[*taskledgerv1.TaskEnvelope, error]

type decoder struct {
	read            func([]byte) tasks
	samples, pieces [][]byte
	codes           []Code
}

func one(task *taskledgerv1.TaskEnvelope, err error) tasks {
	return func(yield func(*taskledgerv1.TaskEnvelope, error) bool) { yield(task, err) }
}

func readFrames(data []byte) tasks {
	return func(yield func(*taskledgerv1.TaskEnvelope, error) bool) {
		frames := NewFrameReader(bytes.NewReader(data), hostileLimit)
		for {
			frame, err := frames.Next()
			if err != nil && (!errors.Is(err, io.EOF) || errors.Is(err, ErrTruncated)) {
				yield(nil, err)
			}
			if err != nil {
				return
			}
			for task, err := range TasksOf(frame) {
				if !yield(task, err) || err != nil {
					return
				}
			}
		}
	}
}

func framed(t *testing.T, messages ...[]byte) []byte {
	t.Helper()
	var stream bytes.Buffer
	for _, message := range messages {
		must(t, WriteFrame(&stream, message))
	}
	return stream.Bytes()
}

func decoders(t *testing.T) map[string]decoder {
	t.Helper()
	manifest := readManifest(t)
	var envelopes, batches, streams, hashes [][]byte
	for _, each := range manifest.Envelopes {
		envelopes = append(envelopes, each.Binary)
		hashes = append(hashes, each.Hash)
	}
	for _, each := range manifest.Hashes {
		hashes = append(hashes, []byte(each.Text))
	}
	for _, each := range manifest.Batches {
		if len(each.Binary) <= hostileLimit/2 {
			batches = append(batches, each.Binary)
		}
	}
	for _, each := range manifest.Streams {
		streams = append(streams, each.Stream)
	}
	streams = append(streams, framed(t, envelopes[:3]...), framed(t, batches[:4]...), framed(t, envelopes[0], batches[1]))
	parts := [][]byte{
		{0}, {0xff}, bytes.Repeat([]byte{0x80}, 5), bytes.Repeat([]byte{0xff}, 10), {0x82, 1}, {0x8a, 1}, {0x0a, 0}, {0x3a, 0}, {0x1b},
	}
	var words [][]byte
	for _, word := range []string{
		"{", "}", `"`, `\`, `\ud800`, "null", "-0", "1e999", "NaN", ",", ":", `"@type":`, "\x00", "\ufeff", "\xff", "é",
	} {
		words = append(words, []byte(word))
	}
	words = append(words, bytes.Repeat([]byte("["), 300))
	unreadable := []Code{ErrTooLarge, ErrInvalidBatch, ErrInvalidEnvelope}
	return map[string]decoder{
		"binary": {
			func(data []byte) tasks { return one(Decode(data, hostileLimit)) }, envelopes, parts, []Code{ErrInvalidEnvelope},
		},
		"hash": {
			func(text []byte) tasks { return one(FromHash(text, hostileLimit, types, false)) },
			hashes, words, []Code{ErrInvalidHash, ErrUnknownType},
		},
		"batch":  {func(data []byte) tasks { return DecodeBatch(data, hostileLimit) }, batches, parts, unreadable},
		"frames": {readFrames, streams, parts, append(slices.Clone(unreadable), ErrTruncated)},
	}
}

// mutate changes bytes at one place to three.
func mutate(value []byte, d decoder, random *rand.Rand) []byte {
	for range 1 + random.IntN(3) {
		at, end := random.IntN(len(value)+1), random.IntN(len(value)+1)
		at, end = min(at, end), max(at, end)
		other, piece := d.samples[random.IntN(len(d.samples))], d.pieces[random.IntN(len(d.pieces))]
		switch random.IntN(6) {
		case 0:
			value = slices.Concat(value[:at], piece, value[at:])
		case 1:
			value = slices.Concat(value[:at], piece, value[min(at+1, len(value)):])
		case 2:
			value = slices.Concat(value[:at], value[end:])
		case 3:
			value = slices.Concat(value[:end], value[at:])
		case 4:
			value = slices.Concat(value[:at], other[random.IntN(len(other)+1):])
		default:
			value = value[:at]
		}
	}
	return value
}

// outcomeOf is the code of the error that ended the tasks. What is read can be written, and read again.
func outcomeOf(t *testing.T, found tasks) Code {
	t.Helper()
	for task, err := range found {
		var coded *Error
		switch {
		case errors.As(err, &coded):
			return coded.Code
		case err != nil:
			t.Fatalf("got %v", err)
		}
		again, err := Decode(encode(t, task), MaxTaskBytes)
		if err != nil || !proto.Equal(task, again) {
			t.Fatalf("%v was read, and comes back as %v (%v)", task, again, err)
		}
	}
	return "whole"
}

func TestWhatWasChangedAtRandomIsReadOrRefusedWithADocumentedError(t *testing.T) {
	for name, d := range decoders(t) {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			found := map[Code]int{}
			for _, sample := range d.samples {
				found[outcomeOf(t, d.read(sample))]++
			}
			for range hostileRounds {
				found[outcomeOf(t, d.read(mutate(d.samples[random.IntN(len(d.samples))], d, random)))]++
			}
			for _, code := range append(slices.Clone(d.codes), "whole") {
				if found[code] == 0 {
					t.Errorf("nothing came to %s", code)
				}
				delete(found, code)
			}
			if len(found) > 0 {
				t.Errorf("got %v", found)
			}
		})
	}
}

func TestBytesAtRandomAreReadOrRefusedWithADocumentedError(t *testing.T) {
	for name, d := range decoders(t) {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, 4))
			for range hostileRounds {
				data := make([]byte, random.IntN(100))
				for i := range data {
					data[i] = byte(random.Uint32())
				}
				if code := outcomeOf(t, d.read(data)); code != "whole" && !slices.Contains(d.codes, code) {
					t.Errorf("%x: got %s", data, code)
				}
			}
		})
	}
}

// sharedHeaders are as few bytes as name so many tasks, which share as much as may be.
func sharedHeaders(t *testing.T, count int) []byte {
	t.Helper()
	shared := &taskledgerv1.TaskEnvelope{TaskList: "l", Data: &anypb.Any{TypeUrl: "x/a"}, Headers: map[string]string{}}
	for i := 0; proto.Size(shared) <= maxSharedBytes-8; i++ {
		shared.Headers[string([]byte{byte(0x21 + i/90), byte(0x21 + i%90)})] = ""
	}
	group := &taskledgerv1.TaskGroup{Shared: shared, Ids: slices.Repeat([]string{"a"}, count), Data: make([][]byte, count)}
	data, err := proto.Marshal(&taskledgerv1.TaskBatch{Groups: []*taskledgerv1.TaskGroup{group}})
	must(t, err)
	return data
}

func TestTasksOfABatchAreMadeOneByOne(t *testing.T) {
	data := sharedHeaders(t, MaxBatchTasks)
	count, headers := 0, 0
	for task, err := range DecodeBatch(data, MaxTaskBytes) {
		must(t, err)
		if count == 0 {
			headers = len(task.GetHeaders())
		}
		if len(task.GetHeaders()) != headers {
			t.Fatalf("task %d has %d headers, not %d", count, len(task.GetHeaders()), headers)
		}
		task.Headers["own"] = "1" // is its own
		count++
	}
	if count != MaxBatchTasks || headers < 100 || len(data) > 52_000 {
		t.Errorf("%d tasks with %d headers, of %d bytes", count, headers, len(data))
	}
}

func TestABatchOfAsManySmallPartsAsFitIsRefused(t *testing.T) {
	for _, part := range [][]byte{{0x82, 1, 0}, {0x82, 1, 2, 0x0a, 0}, {0x88, 1, 0}, {0x80, 2, 0}} {
		data := bytes.Repeat(part, MaxTaskBytes/len(part))
		if code := outcomeOf(t, DecodeBatch(data, MaxTaskBytes)); code != ErrTooLarge && code != ErrInvalidBatch {
			t.Errorf("%x: got %s", part, code)
		}
	}
}
