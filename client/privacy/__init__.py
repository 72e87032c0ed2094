"""What protects patients in a round and remembers what it cost: budget, pseudonyms, who took part."""
