package taskledger

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"strconv"
	"testing"

	"google.golang.org/protobuf/proto"

	examplev1 "github.com/taskledger/taskledger/languages/go/internal/gen/example/v1"
	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

// What test/vectors/manifest.json holds. A []byte is base64 in JSON.
type manifest struct {
	Types     []string
	Envelopes []struct {
		Name   string
		Binary []byte
		Hash   json.RawMessage
		Fields fields
	}
	Hashes []struct {
		Name, Text          string
		IgnoreUnknownFields bool
		Binary              []byte
		Limit               int
	}
	Refused []struct {
		Name, Text, Code string
		Binary           *[]byte
		Limit            int
	}
	Streams []struct {
		Name   string
		Stream []byte
		Frames [][]byte
		Error  *string
	}
	Batches []struct {
		Name      string
		Binary    []byte
		Envelopes [][]byte
		Code      *string
	}
	Saves []struct {
		Name         string
		Binary, Body []byte
		Limit        int
		Code         *string
	}
	Stored []struct {
		Name, TaskList, ID string
		Version            int64 `json:",string"`
		Body, Envelope     []byte
	}
}

type fields struct {
	TaskList, ID, TypeURL, Type string
	Data                        []byte
	IsOpaque                    bool
	CreatedAt                   []any
	Version                     *string
	Attempt                     uint32
	Headers                     map[string]string
}

var types = NewTypes(&examplev1.FetchFile{}, &examplev1.SendMail{}, &examplev1.EveryKind{}, &taskledgerv1.Composite{})

func readManifest(t *testing.T) manifest {
	t.Helper()
	text, err := os.ReadFile("../../test/vectors/manifest.json")
	must(t, err)
	var cases manifest
	must(t, json.Unmarshal(text, &cases))
	return cases
}

func TestEnvelopesAreReadAndWrittenToTheSameBytes(t *testing.T) {
	for _, each := range readManifest(t).Envelopes {
		t.Run(each.Name, func(t *testing.T) {
			envelope, err := Decode(each.Binary, MaxTaskBytes)
			must(t, err)
			expectBytes(t, encode(t, envelope), each.Binary)
			if got := fieldsOf(envelope); !reflect.DeepEqual(got, each.Fields) {
				t.Errorf("got %+v, want %+v", got, each.Fields)
			}
			if data := DecodeData(envelope, types); data != nil {
				value, err := deterministic.Marshal(data)
				must(t, err)
				expectBytes(t, value, each.Fields.Data)
			}
		})
	}
}

func TestHashesAreWrittenAndRead(t *testing.T) {
	for _, each := range readManifest(t).Envelopes {
		t.Run(each.Name, func(t *testing.T) {
			envelope, err := Decode(each.Binary, MaxTaskBytes)
			must(t, err)
			text, err := ToHash(envelope, types)
			must(t, err)
			if !reflect.DeepEqual(anyOf(t, text), anyOf(t, each.Hash)) {
				t.Errorf("got %s, want %s", text, each.Hash)
			}
			read, err := FromHash(each.Hash, MaxTaskBytes, types, false)
			must(t, err)
			expectBytes(t, encode(t, read), each.Binary)
		})
	}
}

func TestAWorkerThatKnowsNoTypeLosesNothing(t *testing.T) {
	for _, each := range readManifest(t).Envelopes {
		t.Run(each.Name, func(t *testing.T) {
			envelope, err := Decode(each.Binary, MaxTaskBytes)
			must(t, err)
			text, err := ToHash(envelope, Types{})
			must(t, err)
			read, err := FromHash(text, MaxTaskBytes, Types{}, false)
			must(t, err)
			expectBytes(t, encode(t, read), each.Binary)
		})
	}
}

func TestOtherFormsOfHashesAreRead(t *testing.T) {
	for _, each := range readManifest(t).Hashes {
		t.Run(each.Name, func(t *testing.T) {
			envelope, err := FromHash([]byte(each.Text), cmp.Or(each.Limit, MaxTaskBytes), types, each.IgnoreUnknownFields)
			must(t, err)
			expectBytes(t, encode(t, envelope), each.Binary)
		})
	}
}

func TestWhatIsWrongIsRefused(t *testing.T) {
	for _, each := range readManifest(t).Refused {
		t.Run(each.Name, func(t *testing.T) {
			var err error
			limit := cmp.Or(each.Limit, MaxTaskBytes)
			if each.Binary == nil {
				_, err = FromHash([]byte(each.Text), limit, types, false)
			} else {
				_, err = Decode(*each.Binary, limit)
			}
			if code := codeOf(err); code != each.Code {
				t.Errorf("got %q (%v), want %s", code, err, each.Code)
			}
		})
	}
}

func TestFramesAreReadFromAStream(t *testing.T) {
	for _, each := range readManifest(t).Streams {
		t.Run(each.Name, func(t *testing.T) {
			reader := NewFrameReader(bytes.NewReader(each.Stream), MaxTaskBytes)
			var frames [][]byte
			frame, err := reader.Next()
			for ; err == nil; frame, err = reader.Next() {
				frames = append(frames, frame)
			}
			if !bytes.Equal(bytes.Join(frames, []byte("|")), bytes.Join(each.Frames, []byte("|"))) {
				t.Errorf("got %d frames, want %d", len(frames), len(each.Frames))
			}
			if want := each.Error; want == nil && err != io.EOF || want != nil && codeOf(err) != *want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFramesAreWrittenAsTheyAreRead(t *testing.T) {
	for _, each := range readManifest(t).Streams {
		var stream bytes.Buffer
		for _, frame := range each.Frames {
			must(t, WriteFrame(&stream, frame))
		}
		if each.Name == "three frames, one with a length of two bytes" {
			expectBytes(t, stream.Bytes(), each.Stream)
		}
	}
}

func TestBatchesAreRead(t *testing.T) {
	for _, each := range readManifest(t).Batches {
		t.Run(each.Name, func(t *testing.T) {
			var envelopes [][]byte
			code := ""
			for envelope, err := range DecodeBatch(each.Binary, MaxTaskBytes) {
				if err != nil {
					code = codeOf(err)
					break
				}
				envelopes = append(envelopes, encode(t, envelope))
			}
			if each.Code != nil {
				if code != *each.Code {
					t.Errorf("got %q, want %s", code, *each.Code)
				}
				return
			}
			if code != "" || len(envelopes) != len(each.Envelopes) {
				t.Fatalf("got %d envelopes, want %d; %s", len(envelopes), len(each.Envelopes), code)
			}
			for i, envelope := range envelopes {
				expectBytes(t, envelope, each.Envelopes[i])
			}
		})
	}
}

func TestASaveKeepsTheBodyOrIsRefused(t *testing.T) {
	for _, each := range readManifest(t).Saves {
		t.Run(each.Name, func(t *testing.T) {
			envelope := &taskledgerv1.TaskEnvelope{}
			must(t, proto.Unmarshal(each.Binary, envelope))
			body, err := EncodeBody(envelope, each.Limit)
			if each.Code != nil {
				if code := codeOf(err); code != *each.Code {
					t.Errorf("got %q (%v), want %s", code, err, *each.Code)
				}
				return
			}
			must(t, err)
			expectBytes(t, body, each.Body)
		})
	}
}

func TestAStoredTaskIsReadOrComesAsADamagedOne(t *testing.T) {
	for _, each := range readManifest(t).Stored {
		t.Run(each.Name, func(t *testing.T) {
			envelope := StoredTask(each.TaskList, each.ID, each.Version, each.Body)
			expectBytes(t, encode(t, envelope), each.Envelope)
		})
	}
}

func fieldsOf(envelope *taskledgerv1.TaskEnvelope) fields {
	got := fields{
		TaskList: envelope.GetTaskList(),
		ID:       envelope.GetId(),
		TypeURL:  envelope.GetData().GetTypeUrl(),
		Type:     string(TypeOf(envelope)),
		Data:     append([]byte{}, envelope.GetData().GetValue()...),
		IsOpaque: DecodeData(envelope, types) == nil,
		Attempt:  envelope.GetAttempt(),
		Headers:  map[string]string{},
	}
	for key, value := range envelope.GetHeaders() {
		got.Headers[key] = value
	}
	if at := envelope.GetCreatedAt(); at != nil {
		got.CreatedAt = []any{strconv.FormatInt(at.GetSeconds(), 10), float64(at.GetNanos())}
	}
	if version, saved := VersionOf(envelope); saved {
		text := strconv.FormatInt(version, 10)
		got.Version = &text
	}
	return got
}

func codeOf(err error) string {
	var coded *Error
	if errors.As(err, &coded) {
		return string(coded.Code)
	}
	return ""
}

func encode(t *testing.T, envelope *taskledgerv1.TaskEnvelope) []byte {
	t.Helper()
	data, err := Encode(envelope)
	must(t, err)
	return data
}

func anyOf(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	must(t, json.Unmarshal(text, &value))
	return value
}

func expectBytes(t *testing.T, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
