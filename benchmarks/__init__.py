"""One script a claim; each runs ours and its peer in the same run and prints figures and ratios."""
