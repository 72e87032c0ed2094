"""Failure drills: a real closed federation in network namespaces, disturbed on purpose and judged."""
