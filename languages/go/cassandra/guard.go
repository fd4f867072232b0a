package cassandra

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	taskledger "github.com/taskledger/taskledger/languages/go"
)

const clockInterval = time.Minute

// clockGuard compares the host's clock with Cassandra's: a version must not be far from the time at which it was saved.
type clockGuard struct {
	clock *taskledger.VersionClock
	// readServerClock gives a coordinator's clock, in microseconds; it tells whole milliseconds.
	readServerClock func(context.Context) (int64, error)
	mutex           sync.Mutex
	skew            *skew
}

// skew is how far Cassandra's clock is ahead, and when and at which offset of the clocks that was measured.
type skew struct {
	least, most int64
	at          time.Time
	offset      int64
}

// check compares the clocks if that is due. The error is ErrClockSkew.
func (g *clockGuard) check(ctx context.Context) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.isDue() {
		measured, err := g.measure(ctx)
		if err != nil {
			return err
		}
		g.skew = &measured
	}
	if g.isOff(*g.skew) {
		limit := g.clock.Limit() / 1000
		return taskledger.Errorf(taskledger.ErrClockSkew, "this host's clock is more than %d ms off Cassandra's; nothing is saved", limit)
	}
	return nil
}

func (g *clockGuard) isDue() bool {
	if g.skew == nil || g.isOff(*g.skew) || time.Since(g.skew.at) > clockInterval {
		return true
	}
	drift := g.offset() - g.skew.offset
	return max(drift, -drift) > g.clock.Limit()/4 // a clock was set
}

// measure compares twice more if a clock seems to be off: of three, the middle one counts.
func (g *clockGuard) measure(ctx context.Context) (skew, error) {
	var skews []skew
	for range 3 {
		before := g.clock.Now()
		server, err := g.readServerClock(ctx)
		if err != nil {
			return skew{}, err
		}
		skews = append(skews, skew{server - g.clock.Now(), server + 1000 - before, time.Now(), g.offset()})
		if !g.isOff(skews[0]) {
			return skews[0], nil
		}
	}
	slices.SortFunc(skews, func(a, b skew) int { return cmp.Compare(a.least+a.most, b.least+b.most) })
	return skews[1], nil
}

func (g *clockGuard) isOff(s skew) bool {
	return s.least > g.clock.Limit() || s.most < -g.clock.Limit()
}

// began is read on the monotonic clock.
var began = time.Now()

// offset is the wall clock less the monotonic one: constant, unless the wall clock is set.
func (g *clockGuard) offset() int64 { return g.clock.Now() - time.Since(began).Microseconds() }
