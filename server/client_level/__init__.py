"""Differential privacy of a whole hospital: clipped changes, noise on their sum, and what that costs."""
