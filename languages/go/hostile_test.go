package taskledger

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

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

// sharedParts are what the tasks of a batch may share, each as much as may be.
func sharedParts() map[string]*taskledgerv1.TaskEnvelope {
	unknown := func(message proto.Message) {
		reflected := message.ProtoReflect()
		reflected.SetUnknown(append(reflected.GetUnknown(), 0xa0, 6, 1))
	}
	fills := map[string]func(*taskledgerv1.TaskEnvelope, int){
		"headers": func(shared *taskledgerv1.TaskEnvelope, i int) {
			shared.Headers[string([]byte{byte(0x21 + i/90), byte(0x21 + i%90)})] = ""
		},
		"a header":                   func(shared *taskledgerv1.TaskEnvelope, _ int) { shared.Headers["a"] += "a" },
		"unknown fields":             func(shared *taskledgerv1.TaskEnvelope, _ int) { unknown(shared) },
		"unknown fields of the data": func(shared *taskledgerv1.TaskEnvelope, _ int) { unknown(shared.Data) },
		"unknown fields of a time": func(shared *taskledgerv1.TaskEnvelope, _ int) {
			if shared.CreatedAt == nil {
				shared.CreatedAt = &timestamppb.Timestamp{}
			}
			unknown(shared.CreatedAt)
		},
		"a list and a type": func(shared *taskledgerv1.TaskEnvelope, _ int) {
			if shared.Data.TypeUrl += "a"; len(shared.TaskList) < MaxKeyBytes {
				shared.TaskList += "l"
			}
		},
	}
	parts := map[string]*taskledgerv1.TaskEnvelope{}
	for name, fill := range fills {
		shared := &taskledgerv1.TaskEnvelope{TaskList: "l", Data: &anypb.Any{TypeUrl: "x/a"}, Headers: map[string]string{}}
		for i := 0; proto.Size(shared) <= maxSharedBytes-9; i++ {
			fill(shared, i)
		}
		parts[name] = shared
	}
	return parts
}

// largest is a batch of as many tasks as it may have, of five bytes each beside what they share.
func largest(t *testing.T, shared *taskledgerv1.TaskEnvelope) []byte {
	t.Helper()
	ids, data := slices.Repeat([]string{"a"}, MaxBatchTasks), make([][]byte, MaxBatchTasks)
	group := &taskledgerv1.TaskGroup{Shared: shared, Ids: ids, Data: data}
	batch, err := proto.Marshal(&taskledgerv1.TaskBatch{Groups: []*taskledgerv1.TaskGroup{group}})
	must(t, err)
	return batch
}

// keepAll reads the tasks of a batch and keeps them. Whatever that allocates must be in proportion to the batch.
func keepAll(t *testing.T, batch []byte) ([]*taskledgerv1.TaskEnvelope, Code) {
	t.Helper()
	var kept []*taskledgerv1.TaskEnvelope
	code := Code("whole")
	allocated := allocatedBy(func() {
		for task, err := range DecodeBatch(batch, MaxTaskBytes) {
			var coded *Error
			if errors.As(err, &coded) {
				code = coded.Code
				break
			}
			must(t, err)
			kept = append(kept, task)
		}
	})
	if most := mostAllocated(len(batch)); allocated > most {
		t.Errorf("a batch of %d bytes took %d, which is more than %d", len(batch), allocated, most)
	}
	return kept, code
}

// allocatedBy is how many bytes are allocated, whether or not they are kept.
func allocatedBy(read func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// mostAllocated is what reading so many bytes may allocate.
func mostAllocated(length int) int { return 1_000_000 + 128*length }

func TestWhatTheTasksOfABatchShareIsNotCopiedForEach(t *testing.T) {
	for name, shared := range sharedParts() {
		t.Run(name, func(t *testing.T) {
			kept, code := keepAll(t, largest(t, shared))
			if code != "whole" || len(kept) != MaxBatchTasks {
				t.Fatalf("%d tasks were read, and then %s", len(kept), code)
			}
			shared.Id, shared.Data.Value = "a", []byte{}
			for _, task := range []*taskledgerv1.TaskEnvelope{kept[0], kept[MaxBatchTasks-1]} {
				if !proto.Equal(task, shared) {
					t.Errorf("got %v, not %v", task, shared)
				}
			}
		})
	}
}

func TestACopyOfATaskOfABatchHasHeadersOfItsOwn(t *testing.T) {
	kept, _ := keepAll(t, largest(t, sharedParts()["a header"]))
	own := proto.CloneOf(kept[0])
	own.Headers["own"] = "1"
	if len(own.Headers) != 2 || len(kept[0].Headers) != 1 || len(kept[1].Headers) != 1 {
		t.Errorf("got %v, %v and %v", own.Headers, kept[0].Headers, kept[1].Headers)
	}
}

func TestColumnsOfNumbersMayBeInAnyNumberOfPieces(t *testing.T) {
	shared := &taskledgerv1.TaskEnvelope{TaskList: "l", Data: &anypb.Any{TypeUrl: "x/a"}}
	batch := &taskledgerv1.TaskBatch{}
	must(t, proto.Unmarshal(largest(t, shared), batch))
	group, err := proto.Marshal(batch.Groups[0])
	must(t, err)
	for _, times := range [][]byte{{0x2a, 1, 2}, {0x28, 2}} {
		whole := append(slices.Clone(group), bytes.Repeat(times, MaxBatchTasks)...)
		pieces := protowire.AppendBytes([]byte{0x82, 1}, whole)
		pieces = append(pieces, bytes.Repeat([]byte{0x8a, 1, 1, 0}, MaxBatchTasks)...)
		kept, code := keepAll(t, pieces)
		if code != "whole" || len(kept) != MaxBatchTasks {
			t.Fatalf("%d tasks were read, and then %s", len(kept), code)
		}
		if micros := kept[MaxBatchTasks-1].GetCreatedAt().AsTime().UnixMicro(); micros != MaxBatchTasks {
			t.Errorf("the last was made at %d", micros)
		}
	}
}

func TestABatchOfAsManySmallPartsAsFitIsRefused(t *testing.T) {
	parts := [][]byte{
		{0x82, 1, 0}, {0x82, 1, 2, 0x0a, 0}, {0x82, 1, 4, 0x0a, 2, 0x3a, 0}, {0x82, 1, 4, 0x0a, 2, 0x1a, 0}, {0x88, 1, 0}, {0x80, 2, 0},
		{0x8a, 1, 1, 0}, {0x8a, 1, 1, 0x80},
	}
	for _, part := range parts {
		_, code := keepAll(t, bytes.Repeat(part, MaxTaskBytes/len(part)))
		if code != ErrTooLarge && code != ErrInvalidBatch {
			t.Errorf("%x: got %s", part, code)
		}
	}
}
