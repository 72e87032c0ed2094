"""What is said of a case in sentences: facts, a deterministic writer, and a language model that is checked."""
