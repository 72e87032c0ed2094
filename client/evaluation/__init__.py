"""A model on the hospital's own cases, and the report that never leaves."""
