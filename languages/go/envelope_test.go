package taskledger

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	examplev1 "github.com/taskledger/taskledger/languages/go/internal/gen/example/v1"
	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

func newTask(t *testing.T, id string) *taskledgerv1.TaskEnvelope {
	t.Helper()
	envelope, err := NewEnvelope("datto.com", id, &examplev1.FetchFile{Filename: id})
	must(t, err)
	return envelope
}

func TestAnErrorIsItsCodeAndItsCause(t *testing.T) {
	err := error(wrap(ErrTimeout, "no answer", io.ErrNoProgress))
	if !errors.Is(err, ErrTimeout) || errors.Is(err, ErrAborted) || !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
}

func TestATaskWithAKeyThatNobodyCouldReadIsNotBuilt(t *testing.T) {
	for _, key := range [][2]string{{"", "a"}, {"l", "\x00"}, {strings.Repeat("l", 513), "a"}, {"\xff", "a"}} {
		if _, err := NewEnvelope(key[0], key[1], &examplev1.FetchFile{}); !errors.Is(err, ErrInvalidKey) {
			t.Errorf("%q: got %v", key, err)
		}
	}
}

func TestTextsThatAreNoUTF8AreNotEncoded(t *testing.T) {
	envelope := newTask(t, "a")
	envelope.Headers = map[string]string{"a": "\xff"}
	if _, err := EncodeBody(envelope, MaxTaskBytes); !errors.Is(err, ErrInvalidEnvelope) {
		t.Errorf("got %v", err)
	}
}

func TestAVersionThatOverflowsIsRefused(t *testing.T) {
	envelope := newTask(t, "a")
	envelope.SavedAt = &timestamppb.Timestamp{Seconds: 1<<58 + 5}
	if _, err := EncodeBody(envelope, MaxTaskBytes); !errors.Is(err, ErrInvalidEnvelope) {
		t.Errorf("got %v", err)
	}
}

func TestMemoryIsTakenAsBytesComeAndNotAsALengthAnnouncesThem(t *testing.T) {
	stream := []byte{0x80, 0x80, 0x40, 'a'} // a frame of a mebibyte
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 16 {
		if _, err := NewFrameReader(bytes.NewReader(stream), MaxFrameBytes).Next(); !errors.Is(err, ErrTruncated) {
			t.Fatalf("got %v", err)
		}
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 16*200_000 {
		t.Errorf("it took %d bytes", taken)
	}
}

func TestWhatAStreamReturnsPassesThrough(t *testing.T) {
	reset := errors.New("connection reset")
	stream := io.MultiReader(bytes.NewReader([]byte{5, 'a'}), iotest.ErrReader(reset))
	if _, err := NewFrameReader(stream, MaxFrameBytes).Next(); !errors.Is(err, reset) || errors.Is(err, ErrTruncated) {
		t.Errorf("got %v", err)
	}
}

func TestAClockThatGoroutinesShareGivesNoVersionTwice(t *testing.T) {
	clock, err := NewVersionClock(nil, 0)
	must(t, err)
	var seen sync.Map
	var running sync.WaitGroup
	for range 8 {
		running.Add(1)
		go func() {
			defer running.Done()
			for range 2000 {
				version, _ := clock.Next(0)
				if _, twice := seen.LoadOrStore(version, true); twice {
					t.Errorf("%d came twice", version)
				}
			}
		}()
	}
	running.Wait()
}

func TestAClockLimitOverASecondIsRefused(t *testing.T) {
	for _, limit := range []time.Duration{-1, time.Second + 1} {
		if _, err := NewVersionClock(nil, limit); !errors.Is(err, ErrInvalidArgument) {
			t.Errorf("%v: got %v", limit, err)
		}
	}
}
