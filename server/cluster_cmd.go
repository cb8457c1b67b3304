package server

// clusterCommands returns the rows of cluster mode, which answer as Redis does without cluster-enabled.
func clusterCommands() []*Command {
	return []*Command{
		{
			Name: "cluster", Arity: -2,
			Categories: CatSlow, Group: "cluster", Since: "3.0.0", Complexity: "Depends on subcommand.",
			Summary: "A container for the commands of cluster mode.",
			Sub:     clusterSubcommands(),
		},
		clusterConnectionRow("asking", FlagFast, "Lets the next command use a slot that is being imported."),
		clusterConnectionRow("readonly", FlagLoading|FlagStale|FlagFast, "Lets the connection read from a replica."),
		clusterConnectionRow("readwrite", FlagLoading|FlagStale|FlagFast, "Ends READONLY."),
	}
}

// clusterDisabled is what all of them run.
func clusterDisabled(*Call) error { return errClusterDisabled }

// clusterConnectionRow returns the row of a command that changes how the connection is served.
func clusterConnectionRow(name string, flags Flag, summary string) *Command {
	return &Command{
		Name: name, Arity: 1, Flags: flags, Categories: CatFast | CatConnection, Group: "cluster", Since: "3.0.0", Complexity: "O(1)",
		Summary: summary, Run: clusterDisabled,
	}
}

// clusterSubcommands returns the rows of CLUSTER's subcommands, HELP among them: in Redis it is disabled with the rest.
func clusterSubcommands() []*Command {
	help := helpRow("5.0.0", CatSlow)
	help.Group, help.Run = "cluster", clusterDisabled
	rows := []*Command{help}
	for _, row := range clusterTopologyRows() {
		rows = append(rows, completeClusterRow(row, FlagStale, CatSlow))
	}
	for _, row := range clusterNodeRows() {
		rows = append(rows, completeClusterRow(row, FlagAdmin|FlagStale, CatAdmin|CatSlow|CatDangerous))
	}
	for _, row := range clusterChangeRows() {
		rows = append(rows, completeClusterRow(row, FlagAdmin|FlagStale|FlagNoAsyncLoading, CatAdmin|CatSlow|CatDangerous))
	}
	return rows
}

// completeClusterRow fills in what the rows of a list have in common.
func completeClusterRow(row *Command, flags Flag, categories Category) *Command {
	row.Flags |= flags
	row.Categories, row.Group, row.Run = categories, "cluster", clusterDisabled
	if row.Since == "" {
		row.Since = "3.0.0"
	}
	if row.Complexity == "" {
		row.Complexity = "O(1)"
	}
	return row
}

// nondeterministic is the tip of commands whose replies differ from node to node, or from time to time.
const nondeterministic = "nondeterministic_output"

// clusterTopologyRows are what clients ask.
func clusterTopologyRows() []*Command {
	const perNode = "O(N) where N is the total number of Cluster nodes"
	tips := []string{nondeterministic}
	slot := Arg{Name: "slot", Type: ArgInteger}
	return []*Command{
		{Name: "countkeysinslot", Arity: 3, Args: []Arg{slot}, Summary: "Counts the keys of a hash slot."},
		{
			Name: "getkeysinslot", Arity: 4, Args: []Arg{slot, {Name: "count", Type: ArgInteger}}, Tips: tips,
			Complexity: "O(log(N)) where N is the number of requested keys", Summary: "Returns names of keys in a hash slot.",
		},
		{Name: "info", Arity: 2, Tips: tips, Summary: "Tells how the cluster is."},
		{
			Name: "keyslot", Arity: 3, Args: []Arg{{Name: "key"}}, Complexity: "O(N) where N is the number of bytes in the key",
			Summary: "Computes the hash slot of a key.",
		},
		{Name: "links", Arity: 2, Since: "7.0.0", Tips: tips, Complexity: perNode, Summary: "Lists the connections between this node and its peers."},
		{Name: "myid", Arity: 2, Summary: "Returns the id of this node."},
		{Name: "nodes", Arity: 2, Tips: tips, Complexity: perNode, Summary: "Lists all nodes as this one knows them."},
		{
			Name: "shards", Arity: 2, Since: "7.0.0", Tips: tips, Complexity: "O(N) where N is the total number of cluster nodes",
			Summary: "Tells which nodes have which hash slots, by shard.",
		},
		{
			Name: "slots", Arity: 2, Tips: tips, Complexity: perNode, Summary: "Tells which nodes have which hash slots, by range of slots.",
			DocFlags: []string{"deprecated"}, Deprecated: "7.0.0", ReplacedBy: "`CLUSTER SHARDS`",
		},
	}
}

// clusterNodeRows are what operators ask of one node, and RESET.
func clusterNodeRows() []*Command {
	node := []Arg{{Name: "node-id"}}
	tips := []string{nondeterministic}
	return []*Command{
		{
			Name: "count-failure-reports", Arity: 3, Args: node, Tips: tips, Complexity: "O(N) where N is the number of failure reports",
			Summary: "Counts the nodes that report a node as failing.",
		},
		{Name: "replicas", Arity: 3, Args: node, Since: "5.0.0", Tips: tips, Summary: "Lists the replicas of a node."},
		{
			Name: "reset", Arity: -2, Flags: FlagNoscript, Args: []Arg{{Name: "hard_soft", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "hard", Type: ArgPureToken, Token: "HARD"}, {Name: "soft", Type: ArgPureToken, Token: "SOFT"},
			}}},
			Complexity: "O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side effect.",
			Summary:    "Has the node forget the cluster.",
		},
		{
			Name: "slaves", Arity: 3, Args: node, Tips: tips, Summary: "Lists the replicas of a node.",
			DocFlags: []string{"deprecated"}, Deprecated: "5.0.0", ReplacedBy: "`CLUSTER REPLICAS`",
		},
	}
}

// clusterChangeRows are what changes the cluster.
func clusterChangeRows() []*Command {
	const (
		perSlot  = "O(N) where N is the total number of hash slot arguments"
		perRange = "O(N) where N is the total number of the slots between the start slot and end slot arguments."
	)
	node := []Arg{{Name: "node-id"}}
	slots := []Arg{{Name: "slot", Type: ArgInteger, Flags: ArgMultiple}}
	ranges := []Arg{{Name: "start-slot_end-slot", Type: ArgBlock, Flags: ArgMultiple, Sub: []Arg{
		{Name: "start-slot", Type: ArgInteger}, {Name: "end-slot", Type: ArgInteger},
	}}}
	return []*Command{
		{Name: "addslots", Arity: -3, Args: slots, Complexity: perSlot, Summary: "Gives hash slots to this node."},
		{Name: "addslotsrange", Arity: -4, Since: "7.0.0", Args: ranges, Complexity: perRange, Summary: "Gives ranges of hash slots to this node."},
		{Name: "bumpepoch", Arity: 2, Tips: []string{nondeterministic}, Summary: "Raises the epoch of the node's configuration."},
		{Name: "delslots", Arity: -3, Args: slots, Complexity: perSlot, Summary: "Has this node consider hash slots as nobody's."},
		{Name: "delslotsrange", Arity: -4, Since: "7.0.0", Args: ranges, Complexity: perRange, Summary: "Has this node consider ranges of hash slots as nobody's."},
		{
			Name: "failover", Arity: -2, Args: []Arg{{Name: "options", Type: ArgOneOf, Flags: ArgOptional, Sub: []Arg{
				{Name: "force", Type: ArgPureToken, Token: "FORCE"}, {Name: "takeover", Type: ArgPureToken, Token: "TAKEOVER"},
			}}},
			Summary: "Has this replica take the place of its primary.",
		},
		{Name: "flushslots", Arity: 2, Summary: "Takes all hash slots from this node."},
		{Name: "forget", Arity: 3, Args: node, Summary: "Removes a node from the table of nodes."},
		{
			Name: "meet", Arity: -4, Args: []Arg{
				{Name: "ip"},
				{Name: "port", Type: ArgInteger},
				{Name: "cluster_bus_port", Type: ArgInteger, Since: "4.0.0", Flags: ArgOptional},
			},
			Summary: "Introduces another node.",
		},
		{Name: "replicate", Arity: 3, Args: node, Summary: "Makes this node a replica of another."},
		{Name: "saveconfig", Arity: 2, Summary: "Writes the state of the cluster to the disk."},
		{Name: "set-config-epoch", Arity: 3, Args: []Arg{{Name: "config-epoch", Type: ArgInteger}}, Summary: "Sets the epoch of a new node's configuration."},
		{
			Name: "setslot", Arity: -4, Args: []Arg{{Name: "slot", Type: ArgInteger}, {Name: "subcommand", Type: ArgOneOf, Sub: []Arg{
				{Name: "node-id", Token: "IMPORTING"},
				{Name: "node-id", Token: "MIGRATING"},
				{Name: "node-id", Token: "NODE"},
				{Name: "stable", Type: ArgPureToken, Token: "STABLE"},
			}}},
			Summary: "Gives a hash slot to a node, or begins or ends its migration.",
		},
	}
}
