"""Many updates become one: exact sums, order-independent, on disk or streaming."""
