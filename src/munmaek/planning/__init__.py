"""Options that a budget chooses, from the data, the machine's speed and measured experiences."""
