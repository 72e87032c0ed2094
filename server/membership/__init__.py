"""Who belongs to the federation, and whether a node is who it says."""
