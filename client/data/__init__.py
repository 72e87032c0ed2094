"""A site's cases: where they come from, the first table, and the prepared cache."""
