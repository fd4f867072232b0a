package taskledger

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/taskledger/taskledger/languages/go/taskledgerv1"
)

const maxReason = 1000

// deadLetter makes a copy of a task that was given up, for another list. Its headers say where it came from, and why, when and
// after how many attempts it was given up; docs/recovery.md has the rules.
func deadLetter(task *taskledgerv1.TaskEnvelope, taskList string, attempts int, cause error) *taskledgerv1.TaskEnvelope {
	letter := proto.CloneOf(task)
	letter.SavedAt = nil
	letter.TaskList, letter.Id, letter.Attempt = taskList, letterID(task), uint32(attempts)
	if letter.Headers == nil {
		letter.Headers = map[string]string{}
	}
	// One that is given up once more still leads back to where it came from first.
	_, hasList := letter.Headers["taskledger-dead-list"]
	if _, hasID := letter.Headers["taskledger-dead-id"]; !hasList || !hasID {
		letter.Headers["taskledger-dead-list"] = task.GetTaskList()
		letter.Headers["taskledger-dead-id"] = task.GetId()
	}
	letter.Headers["taskledger-dead-at"] = time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	letter.Headers["taskledger-dead-attempts"] = strconv.Itoa(attempts)
	letter.Headers["taskledger-dead-reason"] = reasonOf(cause)
	return letter
}

// letterID follows from the task's list, id and version: a version that is given up twice is there once. The list is escaped, so
// that it is known where the id begins.
func letterID(task *taskledgerv1.TaskEnvelope) string {
	version, _ := VersionOf(task)
	name := fmt.Sprintf("%s/%s@%d", escaped.Replace(url.QueryEscape(task.GetTaskList())), task.GetId(), version)
	if isKey(name) {
		return name
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name)))
}

// escaped makes of what url.QueryEscape gives what ECMAScript's encodeURIComponent does.
var escaped = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

// reasonOf is short, so that it may travel with the task. An error without words is named by its type; the stack of a
// panic is left out.
func reasonOf(cause error) string {
	text := cmp.Or(readable(cause).Error(), fmt.Sprintf("%T", cause))
	if panicked, ok := cause.(*panicError); ok {
		text = panicked.reason
	}
	characters := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	return string(characters[:min(len(characters), maxReason)])
}
