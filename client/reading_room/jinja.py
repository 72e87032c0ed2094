"""Templates of one package of the room: everything escaped, and a name that is not given is an error, not nothing."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def environment_of(package: str) -> Environment:
    """A new environment for the folder `templates` of a package."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
