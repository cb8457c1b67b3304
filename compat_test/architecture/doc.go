// Package architecture holds the rules of the tree that no compiler holds, as tests over its syntax.
//
// A rule that only stands in prose is true until the first hurried change. These are checked in every
// test run instead, each with the reason why it exists, so that whoever meets one knows what it would cost to break:
//
//   - Imports point down. The map names every package and every arrow between them with the reason for the
//     arrow; a new package or a new arrow is a line here, which is where a reviewer sees it.
//   - One place decides when the process ends and what a signal means: main.go. A library that exits takes
//     with it whatever its callers had not yet made durable.
//   - No init functions: order of work is told by main.go, not by the linker.
//   - No test is skipped.
//   - A file holds one thing, and 700 lines are more than one thing needs.
//   - No source names the host of a package registry: where modules come from is the business of the machine that builds.
//
// Decisions:
//
//   - The map lists permissions and fails on those that nobody uses, so that it describes what is and not what was.
//   - Test files are held to the map as well, with arrows of their own.
//   - The rules read the syntax alone (go/parser): no type checking, no build, about 50 ms for the tree.
package architecture
