package server

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"quipu/server/resp"
)

// words returns the texts of a list of bulk strings, in alphabetical order.
func words(r resp.Reply) []string {
	var list []string
	for _, e := range r.Elems {
		list = append(list, string(e.Text))
	}
	slices.Sort(list)
	return list
}

// fill adds members named "member:0" and so on, or the integers from 0 on.
func fill(ask asker, key string, n int, integers bool) {
	args := []any{"SADD", key}
	for i := range n {
		if integers {
			args = append(args, i)
		} else {
			args = append(args, fmt.Sprint("member:", i))
		}
	}
	ask(args...)
}

// Every member of a set is picked as often as any other, in whichever way it is picked. The bound is six standard deviations.
func TestRandomMembersAreFair(t *testing.T) {
	ask := startServer(t, "--appendonly", "no").dial().ask
	const size, picks = 30, 9000
	for _, integers := range []bool{true, false} {
		for name, pick := range map[string]func() resp.Reply{
			"SRANDMEMBER":         func() resp.Reply { return resp.Reply{Elems: []resp.Reply{ask("SRANDMEMBER", "s")}} },
			"SRANDMEMBER, few":    func() resp.Reply { return ask("SRANDMEMBER", "s", 5) },
			"SRANDMEMBER, many":   func() resp.Reply { return ask("SRANDMEMBER", "s", 15) },
			"SRANDMEMBER, repeat": func() resp.Reply { return ask("SRANDMEMBER", "s", -15) },
			"SPOP": func() resp.Reply {
				member := ask("SPOP", "s")
				ask("SADD", "s", member.Text)
				return resp.Reply{Elems: []resp.Reply{member}}
			},
			"SPOP, several": func() resp.Reply {
				popped := ask("SPOP", "s", 10)
				for _, member := range popped.Elems {
					ask("SADD", "s", member.Text)
				}
				return popped
			},
		} {
			fill(ask, "s", size, integers)
			seen := map[string]int{}
			for drawn := 0; drawn < picks; {
				list := words(pick())
				for _, member := range list {
					seen[member]++
				}
				drawn += len(list)
			}
			const mean = picks / size
			for member, n := range seen {
				if n < mean-104 || n > mean+104 || len(seen) != size {
					t.Errorf("%s: %q came %d times, %d expected; %d members came", name, member, n, mean, len(seen))
				}
			}
			ask("DEL", "s")
		}
	}
}

// What SPOP returns leaves the set, once, and nothing else does.
func TestPoppedMembersLeave(t *testing.T) {
	ask := startServer(t, "--appendonly", "no").dial().ask
	for _, size := range []int{10, 200, 3000} {
		fill(ask, "s", size, size == 200)
		popped := map[string]bool{}
		for left := size; left > 0; {
			list := words(ask("SPOP", "s", 1+size/3))
			for _, member := range list {
				if popped[member] {
					t.Fatalf("%s came twice", member)
				}
				popped[member] = true
			}
			if left -= len(list); ask("SCARD", "s").Int != int64(left) {
				t.Fatalf("%s members left, not %d", ask("SCARD", "s"), left)
			}
		}
		if len(popped) != size || ask("EXISTS", "s").Int != 0 {
			t.Fatalf("%d of %d members popped", len(popped), size)
		}
	}
}

// A short command cannot ask for a reply without end.
func TestRepeatedPicksAreBounded(t *testing.T) {
	ask := startServer(t, "--proto-max-bulk-len", "1mb").dial().ask
	fill(ask, "s", 10, false)
	if reply := ask("SRANDMEMBER", "s", "-9223372036854775807"); reply.Kind != resp.KindError {
		t.Errorf("%d picks", len(reply.Elems))
	}
}

// Unions, intersections and differences of sets of all sizes are those of Go's maps.
func TestCombinationsAgreeWithModel(t *testing.T) {
	ask := startServer(t, "--appendonly", "no").dial().ask
	rng := rand.New(rand.NewPCG(8, 8))
	for range 80 {
		ask("FLUSHALL")
		var (
			keys   []any
			models []map[string]bool
		)
		for i := range 1 + rng.IntN(6) {
			keys = append(keys, "k"+strconv.Itoa(i))
			models = append(models, randomSet(rng, ask, keys[i]))
		}
		for name, combine := range map[string]func([]map[string]bool) map[string]bool{"SUNION": unionOf, "SINTER": intersectionOf, "SDIFF": differenceOf} {
			want := slices.Sorted(maps.Keys(combine(models)))
			if got := words(ask(append([]any{name}, keys...)...)); !slices.Equal(got, want) {
				t.Fatalf("%s of %v: %q, not %q", name, models, got, want)
			}
			target := []any{"new", keys[0]}[rng.IntN(2)]
			stored := ask(append([]any{name + "STORE", target}, keys...)...)
			if got := words(ask("SMEMBERS", target)); stored.Int != int64(len(want)) || !slices.Equal(got, want) {
				t.Fatalf("%sSTORE of %v: %s, %q, not %q", name, models, stored, got, want)
			}
			fillFrom(ask, keys[0], models[0])
		}
		all := int64(len(intersectionOf(models)))
		if got := ask(append([]any{"SINTERCARD", len(keys)}, keys...)...); got.Int != all {
			t.Fatalf("SINTERCARD of %v: %s, not %d", models, got, all)
		}
	}
}

// randomSet stores a set of up to a few hundred members, which are often those of the others.
func randomSet(rng *rand.Rand, ask asker, key any) map[string]bool {
	set := map[string]bool{}
	for range rng.IntN(1 << (1 + rng.IntN(9))) {
		set[fmt.Sprint([]string{"", "member:"}[rng.IntN(2)], rng.IntN(300))] = true
	}
	fillFrom(ask, key, set)
	return set
}

// fillFrom stores a set.
func fillFrom(ask asker, key any, set map[string]bool) {
	ask("DEL", key)
	args := []any{"SADD", key}
	for member := range set {
		args = append(args, member)
	}
	ask(args...)
}

func unionOf(sets []map[string]bool) map[string]bool {
	all := map[string]bool{}
	for _, s := range sets {
		maps.Copy(all, s)
	}
	return all
}

func intersectionOf(sets []map[string]bool) map[string]bool {
	common := maps.Clone(sets[0])
	for _, s := range sets[1:] {
		maps.DeleteFunc(common, func(member string, _ bool) bool { return !s[member] })
	}
	return common
}

func differenceOf(sets []map[string]bool) map[string]bool {
	rest := maps.Clone(sets[0])
	for _, s := range sets[1:] {
		maps.DeleteFunc(rest, func(member string, _ bool) bool { return s[member] })
	}
	return rest
}

func TestNameSet(t *testing.T) {
	var s nameSet
	if s.has(nil) || s.has([]byte("1")) {
		t.Error("the empty set has a name")
	}
	for i := range 10_000 {
		name := strconv.AppendInt(nil, int64(i/2), 10)
		if isNew := s.add(name); isNew != (i%2 == 0) || !s.has(name) || s.len() != i/2+1 {
			t.Fatalf("add %q: %v, then %v, %d names", name, isNew, s.has(name), s.len())
		}
	}
	if s.has([]byte("5000")) || s.has(nil) {
		t.Error("a name too many")
	}
}
