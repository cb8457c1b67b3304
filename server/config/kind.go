package config

import (
	"strings"
)

// kind turns the words of one parameter into its value inside a Values, and
// back. A kind is a pointer, so that it can serve as a key.
type kind interface {
	// set parses words and stores the value in v. Its error is the sentence
	// that Redis puts after the dash in the reply to CONFIG SET.
	set(v *Values, words []string) error
	// get returns the value as CONFIG GET shows it.
	get(v *Values) string
	// lines returns what has to follow the name, on each line of a file, for
	// the value to be read back; never empty.
	lines(v *Values) []string
	// list reports whether the value is a list of words rather than one.
	list() bool
}

// form is the pure half of a kind: how a T is written. T's that are slices are
// never modified in place.
type form[T any] struct {
	// parse reads the words; old is the value that is being replaced, for the
	// few whose lines change only a part of it.
	parse func(words []string, old T) (T, error)
	// text is the value as CONFIG GET shows it.
	text func(T) string
	// lines is the value as a file spells it; nil if that is text, quoted
	// where it must be.
	lines func(T) []string
	// list says that parse takes any number of words rather than just one.
	list bool
}

// bound is a form whose value lives in a field of Values.
type bound[T any] struct {
	form[T]
	field func(*Values) *T
}

// in binds a form to the field that it fills.
func in[T any](field func(*Values) *T, f form[T]) kind {
	return &bound[T]{form: f, field: field}
}

func (b *bound[T]) set(v *Values, words []string) error {
	value, err := b.read(words, *b.field(v))
	if err != nil {
		return err
	}
	*b.field(v) = value
	return nil
}

func (b *bound[T]) get(v *Values) string     { return b.text(*b.field(v)) }
func (b *bound[T]) lines(v *Values) []string { return b.write(*b.field(v)) }
func (b *bound[T]) list() bool               { return b.form.list }

// kept is a form whose value is remembered and shown, and used by nobody.
type kept[T any] struct {
	form[T]
}

// keep makes the kind of a parameter that is accepted without a meaning.
func keep[T any](f form[T]) kind {
	return &kept[T]{form: f}
}

func (k *kept[T]) value(v *Values) T {
	value, _ := v.accepted[k].(T)
	return value
}

func (k *kept[T]) set(v *Values, words []string) error {
	value, err := k.read(words, k.value(v))
	if err != nil {
		return err
	}
	v.accepted[k] = value
	return nil
}

func (k *kept[T]) get(v *Values) string     { return k.text(k.value(v)) }
func (k *kept[T]) lines(v *Values) []string { return k.write(k.value(v)) }
func (k *kept[T]) list() bool               { return k.form.list }

func (f form[T]) read(words []string, old T) (T, error) {
	if !f.list && len(words) != 1 {
		return old, errWordCount
	}
	return f.parse(words, old)
}

func (f form[T]) write(value T) []string {
	if f.lines != nil {
		return f.lines(value)
	}
	return []string{quoteWord(f.text(value))}
}

// one makes the form of a parameter that is a single word.
func one[T any](parse func(word string) (T, error), text func(T) string) form[T] {
	return form[T]{
		parse: func(words []string, _ T) (T, error) { return parse(words[0]) },
		text:  text,
	}
}

// splitValue cuts the value given to CONFIG SET into the words of k. Lists are
// cut at every single space, so that a doubled space makes an empty word, which
// is then refused: that is Redis's rule.
func splitValue(k kind, value string) []string {
	switch {
	case !k.list():
		return []string{value}
	case value == "":
		return nil
	default:
		return strings.Split(value, " ")
	}
}
