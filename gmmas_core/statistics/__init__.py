"""What a hospital counts about its patients before anything is trained, and what of it may be told.

`form` says which tables there are, `patient` and `measure` fill them, `suppress` and `noise` make them fit to leave.
"""
