package taskledger

import (
	"sync"
	"time"
)

// MaxClockLimit is how far a host's clock may be off at most.
const MaxClockLimit = time.Second

// VersionClock makes versions: the host's clock, in microseconds, which never goes back, and which moves past every version
// that is met. It is safe for concurrent use.
type VersionClock struct {
	now   func() int64
	limit int64
	mutex sync.Mutex
	last  int64
}

// NewVersionClock makes a clock of one that gives microseconds since 1970; of the host's if that is nil. The limit is how far
// clocks may be off; zero is MaxClockLimit. The error is ErrInvalidArgument for one over that.
func NewVersionClock(now func() int64, limit time.Duration) (*VersionClock, error) {
	if now == nil {
		now = func() int64 { return time.Now().UnixMicro() }
	}
	if limit == 0 {
		limit = MaxClockLimit
	}
	if limit < time.Microsecond || limit > MaxClockLimit {
		return nil, Errorf(ErrInvalidArgument, "the clock limit must be at most %v, and is %v", MaxClockLimit, limit)
	}
	return &VersionClock{now: now, limit: limit.Microseconds()}, nil
}

// Now is the host's own clock.
func (c *VersionClock) Now() int64 { return c.now() }

// Limit is how far clocks may be off, in microseconds.
func (c *VersionClock) Limit() int64 { return c.limit }

// Next is later than every version that was made or met, and than the one that it replaces. The error is ErrClockSkew past the
// year 9999.
func (c *VersionClock) Next(replaced int64) (int64, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	version := max(c.now(), c.last+1, replaced+1)
	if version > MaxVersion {
		return 0, Errorf(ErrClockSkew, "a version lies past the year 9999: a clock is wrong")
	}
	c.observe(version)
	return version, nil
}

// Observe moves past a version; one that is far ahead is a wrong clock's, and moves nothing.
func (c *VersionClock) Observe(version int64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.observe(version)
}

func (c *VersionClock) observe(version int64) {
	if version > c.last && version <= c.now()+2*c.limit {
		c.last = version
	}
}
