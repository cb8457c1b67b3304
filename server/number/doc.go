// Package number reads and writes numbers by Redis's rules. A counter server lives by them: whether "007" is a
// counter, what 10.5 and 0.1 add up to, and how the sum is spelled decide whether a program that ran on Redis
// runs here. Every rule is proved against a real redis-server by the package's tests.
//
// Redis has three kinds of number. Integers are strict: one spelling for each, so that the text can be thrown
// away and made again. Floating point arguments are whatever C's strtod takes, for scores in 64 bits and for
// INCRBYFLOAT and HINCRBYFLOAT in the 80 bits of x86's long double. Sizes of memory are digits with a unit.
//
// # Decisions
//
//   - The syntax of floating point is scanned here and never left to strconv or math/big, whose grammars are
//     wider (underscores, 0b, 0o) and narrower (0x1A without an exponent) than C's.
//   - LongDouble is math/big at 64 bits of precision: the same mantissa and rounding as the hardware's, so sums
//     are equal to the last bit. Its denormals keep full precision, which cannot be seen: they are smaller than
//     1e-4931, and seventeen decimals are written.
//   - Conversion from decimal does not use big.Float.Parse, which can be off by the last bit. It is one exactly
//     rounded division or multiplication of integers.
//   - Where Redis saturates or wraps around on a memory size beyond 64 bits, and takes a unit without digits for
//     zero, ParseMemory refuses.
package number
