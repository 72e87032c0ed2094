"""Every command line of this project that a page quotes exists: the command, its options, its arguments.

In code blocks whole lines are parsed as the program would parse them; in running text, where they may be abbreviated,
command and options must be known.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import typer

import client.cli
import server.cli
import server.lab.cli

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ("*.md", "deploy/**/*.md", "client/**/*.md", "server/*.md", "gmmas_core/*.md")
PAGES = [path for pattern in PATTERNS for path in sorted(ROOT.glob(pattern)) if path.name != "CHANGELOG.md"]
APPS = {"gmmas-coordinator": server.cli.app, "gmmas-site": client.cli.app, "gmmas-lab": server.lab.cli.app}
IMAGES = {"gmmas-server": "gmmas-coordinator", "gmmas-site": "gmmas-site"}
SERVICES = {"server": "gmmas-coordinator"} | dict.fromkeys(("east", "north", "south", "node"), "gmmas-site")
BEFORE = {"do", "then", "else", "if", "while", "!", "exec", "nohup", "sudo", "time"}
ENDS = set("|&;<>()")


def blocks(page: str) -> Iterator[str]:
    """A page's shell code, without the texts that it writes into files."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", page, re.M | re.S):
        if language in ("", "sh", "bash", "shell", "console"):
            yield re.sub(r"<<-?\s*['\"]?(\w+)['\"]?(.*\n)[\s\S]*?^\1$", r"\2", block, flags=re.M)


def simple_commands(block: str) -> Iterator[list[str]]:
    """The words of every command, without what the shell does with it."""
    for line in block.replace("\\\n", " ").splitlines():
        if not re.search("gmmas-|docker|podman", line):  # among them what programs print, which need not be shell
            continue
        line = re.sub(r"<([\w -]+)>", "PLACEHOLDER", line.removeprefix("$ "))
        words: list[str] = []
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        for word in lexer:
            if set(word) <= ENDS:
                yield words
                words = []
            else:
                words.append(word)
        yield words


def own(words: Sequence[str]) -> list[str] | None:
    """A command line of this project within a command: by itself, in a pod or container, or by an image's name."""
    rest = list(words)
    while rest and (rest[0] in BEFORE or re.fullmatch(r"\w+=.*", rest[0])):
        rest.pop(0)
    if not rest:
        return None
    if Path(rest[0]).name in APPS:
        return [Path(rest[0]).name, *rest[1:]]
    if rest[0] == "kubectl" and "--" in rest:
        return own(rest[rest.index("--") + 1 :])
    if rest[0] in ("docker", "podman"):
        return _in_container(rest)
    return None


def _in_container(words: Sequence[str]) -> list[str] | None:
    """Of `docker` or `podman` `exec` and `run`, with or without compose."""
    if "exec" in words:
        named = [place for place, word in enumerate(words) if place > words.index("exec") and not word.startswith("-")]
        return own(words[named[0] + 1 :]) if named else None
    if "run" in words and "--entrypoint" not in words:
        for place, word in enumerate(words[words.index("run") :], start=words.index("run") + 1):
            image, tagged, _ = word.rpartition("/")[2].partition(":")
            program = IMAGES.get(image) if tagged else SERVICES.get(word) if "compose" in words else None
            if program is not None:
                return [program, *words[place:]]
    return None


def quoted() -> Iterator[Any]:
    """Every command line in a code block."""
    for page in PAGES:
        for block in blocks(page.read_text()):
            for words in simple_commands(block):
                line = own(words)
                if line is not None and len(line) > 1:
                    yield pytest.param(line, id=f"{page.relative_to(ROOT)}: {' '.join(line)}")


def mentioned() -> Iterator[Any]:
    """Every command line in running text, a table included."""
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
        for span in re.findall(r"`([^`]+)`", text):
            line = re.search(r"(?:^|.* )(gmmas-(?:coordinator|site|lab) [a-z].*)", " ".join(span.split()))
            if line is not None:
                yield pytest.param(line[1], id=f"{page.relative_to(ROOT)}: {line[1]}")


@pytest.mark.parametrize("line", quoted())
def test_a_quoted_command_line_can_be_typed(parse: Any, line: list[str]) -> None:
    parse(line)


@pytest.mark.parametrize("line", mentioned())
def test_a_mentioned_command_has_these_options(line: str) -> None:
    program, *words = re.sub(r" [|&;<>].*", "", line).split()
    command: click.Command = typer.main.get_command(APPS[program])
    while isinstance(command, click.Group) and words:
        assert words[0] in command.commands
        command = command.commands[words.pop(0)]
    known = {name for option in command.params for name in option.opts} | {"--help"}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_the_pages_quote_commands() -> None:
    pages = [str(each.id).partition(":")[0] for each in quoted()]
    assert min(pages.count(page) for page in ("README.md", "deploy/kubernetes.md", "deploy/podman.md")) >= 5


@pytest.mark.parametrize("line", ["gmmas-coordinator health /federation", "gmmas-site health /site"])
def test_what_probes_call_exists(parse: Any, line: str) -> None:
    parse(line.split())


@pytest.mark.parametrize(
    "line",
    ["gmmas-site chek north", "gmmas-site check north --conect", "gmmas-site check", "gmmas-lab bench everything x"],
)
def test_a_command_line_that_does_not_exist_is_refused(parse: Any, line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(line.split())


@pytest.mark.parametrize(
    ("shell", "lines"),
    [
        (
            "A=1 gmmas-site check north --connect > a.txt 2>&1 && echo done  # why",
            ["gmmas-site check north --connect"],
        ),
        ("cat > a.yaml <<'X'\ngmmas-site nonsense\nX\ngmmas-site audit \\\n  north", ["gmmas-site audit north"]),
        ("helm install gmmas-site deploy/helm/gmmas-site", []),
        ("kubectl exec deploy/gmmas-site -c site -- gmmas-site check /site", ["gmmas-site check /site"]),
        ("podman exec -it gmmas-site gmmas-site check /site", ["gmmas-site check /site"]),
        ("podman run --rm -v a:/site x/gmmas-server:1 list", ["gmmas-coordinator list"]),
        ("docker compose -f x.yaml run --rm east check /site | head", ["gmmas-site check /site"]),
        ("for x in a b; do .venv/bin/gmmas-lab demo; done", ["gmmas-lab demo"]),
        ("gmmas-coordinator report runs/<run>", ["gmmas-coordinator report runs/PLACEHOLDER"]),
    ],
)
def test_command_lines_are_found_in_shell_code(shell: str, lines: list[str]) -> None:
    (block,) = blocks(f"```sh\n{shell}\n```\n")
    found = [own(words) for words in simple_commands(block)]
    assert [" ".join(line) for line in found if line is not None] == lines
