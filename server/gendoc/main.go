// Command gendoc writes the command reference to the file that its argument names. "go generate ./server" runs it.
package main

import (
	"bytes"
	"fmt"
	"os"

	"quipu/server"
)

func main() {
	if err := generate(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gendoc:", err)
		os.Exit(1)
	}
}

// generate writes the reference as a whole or not at all.
func generate(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: gendoc FILE, got %d arguments", len(args))
	}
	var page bytes.Buffer
	if err := server.WriteReference(&page); err != nil {
		return err
	}
	if err := os.WriteFile(args[0], page.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the reference: %w", err)
	}
	return nil
}
