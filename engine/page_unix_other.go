//go:build unix && !linux

package engine

func adviseHuge([]byte) {}

func collapse([]byte) {}
