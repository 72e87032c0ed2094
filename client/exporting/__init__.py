"""What a hospital takes out by hand: masks for other tools, a model for other programs. None of it is sent anywhere.

An export is a copy on the hospital's own disk that the egress gate does not see and cannot call back. That is why every
export of cases is written down in `<state>/exports.jsonl` before its first file exists.
"""
