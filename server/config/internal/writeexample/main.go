// Command writeexample writes the generated redis.conf.example to the path that
// is its only argument. It is run by go generate.
package main

import (
	"log"
	"os"

	"quipu/server/config"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: writeexample FILE")
	}
	if err := os.WriteFile(os.Args[1], []byte(config.Example()), 0o644); err != nil {
		log.Fatalf("writing the example: %v", err)
	}
}
