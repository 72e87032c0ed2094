"""What the verifier of the reading room's writer lets through: a catalogue of lies and of true sentences, scored."""
