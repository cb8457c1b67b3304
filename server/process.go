package server

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// What INFO tells of the process and its machine. What the operating system does not tell is 0 or empty.

// buildRevision returns the first eight digits of the revision that the program was built from, and whether there were changes on top.
func buildRevision() (revision string, dirty bool) {
	revision = "00000000"
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return revision, false
	}
	for _, s := range build.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= len(revision):
			revision = s.Value[:len(revision)]
		case s.Key == "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	return revision, dirty
}

// Version returns the version of Quipu, "devel" where the build does not say.
func Version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok || build.Main.Version == "" || build.Main.Version == "(devel)" {
		return "devel"
	}
	return strings.TrimPrefix(build.Main.Version, "v")
}

// buildID tells builds apart: it is a digest of what the linker knows of the sources, the settings and the libraries.
func buildID() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return strings.Repeat("0", 16)
	}
	sum := sha256.Sum256([]byte(build.String()))
	return hex.EncodeToString(sum[:8])
}

// pollerName is how the Go runtime waits for sockets here.
var pollerName = map[string]string{
	"linux": "epoll", "android": "epoll", "windows": "iocp", "solaris": "event ports", "illumos": "event ports", "aix": "pollset",
	"darwin": "kqueue", "freebsd": "kqueue", "netbsd": "kqueue", "openbsd": "kqueue", "dragonfly": "kqueue",
}[runtime.GOOS]

// hostSystem returns the operating system, its release, and the machine, as uname prints them.
func hostSystem() string {
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	if machine == "" {
		machine = runtime.GOARCH
	}
	kind, release := firstLine("/proc/sys/kernel/ostype"), firstLine("/proc/sys/kernel/osrelease")
	if kind == "" {
		kind = runtime.GOOS
	}
	return strings.Join(strings.Fields(kind+" "+release+" "+machine), " ")
}

// firstLine returns the first line of a file, "" if it can not be read.
func firstLine(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return line
}

// residentMemory returns the bytes of this process that are in memory.
func residentMemory() int64 {
	fields := strings.Fields(firstLine("/proc/self/statm"))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// systemMemory returns the bytes of memory that the machine has.
func systemMemory() int64 {
	fields := strings.Fields(firstLine("/proc/meminfo")) // MemTotal: 24684084 kB
	if len(fields) < 2 || fields[0] != "MemTotal:" {
		return 0
	}
	kib, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// goMemory returns the bytes that the Go runtime uses, and those that it has from the operating system.
func goMemory() (live, mapped int64) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	mapped = value(0) - value(1)
	return mapped - value(2) - value(3), mapped
}

// cpuTimes is the time that the threads of the process have spent.
type cpuTimes struct{ user, system time.Duration }
