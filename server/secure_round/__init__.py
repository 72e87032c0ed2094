"""A round whose updates the coordinator never sees: only their sum."""
