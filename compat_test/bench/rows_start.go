package main

import (
	"context"
	"time"
)

// startsPerRound is more than one because a start is short and a machine's moods are not.
const startsPerRound = 5

// startScenario counts from the start of the process, taskset included, to the first PONG.
func startScenario() scenario {
	return scenario{
		name:  "start",
		about: "Start: on an empty directory, until PING answers.",
		rows:  []row{figure("start", "start", unitSeconds, atMost(0.1))},
		run:   measureStarts,
	}
}

// measureStarts adds the median of a round's starts, and each of them as NAME/each.
func measureStarts(ctx context.Context, b *bench, turn subject, into readings) error {
	each := readings{}
	for range startsPerRound {
		if err := b.measureStart(ctx, turn, each); err != nil {
			return err
		}
	}
	into.add("start", each.median("start"))
	into["start/each"] = append(into["start/each"], each["start"]...)
	return nil
}

func (b *bench) measureStart(ctx context.Context, turn subject, into readings) error {
	began := time.Now()
	srv, err := b.startServer(ctx, turn, modeAlways)
	if err != nil {
		return err
	}
	into.add("start", time.Since(began).Seconds())
	srv.discard()
	return nil
}
