package server

import (
	"errors"
	"fmt"

	"quipu/engine"
)

// ReplyError is an error whose text goes to the client as it stands: a code in capitals, a space, a sentence.
type ReplyError struct{ text string }

// Error returns the text of the reply, without the leading "-".
func (e *ReplyError) Error() string { return e.text }

// replyError returns an error that the dispatcher writes to the client as "-text".
func replyError(text string) error { return &ReplyError{text: text} }

// replyErrorf is replyError with formatting, for texts that quote what the client sent. The encoder replaces line ends.
func replyErrorf(format string, args ...any) error {
	return &ReplyError{text: fmt.Sprintf(format, args...)}
}

// All texts that Redis 7 has are Redis's, byte for byte: clients compare them. Each text stands here and nowhere else.

// Errors of any command.
var (
	ErrSyntax         = replyError("ERR syntax error")
	ErrNotInteger     = replyError("ERR value is not an integer or out of range")
	ErrNotFloat       = replyError("ERR value is not a valid float")
	ErrOverflow       = replyError("ERR increment or decrement would overflow")
	ErrWrongType      = replyError("WRONGTYPE Operation against a key holding the wrong kind of value")
	ErrNoSuchKey      = replyError("ERR no such key")
	ErrOutOfMemory    = replyError("OOM command not allowed when used memory > 'maxmemory'.")
	ErrDiskFull       = replyError("MISCONF Errors writing to the AOF file: No space left on device")
	ErrOutOfRange     = replyError("ERR index out of range")
	ErrOutOfRangeInt  = replyError("ERR value is out of range")
	ErrMustBePositive = replyError("ERR value is out of range, must be positive")
	ErrStringTooLong  = replyError("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	ErrInvalidDB      = replyError("ERR invalid DB index")
	ErrDBOutOfRange   = replyError("ERR DB index is out of range")
	ErrSameObject     = replyError("ERR source and destination objects are the same")
	ErrInternal       = replyError("ERR internal error; the server's log has the details")
)

// Errors of dispatch and authentication.
var (
	ErrNoAuth        = replyError("NOAUTH Authentication required.")
	ErrWrongPass     = replyError("WRONGPASS invalid username-password pair or user is disabled.")
	ErrNoPassword    = replyError("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	ErrNoProto       = replyError("NOPROTO unsupported protocol version")
	ErrProtoNotInt   = replyError("ERR Protocol version is not an integer or out of range")
	ErrHelloNoAuth   = replyError("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	ErrMaxClients    = replyError("ERR max number of clients reached")
	ErrShuttingDown  = replyError("ERR Errors trying to SHUTDOWN. Check logs.")
	ErrNoShutdown    = replyError("ERR No shutdown in progress.")
	ErrClientName    = replyError("ERR Client names cannot contain spaces, newlines or special characters.")
	ErrDeniedInMulti = replyError("ERR Command not allowed inside a transaction")
	ErrProtectedMode = replyError("DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.")
)

// What CONFIG SET is refused for, behind what it says itself.
var (
	//lint:ignore ST1005 Redis's words
	errPortTaken = errors.New("Unable to listen on this port. Check server logs.")
	//lint:ignore ST1005 Redis's words
	errBindFailed = errors.New("Failed to bind to specified addresses.")
)

// Errors of CLIENT.
var (
	ErrNoSuchClient        = replyError("ERR No such client")
	errMonitorKeyspace     = replyError("ERR Replica can't interact with the keyspace") // Redis takes who listens with MONITOR for one
	ErrInvalidClientID     = replyError("ERR Invalid client ID")
	ErrClientIDNotPositive = replyError("ERR client-id should be greater than 0")
	ErrUnblockReason       = replyError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
	ErrPauseMode           = replyError("ERR CLIENT PAUSE mode must be WRITE or ALL")
	ErrTimeoutNotInteger   = replyError("ERR timeout is not an integer or out of range")
	ErrTimeoutNegative     = replyError("ERR timeout is negative")
	ErrTrackingModes       = replyError("ERR You can't specify both OPTIN mode and OPTOUT mode")
	ErrTrackingBroadcast   = replyError("ERR OPTIN and OPTOUT are not compatible with BCAST")
	ErrTrackingPrefix      = replyError("ERR PREFIX option requires BCAST mode to be enabled")
	ErrTrackingRedirect    = replyError("ERR The client ID you want redirect to does not exist")
	ErrTrackingTwoTargets  = replyError("ERR A client can only redirect to a single other client")
	ErrTrackingSwitchMode  = replyError("ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.")
	ErrTrackingSwitchBcast = replyError("ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.")
	ErrCachingMode         = replyError("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
	ErrCachingYes          = replyError("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
	ErrCachingNo           = replyError("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
)

// Errors of transactions.
var (
	ErrNestedMulti    = replyError("ERR MULTI calls can not be nested")
	ErrExecNoMulti    = replyError("ERR EXEC without MULTI")
	ErrDiscardNoMulti = replyError("ERR DISCARD without MULTI")
	ErrWatchInMulti   = replyError("ERR WATCH inside MULTI is not allowed")
	ErrExecAborted    = replyError("EXECABORT Transaction discarded because of previous errors.")
)

// errArity is the answer to a wrong number of arguments. name is the full name in lower case.
func errArity(name string) error {
	return replyErrorf("ERR wrong number of arguments for '%s' command", name)
}

// errSubcommand is the answer of a container to a subcommand whose arguments make no sense.
func errSubcommand(container, sub string) error {
	return replyErrorf("ERR unknown subcommand or wrong number of arguments for '%.128s'. Try %s HELP.", sub, container)
}

// errorReply returns the error to send to the client for what a handler returned: the engine's sentinels become Redis's texts. An
// error that is neither is a fault of ours; known is false, so that the caller logs it.
func errorReply(err error) (reply *ReplyError, known bool) {
	if reply, ok := err.(*ReplyError); ok {
		return reply, true
	}
	for _, m := range engineErrors {
		if errors.Is(err, m.engine) {
			return m.reply.(*ReplyError), true
		}
	}
	if errors.As(err, &reply) {
		return reply, true
	}
	return ErrInternal.(*ReplyError), false
}

// engineErrors maps what the engine returns to what the client is told.
var engineErrors = []struct{ engine, reply error }{
	{engine.ErrNotInteger, ErrNotInteger},
	{engine.ErrOverflow, ErrOverflow},
	{engine.ErrWrongType, ErrWrongType},
	{engine.ErrOutOfMemory, ErrOutOfMemory},
}

// Errors of counters, strings and keys.
var (
	errDecrOverflow = replyError("ERR decrement would overflow")
	errNaNOrInf     = replyError("ERR increment would produce NaN or Infinity")
	errOffset       = replyError("ERR offset is out of range")
	errIntRange     = replyError("ERR value is out of range, value must between -2147483648 and 2147483647")
	errFirstDB      = replyError("ERR invalid first DB index")
	errSecondDB     = replyError("ERR invalid second DB index")
	errCursor       = replyError("ERR invalid cursor")
	errExpireNX     = replyError("ERR NX and XX, GT or LT options at the same time are not compatible")
	errExpireGTLT   = replyError("ERR GT and LT options at the same time are not compatible")
	errLCSType      = replyError("ERR The specified keys must contain string values")
	errLCSBoth      = replyError("ERR If you want both the length and indexes, please just use IDX.")
	errLCSMemory    = replyError("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
	errBusyKey      = replyError("BUSYKEY Target key name already exists.")
	errRestoreTTL   = replyError("ERR Invalid TTL value, must be >= 0")
	errRestoreIdle  = replyError("ERR Invalid IDLETIME value, must be >= 0")
	errRestoreFreq  = replyError("ERR Invalid FREQ value, must be >= 0 and <= 255")
	errDumpChecksum = replyError("ERR DUMP payload version or checksum are wrong")
	errDumpFormat   = replyError("ERR Bad data format")
	errNotLFU       = replyError("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
	errIsLFU        = replyError("ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
)

// errExpireTime is the answer to an expiry that is not positive where it must be, or does not fit in 64 bits of milliseconds. name is
// the full name of the command in lower case.
func errExpireTime(name string) error {
	return replyErrorf("ERR invalid expire time in '%s' command", name)
}

// errExpireOption is the answer of EXPIRE and its kin to an unknown word. Redis prints it as a C string: up to its first zero byte.
func errExpireOption(word []byte) error {
	return replyErrorf("ERR Unsupported option %s", cString(word, len(word)))
}

// Errors of operations.
var (
	ErrSlowlogCount    = replyError("ERR count should be greater than or equal to -1")
	ErrInvalidCommand  = replyError("ERR Invalid command specified")
	ErrNoKeyArguments  = replyError("ERR The command has no key arguments")
	ErrInvalidArgCount = replyError("ERR Invalid number of arguments specified for command")
	ErrInvalidKeyArgs  = replyError("ERR Invalid arguments specified for command")
	ErrSaveInProgress  = replyError("ERR Background save already in progress")
	ErrMasterPort      = replyError("ERR Invalid master port")
	ErrNoReplication   = replyError("ERR replication is not supported")
	errNoReplicas      = replyError("ERR FAILOVER requires connected replicas.")
	errNoFailover      = replyError("ERR No failover in progress.")
	errFailoverTimeout = replyError("ERR FAILOVER timeout must be greater than 0")
	errClusterDisabled = replyError("ERR This instance has cluster support disabled")
	ErrDebugNotAllowed = replyError("ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.")
	ErrDebugReload     = replyError("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
	ErrDebugInExec     = replyError("ERR this DEBUG subcommand is not allowed inside a transaction")
	ErrPackedThreshold = replyError("ERR argument must be a memory value bigger than 1 and smaller than 4gb")
	ErrNeedsRESP3      = replyError("ERR RESP2 is not supported by this command")
	ErrProtocolType    = replyError("ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false")
)

// errMonitorInExec is the answer of MONITOR inside a transaction.
var errMonitorInExec = replyError("ERR MONITOR isn't allowed for DENY BLOCKING client")

// errNoSamples is the answer of LATENCY GRAPH for an event that never spiked.
func errNoSamples(event string) error {
	return replyErrorf("ERR No samples available for event '%s'", event)
}

// errPasswordBits is the answer of ACL GENPASS to a size that it does not make.
var errPasswordBits = replyErrorf("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to %d", maxPasswordBits)

// errUnknownUser and errUnknownDryrun are the answers of ACL DRYRUN to names that there are not. Redis prints them as C strings.
func errUnknownUser(name []byte) error {
	return replyErrorf("ERR User '%s' not found", cString(name, len(name)))
}

func errUnknownDryrun(name []byte) error {
	return replyErrorf("ERR Command '%s' not found", cString(name, len(name)))
}

// errUnknownCategory is the answer of ACL CAT to a name that is no category.
func errUnknownCategory(name string) error { return replyErrorf("ERR Unknown category '%s'", name) }

// Errors of hashes. Those about single fields' expiry are Redis 8's, which words the same mistake in several ways.
var (
	errFieldNotInteger     = replyError("ERR hash value is not an integer")
	errFieldNotFloat       = replyError("ERR hash value is not a float")
	errIncrementInfinite   = replyError("ERR value is NaN or Infinity")
	errRandomCount         = replyError("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
	errFieldsMissing       = replyError("ERR Mandatory argument FIELDS is missing or not at the right position")
	errFieldsNumber        = replyError("ERR Number of fields must be a positive integer")
	errFieldsPositive      = replyError("ERR Parameter `numFields` should be greater than 0")
	errFieldsInvalid       = replyError("ERR invalid number of fields")
	errFieldsCount         = replyError("ERR The `numfields` parameter must match the number of arguments")
	errFieldExpireNegative = replyError("ERR invalid expire time, must be >= 0")
	errFieldExpiryMissing  = replyError("ERR missing expire time")
	errFieldExpiries       = replyError("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified")
	errFieldConditions     = replyError("ERR Only one of FXX or FNX arguments can be specified")
)

// Errors of lists.
var (
	errLPosRank   = replyError("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list")
	errLPosCount  = replyError("ERR COUNT can't be negative")
	errLPosMaxLen = replyError("ERR MAXLEN can't be negative")
)

// errSortScore is the answer of SORT to what is no number, without ALPHA.
var errSortScore = replyError("ERR One or more scores can't be converted into double")

// Errors of blocking commands.
var (
	errBlockTimeout = replyError("ERR timeout is not a float or out of range")
	errUnblocked    = replyError("UNBLOCKED client unblocked via CLIENT UNBLOCK")
)

// errFieldWord is the answer of HSETEX to an unknown word. Redis prints it as a C string.
func errFieldWord(word []byte) error {
	return replyErrorf("ERR unknown argument: %s", cString(word, len(word)))
}

// Errors of bitmaps.
var (
	errBitOffset    = replyError("ERR bit offset is not an integer or out of range")
	errBitValue     = replyError("ERR bit is not an integer or out of range")
	errBitSought    = replyError("ERR The bit argument must be 1 or 0.")
	errBitOpNot     = replyError("ERR BITOP NOT must be called with a single source key.")
	errBitFieldType = replyError("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
	errBitFieldRO   = replyError("ERR BITFIELD_RO only supports the GET subcommand")
	errBitOverflow  = replyError("ERR Invalid OVERFLOW type specified")
)

// Errors of HyperLogLogs.
var (
	errNotHLL       = replyError("WRONGTYPE Key is not a valid HyperLogLog string value.")
	errCorruptedHLL = replyError("INVALIDOBJ Corrupted HLL object detected")
	errNoSuchHLL    = replyError("ERR The specified key does not exist")
	errHLLNotSparse = replyError("ERR HLL encoding is not sparse")
)

// errUnknownPFDebug is the answer of PFDEBUG to an unknown word. Redis prints it as a C string.
func errUnknownPFDebug(word []byte) error {
	return replyErrorf("ERR Unknown PFDEBUG subcommand '%s'", cString(word, len(word)))
}

// Errors of what came after Redis 7: 8.4, and INCREX of 8.8.
var (
	errDigest          = replyError("ERR must be exactly 16 hexadecimal characters")
	errDelExType       = replyError("ERR Key should be of string type if conditions are specified")
	errDelExCondition  = replyError("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE")
	errNumKeys         = replyError("ERR invalid numkeys value")
	errPairs           = replyError("ERR wrong number of key-value pairs")
	errENX             = replyError("ERR ENX flag requires an expiration")
	errBounds          = replyError("ERR LBOUND can't be greater than UBOUND")
	errAppliedOverflow = replyError("ERR applied increment would overflow")
	errAppliedInfinity = replyError("ERR applied increment would be Infinity")
	errByInfinity      = replyError("ERR BYFLOAT increment cannot be Infinity")
	errValueInfinity   = replyError("ERR value cannot be Infinity")
)

// errArgNotInteger is the answer of INCREX to a number that is none. what is Increment, LBOUND or UBOUND.
func errArgNotInteger(what string) error {
	return replyErrorf("ERR %s is not an integer or out of range", what)
}

// errArgNotFloat is errArgNotInteger with BYFLOAT.
func errArgNotFloat(what string) error { return replyErrorf("ERR %s is not a valid float", what) }

// Errors of commands whose keys follow their number.
var (
	errKeyCount     = replyError("ERR numkeys should be greater than 0")
	errKeyCountArgs = replyError("ERR Number of keys can't be greater than number of args")
	errCardLimit    = replyError("ERR LIMIT can't be negative")
)

// Errors of sorted sets.
var (
	errZAddCondition  = replyError("ERR XX and NX options at the same time are not compatible")
	errZAddComparison = replyError("ERR GT, LT, and/or NX options at the same time are not compatible")
	errZAddIncr       = replyError("ERR INCR option supports a single increment-element pair")
	errScoreNaN       = replyError("ERR resulting score is not a number (NaN)")
	errScoreBound     = replyError("ERR min or max is not a float")
	errLexBound       = replyError("ERR min or max not valid string range item")
	errRankLimit      = replyError("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
	errLexScores      = replyError("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
	errWeight         = replyError("ERR weight value is not a float")
	errPopCount       = replyError("ERR count should be greater than 0")
)

// errNoInputKeys is the answer of ZUNION and its kin to a number of keys below 1.
func errNoInputKeys(name string) error {
	return replyErrorf("ERR at least 1 input key is needed for '%s' command", name)
}
