// Package resp is the wire: the commands that clients send, and the replies that they get, in RESP2 and RESP3.
//
// A Reader finds the commands in a connection's bytes. It faces the network, so it is written from three rules.
// A length is compared with its limit before anything is done with it, and memory is taken for bytes that came,
// not for bytes that were promised. No byte is looked at twice: the parser stops in the middle of a command,
// remembers where, and goes on from there when more has come, so a command costs the same in one packet or in a
// million. And nothing depends on where the packets end: commands and errors are a function of the bytes alone.
//
// What is common must be fast all the same: pipelined INCRBY takes under 40 ns per command and allocates nothing.
// Arguments are slices of the buffer that the bytes were read into, good until the next Fill, and so the loop of
// a connection is: Fill, then Next until there is no more, execute that batch, have the Writer write its replies, Fill again.
//
//	for {
//		if _, err := r.Fill(conn); err != nil { ... }
//		for {
//			ok, err := r.Next(&batch[n])
//			...
//		}
//	}
//
// A Writer collects the replies of a batch. It knows which protocol its client speaks, so that a command says
// what it answers (a map, a double, nothing) and never how.
//
// ReadReply and Reply.String are the other side, for tests and tools: a reply as a client reads it, and as
// redis-cli shows it.
//
// # Decisions
//
//   - Framing is our own and redcon only encodes: redcon's reader has no limits, and panics on a bulk length of
//     2^63-1.
//   - Texts of protocol errors, and what is an error at all, are Redis's: a negative or zero count is an empty
//     command, the two bytes behind an argument are not looked at.
//   - Redis looks for the limit of a line only when its buffer ends within the line, which depends on packets.
//     Here a line over the limit is refused wherever it is seen to end.
//   - Arguments are kept as offsets until their command is complete, so that the buffer can be moved and grown
//     under an incomplete command without touching them. Slices fixed up after each move were the alternative.
//   - Replies beyond 16 KiB are written into a buffer that is lent for as long as it takes to send them. One that grew
//     with each value of 60 kB left 400 KiB behind for 180 KiB sent; on eight processors fifty clients that read
//     nothing then cost 90 MB, and 12 MB since. What does not fit in one goes on in the next (pieces.go).
//   - The buffer doubles while one command fills it, and otherwise stays between 1 and 16 KiB by what reads
//     bring. An idle connection keeps no more than that, even after a command of 512 MiB.
package resp
