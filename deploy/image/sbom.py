"""Writes the bill of materials of the image it runs in, CycloneDX 1.5: every Python and every Debian package.

    python sbom.py OUT.json [DPKG_STATUS]

Standard library only, because it runs at the end of the build, in an image without tools. Python packages are those
whose metadata this interpreter finds; Debian packages are those that dpkg's status file calls installed.
"""

import json
import platform
import sys
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

STATUS = Path("/var/lib/dpkg/status")
PROJECT = "gmmas-fed"


def main() -> None:
    """Write the file named on the command line."""
    status = Path(sys.argv[2]) if len(sys.argv) > 2 else STATUS
    Path(sys.argv[1]).write_text(json.dumps(bill(status), indent=1, sort_keys=True) + "\n")


def bill(status: Path) -> dict[str, Any]:
    """The document; the same packages give the same document.

    Args:
        status: dpkg's list of packages, or a path where there is none.
    """
    components = [*python_packages(), *debian_packages(status), interpreter()]
    components.sort(key=lambda component: component["purl"])
    listed = json.dumps(components, sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, listed)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": PROJECT,
                "name": PROJECT,
                "version": metadata.version(PROJECT),
            }
        },
        "components": components,
    }


def python_packages() -> Iterator[dict[str, Any]]:
    """One component for each distribution but the project's own."""
    for package in metadata.distributions():
        name = package.metadata["Name"].lower().replace("_", "-").replace(".", "-")
        if name == PROJECT:
            continue
        found = component(f"pkg:pypi/{name}@{quote(package.version)}", name, package.version)
        licence = package.metadata.get("License-Expression")
        yield found | ({"licenses": [{"expression": licence}]} if licence else {})


def debian_packages(status: Path) -> Iterator[dict[str, Any]]:
    """One component for each installed package."""
    paragraphs = status.read_text(errors="replace").split("\n\n") if status.is_file() else []
    for paragraph in paragraphs:
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version, kind = fields["Package"], fields["Version"], fields["Architecture"]
        yield component(f"pkg:deb/debian/{name}@{quote(version)}?arch={kind}", name, version)


def interpreter() -> dict[str, Any]:
    """Python itself, which no package manager knows of."""
    version = platform.python_version()
    return component(f"pkg:generic/python@{version}", "python", version)


def component(purl: str, name: str, version: str) -> dict[str, Any]:
    """One library, as CycloneDX writes it."""
    return {"type": "library", "bom-ref": purl, "purl": purl, "name": name, "version": version}


if __name__ == "__main__":
    main()
