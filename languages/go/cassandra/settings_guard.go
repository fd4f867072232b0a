package cassandra

import (
	"context"
	"errors"
	"sync"
	"time"

	taskledger "github.com/taskledger/taskledger/languages/go"
)

const (
	settingsInterval = time.Minute
	// lookAgain is how soon it is looked again at a keyspace that can't be read, or has other settings.
	lookAgain = time.Second
)

// settingsGuard watches that a keyspace has the settings that it was opened with. Somebody may drop it and make it anew: what is
// written by the old number of shards, nobody would find.
type settingsGuard struct {
	settings settings
	read     func(context.Context) (settings, error)
	interval time.Duration

	// looking is held by the call that looks. Meanwhile the others go on, or wait if the settings were others the last time.
	looking  sync.Mutex
	mutex    sync.Mutex
	nextLook time.Time
	mismatch *taskledger.Error
}

func newSettingsGuard(opened settings, read func(context.Context) (settings, error)) *settingsGuard {
	return &settingsGuard{
		settings: opened, read: read, interval: settingsInterval, nextLook: time.Now().Add(settingsInterval),
	}
}

// suspect lets the next check look.
func (g *settingsGuard) suspect() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.nextLook = time.Time{}
}

// check looks about every minute. The error is ErrSchemaMismatch.
func (g *settingsGuard) check(ctx context.Context) error {
	if isDue, isRefusing := g.state(); isDue && g.looking.TryLock() {
		g.look(ctx)
		g.looking.Unlock()
	} else if isDue && isRefusing {
		g.awaitLook()
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.mismatch == nil {
		return nil
	}
	own := *g.mismatch // of each call: a save that was late says of its error that it may apply
	return &own
}

func (g *settingsGuard) awaitLook() {
	g.looking.Lock()
	defer g.looking.Unlock()
}

func (g *settingsGuard) state() (isDue, isRefusing bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return !time.Now().Before(g.nextLook), g.mismatch != nil
}

// look passes over other errors: what can't be read now need not be in the way of what can.
func (g *settingsGuard) look(ctx context.Context) {
	found, err := g.read(ctx)
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.nextLook = time.Now().Add(lookAgain)
	var failed *taskledger.Error
	switch {
	case errors.As(err, &failed) && failed.Code == taskledger.ErrSchemaMismatch:
		g.mismatch = failed
	case err == nil && found != g.settings:
		g.mismatch = taskledger.Errorf(taskledger.ErrSchemaMismatch,
			"the keyspace was opened with the settings %+v, and has %+v now: open it anew", g.settings, found)
	case err == nil:
		g.mismatch = nil
		g.nextLook = time.Now().Add(g.interval)
	}
}
