package glob

// Match says whether all of s matches pattern.
func Match[T string | []byte](pattern, s T) bool { return match(pattern, s, false) }

// MatchFold is Match that takes ASCII letters of either case for equal.
func MatchFold[T string | []byte](pattern, s T) bool { return match(pattern, s, true) }

func match[T string | []byte](pattern, s T, fold bool) bool {
	if len(s) == 0 || len(pattern) == 0 {
		return len(s) == len(pattern) || len(pattern) == 1 && pattern[0] == '*'
	}
	p, i := 0, 0
	star, from := -1, 0 // the last star, and the first byte that it does not stand for
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, from = p, i
			p++
			continue
		}
		if p < len(pattern) {
			if ok, size := element(pattern[p:], s[i], fold); ok {
				p, i = p+size, i+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, i = star+1, from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// element says whether c matches the first element of pattern, which is no star, and how long that element is.
func element[T string | []byte](pattern T, c byte, fold bool) (ok bool, size int) {
	switch {
	case pattern[0] == '?':
		return true, 1
	case pattern[0] == '[':
		return class(pattern, c, fold)
	case pattern[0] == '\\' && len(pattern) > 1:
		return equal(pattern[1], c, fold), 2
	}
	return equal(pattern[0], c, fold), 1
}

// class says whether c matches the class that pattern begins with, and how long that is with its brackets.
func class[T string | []byte](pattern T, c byte, fold bool) (ok bool, size int) {
	p := 1
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	for p < len(pattern) {
		left := len(pattern) - p
		switch {
		case left >= 2 && pattern[p] == '\\':
			ok = ok || pattern[p+1] == c
			p += 2
		case pattern[p] == ']':
			return ok != not, p + 1
		case left >= 3 && pattern[p+1] == '-':
			ok = ok || inRange(pattern[p], pattern[p+2], c, fold)
			p += 3
		default:
			ok = ok || equal(pattern[p], c, fold)
			p++
		}
	}
	return ok != not, p
}

// inRange says whether c is between two bytes, whichever of them is the smaller.
func inRange(from, to, c byte, fold bool) bool {
	low, high := int8(from), int8(to)
	if low > high {
		low, high = high, low
	}
	if fold {
		low, high, c = int8(lower(byte(low))), int8(lower(byte(high))), lower(c)
	}
	return int8(c) >= low && int8(c) <= high
}

func equal(a, b byte, fold bool) bool {
	return a == b || fold && lower(a) == lower(b)
}

// lower returns the small letter for an ASCII capital.
func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
