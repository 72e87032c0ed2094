"""What may pass of a language model's text: nothing that the facts of the case do not say.

The world is closed. Every word is either neutral, or has a meaning that a fact named by its sentence must license with
the same polarity, or stands in the words of that fact; anything else is refused. English only: a text in another
language is refused as a whole, and the template writes it.
"""

from client.reading_room.writer.verifier.problem import Problem as Problem
from client.reading_room.writer.verifier.verify import verify as verify
