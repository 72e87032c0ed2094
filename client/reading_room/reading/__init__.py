"""From a queued study to findings: one worker, which reads one study after the other with the room's model."""
