"""The end of a run: which round, is it good enough, and the signed release."""
