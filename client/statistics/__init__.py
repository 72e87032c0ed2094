"""This hospital's statistics: counted here, and told only as its own policy allows."""
