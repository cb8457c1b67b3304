package config

import (
	"crypto/tls"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"time"
)

// Values is one complete configuration: every parameter that has a meaning
// here, parsed and within its bounds. A *Values that [Config.Load] returned
// never changes; it may be kept, compared and shared, and its slices and maps
// must not be written to. Sizes are in bytes, counts are never negative unless
// the field says so, and the zero of a limit means "no limit" where the
// field says so. What each parameter is for stands in its row of the table.
type Values struct {
	// Where the server listens.

	Bind           []string    // addresses; a leading "-" tolerates an absent one; empty: no TCP
	Port           int         // 0: no plain TCP
	TCPBacklog     int         // length of the accept queue asked of the kernel
	UnixSocket     string      // "": none; see [Values.Path]
	UnixSocketPerm fs.FileMode // 0: whatever the umask leaves
	AdminAddress   string      // host:port of the HTTP endpoint; "": none

	// Who may talk to it.

	ProtectedMode          bool
	RequirePass            string // "": no password
	EnableDebugCommand     Access
	EnableProtectedConfigs Access
	Renames                []Rename // rename-command lines, in order

	// What one client may cost.

	MaxClients               int
	Timeout                  time.Duration // idle clients are closed after it; 0: never
	TCPKeepAlive             time.Duration // 0: off
	ClientWriteTimeout       time.Duration // 0: no deadline
	ClientQueryBufferLimit   int64
	ClientOutputBufferLimit  OutputBufferLimits
	ProtoMaxBulkLen          int64
	MaxArguments             int
	TrackingTableMaxKeys     int
	InlineMaxSize            int64
	UnauthenticatedMaxArgs   int
	UnauthenticatedMaxBulk   int64
	LatencyTracking          bool
	LatencyMonitorThreshold  time.Duration // 0: off
	LatencyTrackingQuantiles []float64     // percentiles, 0 to 100
	SlowlogLogSlowerThan     time.Duration // 0: every command; negative: none
	SlowlogMaxLen            int
	ACLLogMaxLen             int

	// TLS.

	TLSPort             int // 0: no TLS
	TLSCertFile         string
	TLSKeyFile          string
	TLSKeyFilePass      string
	TLSCACertFile       string
	TLSCACertDir        string
	TLSAuthClients      TLSAuth
	TLSProtocols        string // as written; see [Values.TLSVersions]
	TLSCiphers          string // as written; see [Values.CipherSuites]
	TLSSessionCaching   bool
	TLSHandshakeTimeout time.Duration // 0: no deadline

	// What is kept, where, and how surely.

	Databases          int
	Dir                string // absolute
	AppendOnly         bool
	AppendFsync        Fsync
	SavePoints         []SavePoint // empty: none
	CheckpointLogSize  int64
	CheckpointInterval time.Duration // 0: by size alone
	LogSegmentSize     int64
	StoreCacheSize     int64
	CommitStallTimeout time.Duration // 0: not watched

	// Memory.

	MaxMemory        int64 // 0: no limit
	MaxMemoryPolicy  Eviction
	MaxMemorySamples int
	LFULogFactor     int
	LFUDecayTime     time.Duration // 0: no decay

	// Encodings.

	HashMaxListpackEntries int
	HashMaxListpackValue   int64
	SetMaxIntsetEntries    int
	ZSetMaxListpackEntries int
	ZSetMaxListpackValue   int64
	HLLSparseMaxBytes      int64

	// The process.

	LogLevel   LogLevel
	LogFile    string // "": standard output; see [Values.Path]
	LogFormat  LogFormat
	PidFile    string // "": none; see [Values.Path]
	Supervised Supervision

	// accepted holds the parameters that have no meaning here, by their kind,
	// which is a pointer and so unique to the row.
	accepted map[kind]any
	// base is what relative file names are relative to.
	base string
}

// Path makes a file name that stands in the configuration absolute. As in
// Redis, which changes its working directory to dir, a relative name is
// relative to dir where the user gave one, and otherwise to the directory the
// process was started in. The empty name stays empty.
func (v *Values) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(v.base, name)
}

// TLSVersions returns the lowest and the highest protocol version that
// tls-protocols allows, as crypto/tls numbers them: 1.2 and 1.3 if it is empty.
func (v *Values) TLSVersions() (lowest, highest uint16) {
	if v.TLSProtocols == "" {
		return tls.VersionTLS12, tls.VersionTLS13
	}
	for word := range strings.FieldsSeq(v.TLSProtocols) {
		version := tlsVersions[strings.ToLower(word)]
		if lowest == 0 || version < lowest {
			lowest = version
		}
		highest = max(highest, version)
	}
	return lowest, highest
}

// clone returns a copy that may be changed field by field.
func (v *Values) clone() *Values {
	next := *v
	next.accepted = maps.Clone(v.accepted)
	return &next
}

// OutputBufferLimits bounds what the server holds back for clients that do not
// read, by the class of client.
type OutputBufferLimits struct {
	Normal, Replica, PubSub OutputBufferLimit
}

// OutputBufferLimit is the bound for one class. A client is dropped when its
// pending output exceeds HardBytes, or has exceeded SoftBytes for SoftPeriod
// without a pause. A zero number of bytes is no limit.
type OutputBufferLimit struct {
	HardBytes, SoftBytes int64
	SoftPeriod           time.Duration
}

// SavePoint asks for a checkpoint when at least Changes writes happened and at
// least After has passed since the last one.
type SavePoint struct {
	After   time.Duration
	Changes int
}

// Rename is a rename-command line: From is the command's name as the user wrote
// it and To its new name, "" to disable it. Whether such a command exists, and
// whether the new name is free, is for the owner of the command table to say.
type Rename struct {
	From, To string
}

// Fsync says when the commit log is forced to disk.
type Fsync uint8

// The policies of appendfsync.
const (
	FsyncEverySecond Fsync = iota
	FsyncAlways
	FsyncNever
)

// Eviction says what may be deleted when memory is full.
type Eviction uint8

// The policies of maxmemory-policy.
const (
	VolatileLRU Eviction = iota
	VolatileLFU
	VolatileRandom
	VolatileTTL
	AllKeysLRU
	AllKeysLFU
	AllKeysRandom
	NoEviction
)

// LFU reports whether the policy needs access frequencies.
func (e Eviction) LFU() bool { return e == VolatileLFU || e == AllKeysLFU }

// String returns the policy's name as INFO and CONFIG GET show it.
func (e Eviction) String() string { return evictionPolicies.name(e) }

// LogLevel is the least important message that is logged.
type LogLevel uint8

// The levels of loglevel, from the most talkative.
const (
	LogDebug LogLevel = iota
	LogVerbose
	LogNotice
	LogWarning
)

// LogFormat is the shape of a line of the log.
type LogFormat uint8

// The shapes of log-format.
const (
	LogText LogFormat = iota
	LogJSON
)

// Supervision says whether a service manager is told how the server fares.
type Supervision uint8

// The values of supervised.
const (
	SupervisedUpstart Supervision = iota
	SupervisedSystemd
	SupervisedAuto
	SupervisedNo
)

// Systemd reports whether $NOTIFY_SOCKET is to be told.
func (s Supervision) Systemd() bool { return s == SupervisedSystemd || s == SupervisedAuto }

// TLSAuth says whether a TLS client must show a certificate.
type TLSAuth uint8

// The values of tls-auth-clients.
const (
	TLSAuthNo TLSAuth = iota
	TLSAuthYes
	TLSAuthOptional
)

// Access says who may use something dangerous.
type Access uint8

// The values of enable-debug-command and enable-protected-configs.
const (
	AccessNo Access = iota
	AccessYes
	AccessLocal // from the loopback interface or the unix socket only
)

// Allows reports whether a client may, given whether it is local: connected
// through the unix socket or from a loopback address.
func (a Access) Allows(local bool) bool {
	return a == AccessYes || a == AccessLocal && local
}
