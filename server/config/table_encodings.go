package config

// encodingGroup holds up to which size a value has the compact one of its two forms.
func encodingGroup() group {
	return group{
		title: "Encodings",
		doc: `
Some values have two forms: a compact one while they are small, and one that stays
fast when they are large. What a client sees of it is OBJECT ENCODING, and the bytes
of a HyperLogLog.`,
		rows: []*param{
			{
				name:  "hll-sparse-max-bytes",
				value: in(func(v *Values) *int64 { return &v.HLLSparseMaxBytes }, size(0, maxInt64)),
				def:   "3000",
				doc: `
Bytes. A HyperLogLog that would grow beyond this becomes dense: 12304 bytes, in which
adding takes the same time whatever it holds. Beyond 16000 the sparse form is larger
than the dense one, and slow.`,
			},
		},
	}
}
