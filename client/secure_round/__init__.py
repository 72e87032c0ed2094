"""A hospital's side of a secure sum over messages: what it answers in each phase, and what it keeps between them."""
