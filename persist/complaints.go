package persist

import (
	"sync"
	"time"
)

// complaintPause is how often the same trouble of the store is told at most. Pebble tries what fails again at once, some twenty times a
// second, and a damaged block does not heal.
const complaintPause = time.Minute

// maxComplaints bounds how many are told apart.
const maxComplaints = 100

// complaints remembers what was complained of. The zero value is ready for use.
type complaints struct {
	mu struct {
		sync.Mutex
		told map[string]time.Time
	}
}

// allow reports whether something is to be told now.
func (c *complaints) allow(what string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if told, ok := c.mu.told[what]; ok && now.Sub(told) < complaintPause {
		return false
	}
	if c.mu.told == nil || len(c.mu.told) >= maxComplaints {
		c.mu.told = map[string]time.Time{}
	}
	c.mu.told[what] = now
	return true
}
