//go:build !linux

package main

// setTimerSlack does nothing: only Linux has timer slack.
func setTimerSlack() error { return nil }
