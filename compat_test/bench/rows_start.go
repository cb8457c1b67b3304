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
		name: "start",
		rows: []row{
			figure("start", "start on an empty directory until PING answers", unitSeconds, atMost(0.1)),
		},
		run: func(ctx context.Context, b *bench, turn subject, into readings) error {
			for range startsPerRound {
				if err := b.measureStart(ctx, turn, into); err != nil {
					return err
				}
			}
			return nil
		},
	}
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
