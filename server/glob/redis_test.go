package glob_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"quipu/server/glob"
	"quipu/server/resp/resptest"
)

// randomText returns up to size bytes of few different ones, so that patterns have a chance to match.
func randomText(rng *rand.Rand, letters string, size int) []byte {
	text := make([]byte, rng.IntN(size+1))
	for i := range text {
		text[i] = letters[rng.IntN(len(letters))]
	}
	return text
}

// Every name of a key space, by KEYS of the real server and by Match.
func TestMatchLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	rng := rand.New(rand.NewPCG(1, 2))
	names := map[string]bool{"": true}
	for len(names) < 300 {
		names[string(randomText(rng, "aabbcA-]^\\*?[\xe9\x00", 6))] = true
	}
	for name := range names {
		redis.Do("SET", name, 1)
	}
	for range 5000 {
		pattern := randomText(rng, "aabc***??[[]]^-\\A\xe9\x00", 9)
		var want, got []string
		for _, key := range redis.Do("KEYS", pattern).Elems {
			want = append(want, string(key.Text))
		}
		for name := range names {
			if glob.Match(string(pattern), name) {
				got = append(got, name)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("pattern %q\nRedis: %q\nhere:  %q", pattern, want, got)
		}
	}
}

// CONFIG GET ignores case; its names are what the real server has.
func TestMatchFoldLikeRedis(t *testing.T) {
	redis := resptest.Start(t).Dial(t)
	var names []string
	for i, elem := range redis.Do("CONFIG", "GET", "*").Elems {
		if i%2 == 0 {
			names = append(names, string(elem.Text))
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		pattern := fmt.Sprintf("*%s*", randomText(rng, "aeMX-[]\\^*?TU", 6))
		want := map[string]bool{}
		for i, elem := range redis.Do("CONFIG", "GET", pattern).Elems {
			if i%2 == 0 {
				want[string(elem.Text)] = true
			}
		}
		for _, name := range names {
			if got := glob.MatchFold(pattern, name); got != want[name] {
				t.Fatalf("MatchFold(%q, %q) = %t", pattern, name, got)
			}
		}
	}
}
