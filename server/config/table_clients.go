package config

import (
	"io/fs"
	"time"
)

// maxBinds is Redis's limit on the addresses of bind.
const maxBinds = 16

func networkGroup() group {
	return group{title: "Network", rows: append(addressRows(), tcpRows()...)}
}

func addressRows() []*param {
	return []*param{
		{
			name:  "bind",
			value: in(func(v *Values) *[]string { return &v.Bind }, addresses(maxBinds)),
			def:   "* -::*",
			doc: `
The addresses to listen on, up to 16, separated by spaces. "*" means every IPv4
interface, "::*" every IPv6 one. A minus sign before an address means that it
may be missing on this machine; without it, an address that is not there stops
the start. An empty list ("") closes the TCP port altogether.

Every interface is the default because protected-mode, below, turns strangers
away until there is a password. On a machine that the internet can reach, name
the interfaces all the same: one barrier is not enough for a port that gives
away every counter.

This machine only, with or without IPv6; and two interfaces that must exist:

    bind 127.0.0.1 -::1
    bind 192.168.1.10 10.0.0.5`,
		},
		{
			name:  "port",
			value: in(func(v *Values) *int { return &v.Port }, integer(0, 65535)),
			def:   "6379",
			doc: `
The TCP port for connections without encryption. 0 closes it, for a server that
is reached through TLS or the unix socket only.`,
		},
		{
			name:    "unixsocket",
			value:   in(func(v *Values) *string { return &v.UnixSocket }, text()),
			def:     `""`,
			mode:    atStart,
			example: "unixsocket /run/quipu/quipu.sock",
			doc: `
The path of a unix socket to listen on as well; none by default. For clients on the
same machine it is faster than TCP. A stale socket file of that name is replaced.`,
		},
		{
			name:    "unixsocketperm",
			value:   in(func(v *Values) *fs.FileMode { return &v.UnixSocketPerm }, permissions()),
			def:     "0",
			mode:    atStart,
			example: "unixsocketperm 770",
			doc: `
The permissions of the socket file, in octal. 0 leaves them to the umask of the
process. Whoever may write to the socket may connect, and protected-mode lets
them in.`,
		},
	}
}

func tcpRows() []*param {
	return []*param{
		{
			name:  "tcp-backlog",
			value: in(func(v *Values) *int { return &v.TCPBacklog }, integer(0, maxInt32)),
			def:   "511",
			mode:  atStart,
			doc: `
How many connections may wait to be accepted. Where thousands of clients connect
at the same moment (after a deploy, say), a short queue makes the kernel drop
some of them, and they try again a second later. Quipu asks for as many as the
system grants: on Linux, raise /proc/sys/net/core/somaxconn. The number here is
kept for the sake of existing files.`,
		},
		{
			name:  "tcp-keepalive",
			value: in(func(v *Values) *time.Duration { return &v.TCPKeepAlive }, duration(time.Second, 0, maxInt32)),
			def:   "300",
			doc: `
Seconds. How long a connection may be silent before the kernel asks the peer
whether it is still there; of connections made from now on. Clients whose machine died are found this way, and
firewalls between the two do not forget the connection. 0 turns it off.`,
		},
		{
			name:    "admin-address",
			value:   in(func(v *Values) *string { return &v.AdminAddress }, text(hostPort)),
			def:     `""`,
			mode:    atStart,
			example: "admin-address 127.0.0.1:9121",
			doc: `
host:port of an HTTP endpoint for operators: /metrics for Prometheus, /healthz
(the process lives), /readyz (it serves), /debug/pprof. Off by default.

There is no password on it, and whoever can reach it can slow the server down with
profiles: bind it to the loopback interface or to a network that only monitoring
can reach.`,
		},
	}
}

func accessGroup() group {
	return group{title: "Access", rows: []*param{
		{
			name:  "protected-mode",
			value: in(func(v *Values) *bool { return &v.ProtectedMode }, yesNo()),
			def:   "yes",
			doc: `
While there is no password, accept connections from this machine only: from the
loopback addresses and the unix socket. Others get an error that says what to
do. Turn it off only where something else keeps strangers out.`,
		},
		{
			name:    "requirepass",
			value:   in(func(v *Values) *string { return &v.RequirePass }, text()),
			def:     `""`,
			secret:  true,
			example: "requirepass a-long-random-string",
			doc: `
The password that clients give with AUTH or HELLO. None by default.

Make it long and random: nobody has to remember it, and a server that is fast is
fast at checking guesses too. It stands here in clear, so that the
file must be readable by its owner only; and it crosses the network in clear
where TLS is not used.`,
		},
		{
			name:  "enable-debug-command",
			value: in(func(v *Values) *Access { return &v.EnableDebugCommand }, oneOf(accesses)),
			def:   "no",
			mode:  atStart,
			doc: `
Who may call DEBUG: no (nobody), yes (everybody) or local (clients on this
machine). Parts of DEBUG stop or stall the server; the tests of client libraries
want it, production does not.`,
		},
		{
			name:  "enable-protected-configs",
			value: in(func(v *Values) *Access { return &v.EnableProtectedConfigs }, oneOf(accesses)),
			def:   "no",
			mode:  atStart,
			doc: `
Who may change dir and dbfilename with CONFIG SET: no, yes or local. In Redis
they are a known way from a stolen connection to a file of the attacker's choice.
Here dir cannot change while the server runs, whoever asks, and dbfilename means
nothing; the parameter is there so that the refusals are the same.`,
		},
	}}
}

func clientGroup() group {
	return group{title: "What a client may cost", rows: append(connectionRows(), inputRows()...)}
}

func connectionRows() []*param {
	return []*param{
		{
			name:  "maxclients",
			value: in(func(v *Values) *int { return &v.MaxClients }, integer(1, maxUint32)),
			def:   "10000",
			doc: `
How many clients may be connected at once. One more is told "ERR max number of
clients reached" and closed. An idle one costs some kilobytes of memory.

Each costs a file descriptor, too, and about 1100 are set aside for the log and the
store. Where the limit of the process (ulimit -n) is less than both together, and
cannot be raised, the start lowers maxclients and says so; CONFIG SET refuses what
is beyond it.`,
		},
		{
			name:  "timeout",
			value: in(func(v *Values) *time.Duration { return &v.Timeout }, duration(time.Second, 0, maxInt32)),
			def:   "0",
			doc: `
Seconds. A client that has sent nothing for this long is closed. 0, the default,
never does: connection pools keep idle connections on purpose and are surprised
to find them closed. Set it where clients forget to disconnect.`,
		},
		{
			name:  "client-write-timeout",
			value: in(func(v *Values) *time.Duration { return &v.ClientWriteTimeout }, duration(time.Second, 0, maxInt32)),
			def:   "60",
			doc: `
Seconds. A client that does not take a reply for this long, or the next 200kb of a
longer one, is dropped. Its connection is not idle, which timeout would notice, but stuck: the reply sits in
the server's memory. 0 waits forever, and then only client-output-buffer-limit
stands between a stopped client and the memory of the server.`,
		},
		{
			name:  "client-output-buffer-limit",
			value: in(func(v *Values) *OutputBufferLimits { return &v.ClientOutputBufferLimit }, bufferLimits()),
			def:   "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
			doc: `
How much output may wait for a client that reads too slowly, by class of client:

    client-output-buffer-limit <class> <hard> <soft> <seconds>

A client is dropped at once when more than <hard> bytes wait for it, and when
more than <soft> bytes have waited for <seconds> without a pause. 0 is no limit.
The classes are normal, replica (or slave) and pubsub (whoever receives messages
that it did not ask for one by one). A line changes the classes that it names.

A normal client asks and then reads, so that it costs what it asked for. One
that asks for very much and reads nothing is what the limit is for:

    client-output-buffer-limit normal 512mb 0 0

16 KB of replies do not count. For replies the hard limit counts; client-write-timeout, which looks at whether the
client takes anything at all, stands in for the soft one. The soft limit is for what
a client listens to: MONITOR, CLIENT TRACKING.`,
		},
	}
}

func inputRows() []*param {
	return []*param{
		{
			name:  "client-query-buffer-limit",
			value: in(func(v *Values) *int64 { return &v.ClientQueryBufferLimit }, size(1<<20, maxInt64)),
			def:   "1gb",
			doc: `
Bytes, at least 1mb. How much unexecuted input of one client is held. A client
that goes beyond it, because of a bug or on purpose, is closed. Memory is taken
as the bytes arrive, never because a client announced them.`,
		},
		{
			name:  "proto-max-bulk-len",
			value: in(func(v *Values) *int64 { return &v.ProtoMaxBulkLen }, size(1<<20, maxInt64)),
			def:   "512mb",
			doc: `
Bytes, at least 1mb. The longest single argument of a command, and so the longest
value.`,
		},
		{
			name:  "max-arguments",
			value: in(func(v *Values) *int { return &v.MaxArguments }, integer(16, maxInt32)),
			def:   "1048576",
			doc: `
How many arguments one command may have. Redis has no such limit since version 7;
before, it was the default here. A command that announces more is a protocol error, and its connection is closed.`,
		},
		{
			name:  "inline-max-size",
			value: in(func(v *Values) *int64 { return &v.InlineMaxSize }, size(1<<10, 1<<30)),
			def:   "64kb",
			doc: `
Bytes. The longest inline command (a line of plain text, as typed into telnet).
The default is what Redis has built in.`,
		},
		{
			name:  "tracking-table-max-keys",
			value: in(func(v *Values) *int { return &v.TrackingTableMaxKeys }, integer(0, maxInt64)),
			def:   "1000000",
			doc: `
How many keys are remembered for the clients that have CLIENT TRACKING on and no
BCAST. When one more is read, the clients of some other key are told that it has
changed. 0 sets no limit, and lets clients fill the memory.`,
		},
		{
			name:  "unauthenticated-max-args",
			value: in(func(v *Values) *int { return &v.UnauthenticatedMaxArgs }, integer(1, maxInt32)),
			def:   "10",
			doc: `
How many arguments a command may have before its client has given the password.
Together with the next parameter it keeps strangers from filling the memory. HELLO
with everything that may follow it has seven. The defaults are what
Redis has built in.`,
		},
		{
			name:  "unauthenticated-max-bulk-len",
			value: in(func(v *Values) *int64 { return &v.UnauthenticatedMaxBulk }, size(64, maxInt64)),
			def:   "16kb",
			doc: `
Bytes. The longest argument before the password was given.`,
		},
	}
}

func tlsGroup() group {
	return group{
		title: "TLS",
		doc: `
Set tls-port, tls-cert-file and tls-key-file, and tls-ca-cert-file or
tls-ca-cert-dir unless tls-auth-clients is no. The files are read at the start, and
all of them again when CONFIG SET changes one of these parameters: to renew a
certificate without a restart, write it under a new name and set that.

Which of the cipher suites that are allowed is used is for Go's TLS to say, and
so are all that concerns those of TLS 1.3: tls-ciphersuites and
tls-prefer-server-ciphers are accepted and have no effect.`,
		rows: append(tlsFileRows(), tlsBehaviourRows()...),
	}
}

func tlsFileRows() []*param {
	return []*param{
		{
			name:    "tls-port",
			value:   in(func(v *Values) *int { return &v.TLSPort }, integer(0, 65535)),
			def:     "0",
			example: "tls-port 6380",
			doc: `
The TCP port for TLS connections; 0 for none. It stands beside port. To speak
TLS on the usual port and nothing else:

    port 0
    tls-port 6379`,
		},
		{
			name:    "tls-cert-file",
			value:   in(func(v *Values) *string { return &v.TLSCertFile }, text()),
			def:     `""`,
			example: "tls-cert-file quipu.crt",
			doc: `
The certificate that the server shows, with its intermediate ones after it, in
PEM.`,
		},
		{
			name:    "tls-key-file",
			value:   in(func(v *Values) *string { return &v.TLSKeyFile }, text()),
			def:     `""`,
			example: "tls-key-file quipu.key",
			doc: `
The private key of the certificate, in PEM.`,
		},
		{
			name:    "tls-key-file-pass",
			value:   in(func(v *Values) *string { return &v.TLSKeyFilePass }, text()),
			def:     `""`,
			secret:  true,
			example: "tls-key-file-pass secret",
			doc: `
The passphrase of the key file, where it is encrypted.`,
		},
		{
			name:    "tls-ca-cert-file",
			value:   in(func(v *Values) *string { return &v.TLSCACertFile }, text()),
			def:     `""`,
			example: "tls-ca-cert-file ca.crt",
			doc: `
The authorities whose certificates clients may show, in PEM. Those of the
operating system are not trusted by themselves: anybody can get a certificate
from one of them.`,
		},
		{
			name:    "tls-ca-cert-dir",
			value:   in(func(v *Values) *string { return &v.TLSCACertDir }, text()),
			def:     `""`,
			example: "tls-ca-cert-dir /etc/quipu/ca",
			doc: `
A directory of such files. Both may be set; all of them are trusted.`,
		},
	}
}

func tlsBehaviourRows() []*param {
	return []*param{
		{
			name:  "tls-auth-clients",
			value: in(func(v *Values) *TLSAuth { return &v.TLSAuthClients }, oneOf(tlsAuths)),
			def:   "yes",
			doc: `
Whether a TLS client must show a certificate: yes, no, or optional (it may show
none, but not a wrong one).`,
		},
		{
			name:    "tls-protocols",
			value:   in(func(v *Values) *string { return &v.TLSProtocols }, text(tlsProtocols)),
			def:     `""`,
			example: `tls-protocols "TLSv1.2 TLSv1.3"`,
			doc: `
The versions of the protocol that are spoken, of TLSv1, TLSv1.1, TLSv1.2 and
TLSv1.3: all from the lowest to the highest one named. By default the last two.
The first two are broken; name them only for clients that know nothing else.`,
		},
		{
			name:    "tls-ciphers",
			value:   in(func(v *Values) *string { return &v.TLSCiphers }, text()),
			def:     `""`,
			example: "tls-ciphers ECDHE+AESGCM:ECDHE+CHACHA20",
			doc: `
The cipher suites of TLS 1.2 and older that are allowed, as OpenSSL's ciphers(1)
writes them. By default those that Go's TLS considers safe. Suites that it does
not have are skipped; one at least must be left. Those of TLS 1.3 are all safe.`,
		},
		{
			name:  "tls-session-caching",
			value: in(func(v *Values) *bool { return &v.TLSSessionCaching }, yesNo()),
			def:   "yes",
			doc: `
Let clients resume an earlier session, which saves them and the server most of
the handshake's work. The session is sealed into a ticket that the client keeps:
there is no cache in the server whose size or time could be set.`,
		},
		{
			name:  "tls-handshake-timeout",
			value: in(func(v *Values) *time.Duration { return &v.TLSHandshakeTimeout }, duration(time.Millisecond, 0, maxInt32)),
			def:   "10000",
			doc: `
Milliseconds. A connection that has not finished its handshake by then is closed.
0 waits forever, and then strangers can hold as many half-open connections as
maxclients allows.`,
		},
	}
}
