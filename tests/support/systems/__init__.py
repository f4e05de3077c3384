"""Systems other than the one at hand, and which promises need which."""
