"""What a researcher types, beside `bench` and `study`: files with `register(app)`."""
