package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// defaultServerCPUs gives the server the first core where there is a second one for the load.
func defaultServerCPUs() string {
	if runtime.NumCPU() < 2 {
		return ""
	}
	return "0"
}

func defaultLoadCPUs() string {
	if runtime.NumCPU() < 2 {
		return ""
	}
	return "1"
}

// pinned prefixes a command with taskset, unless cpus is empty. taskset replaces itself by the command,
// so the process started is the command's.
func pinned(cpus string, command []string) []string {
	if cpus == "" {
		return command
	}
	return append([]string{"taskset", "-c", cpus}, command...)
}

// pinSelf moves every thread of this process to the cores of the load. Threads that the Go runtime starts later
// inherit them from the thread that starts them.
func pinSelf(cpus string) error {
	if cpus == "" {
		return nil
	}
	set, err := parseCPUs(cpus)
	if err != nil {
		return err
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("listing own threads: %w", err)
	}
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		if err != nil {
			return fmt.Errorf("thread id %q: %w", thread.Name(), err)
		}
		if err := unix.SchedSetaffinity(tid, &set); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("pinning to cores %s: %w", cpus, err)
		}
	}
	return nil
}

// parseCPUs reads a list such as "1,3-5".
func parseCPUs(list string) (unix.CPUSet, error) {
	var set unix.CPUSet
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err := errors.Join(err1, err2); err != nil || from > to {
			return set, fmt.Errorf("list of cores %q: %q is neither a core nor a range", list, part)
		}
		for cpu := from; cpu <= to; cpu++ {
			set.Set(cpu)
		}
	}
	return set, nil
}

// cpuTime is what a process and its ended children have used so far. The process's own part is exact to the
// nanosecond and holds threads that have ended; that of the children comes in steps of a kernel tick.
func cpuTime(pid int) (time.Duration, error) {
	// The clock of another process: its id inverted, and CPUCLOCK_SCHED (2), the scheduler's exact account.
	var now unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|2, &now); err != nil {
		return 0, fmt.Errorf("reading the CPU clock of process %d: %w", pid, err)
	}
	children, err := childrenTime(pid)
	if err != nil {
		return 0, err
	}
	return time.Duration(now.Nano()) + children, nil
}

// ticksPerSecond is the unit of /proc/PID/stat. Linux reports in hundredths to user space whatever it counts in.
const ticksPerSecond = 100

func childrenTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the CPU time of children: %w", err)
	}
	return parseChildrenTime(stat)
}

// parseChildrenTime takes cutime and cstime (proc(5): fields 16 and 17) from a stat line. The second field, the
// name of the program, may hold blanks; what follows its last parenthesis may not.
func parseChildrenTime(stat []byte) (time.Duration, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 15 {
		return 0, fmt.Errorf("a stat line of %d fields after the name: %q", len(fields), stat)
	}
	user, err1 := strconv.ParseInt(string(fields[13]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[14]), 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return 0, fmt.Errorf("CPU time of children: %w", err)
	}
	return time.Duration(user+system) * time.Second / ticksPerSecond, nil
}

// residentBytes is the resident memory of a process, counted page by page (the figure of /proc/PID/status lags).
func residentBytes(pid int) (int64, error) {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("reading resident memory: %w", err)
	}
	for line := range strings.Lines(string(rollup)) {
		if value, ok := strings.CutPrefix(line, "Rss:"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("smaps_rollup without Rss")
}

// diskBytes is what the files below dir occupy: blocks, so that preallocation counts and holes do not.
func diskBytes(dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a file that the server removed meanwhile
		} else if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) || (err == nil && info.IsDir()) {
			return nil
		} else if err != nil {
			return err
		}
		total += info.Sys().(*syscall.Stat_t).Blocks * 512 // stat(2): always in units of 512 bytes
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("adding up %s: %w", dir, err)
	}
	return total, nil
}

// describeMachine names what the numbers depend on.
func describeMachine(dir string) string {
	kernel := "unknown kernel"
	var uts unix.Utsname
	if err := unix.Uname(&uts); err == nil {
		kernel = "Linux " + unix.ByteSliceToString(uts.Release[:])
	}
	return fmt.Sprintf("%s, %d cores, %s, data on %s", processor(), runtime.NumCPU(), kernel, fileSystem(dir))
}

func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// fileSystem names the kind, because an fsync on tmpfs costs nothing and proves nothing.
func fileSystem(dir string) string {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return "an unknown file system"
	}
	switch stat.Type {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs (NOT a disk: an fsync costs nothing here)"
	default:
		return fmt.Sprintf("file system %#x", stat.Type)
	}
}
