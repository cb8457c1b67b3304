package config

// encodingGroup holds up to which size a value has the compact one of its two forms.
func encodingGroup() group {
	return group{
		title: "Encodings",
		doc: `
Some values have two forms: a compact one while they are small, and one that stays
fast when they are large. What a client sees of it is OBJECT ENCODING, and the bytes
of a HyperLogLog.

How a hash, a set or a sorted set is kept follows from its bytes alone. Their
parameters decide which encoding is shown, by Redis's rule: what was large once is
shown as large until it is gone.`,
		rows: []*param{
			{
				name:  "hash-max-listpack-entries",
				alias: "hash-max-ziplist-entries",
				value: in(func(v *Values) *int { return &v.HashMaxListpackEntries }, integer(0, maxInt64)),
				def:   "512",
				doc: `
The most fields of a hash that is shown as a listpack, not as a hashtable.
The old name is hash-max-ziplist-entries.`,
			},
			{
				name:  "hash-max-listpack-value",
				alias: "hash-max-ziplist-value",
				value: in(func(v *Values) *int64 { return &v.HashMaxListpackValue }, size(0, maxInt64)),
				def:   "64",
				doc: `
Bytes. The longest field, or value, of a hash that is shown as a listpack.
The old name is hash-max-ziplist-value.`,
			},
			{
				name:  "set-max-intset-entries",
				value: in(func(v *Values) *int { return &v.SetMaxIntsetEntries }, integer(0, maxInt64)),
				def:   "512",
				doc: `
The most members of a set of integers that is shown as an intset.`,
			},
			{
				name:  "zset-max-listpack-entries",
				alias: "zset-max-ziplist-entries",
				value: in(func(v *Values) *int { return &v.ZSetMaxListpackEntries }, integer(0, maxInt64)),
				def:   "128",
				doc: `
The most members of a sorted set that is shown as a listpack, not as a skiplist.
The old name is zset-max-ziplist-entries.`,
			},
			{
				name:  "zset-max-listpack-value",
				alias: "zset-max-ziplist-value",
				value: in(func(v *Values) *int64 { return &v.ZSetMaxListpackValue }, size(0, maxInt64)),
				def:   "64",
				doc: `
Bytes. The longest member of a sorted set that is shown as a listpack.
The old name is zset-max-ziplist-value.`,
			},
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
