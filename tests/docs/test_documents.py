"""What the program can do is in the documents, and what the documents show runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

import visrec
from visrec.cli.main import app
from visrec.encoders.registry import ENCODERS
from visrec.recommenders.registry import RECOMMENDERS
from visrec.sample import draw_shop

ROOT = Path(__file__).parents[2]
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
_BLOCK = re.compile(r"<!-- runs -->\n```(\w+)\n(.*?)```", re.DOTALL)


def _commands(command: object, name: str) -> Iterator[tuple[str, object]]:
    """Every command below a group, by the words that call it."""
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child in children.values():
        yield from _commands(child, f"{name} {child.name}".strip())


COMMANDS = dict(_commands(get_command(app), ""))
#: (language, code) of every fenced block of README.md below a line `<!-- runs -->`.
BLOCKS = _BLOCK.findall(READMES[0].read_text("utf-8"))


@pytest.fixture(scope="module", params=READMES, ids=lambda path: path.name)
def readme(request: pytest.FixtureRequest) -> str:
    return request.param.read_text(encoding="utf-8")


def _row(readme: str, command: str) -> str:
    """The line of the table of commands that is about a command."""
    first = command.split()[0]
    lines = [line for line in readme.splitlines() if line.startswith(f"| `visrec {first}")]
    assert len(lines) == 1, f"expected one line of the table of commands to begin with `visrec {first}`"
    return lines[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_documented(command, readme):
    row = _row(readme, command)
    assert command.split()[-1] in row
    options = [name for parameter in COMMANDS[command].params for name in (*parameter.opts, *parameter.secondary_opts)]
    missing = [name for name in options if name.startswith("-") and name != "--help" and not _names(row, name)]
    assert missing == [], f"options of `visrec {command}` that its line in the README does not name"


def _names(text: str, option: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_explains_itself(command):
    assert COMMANDS[command].help
    assert [parameter.name for parameter in COMMANDS[command].params if not getattr(parameter, "help", "")] == []


def test_what_the_readme_runs_are_commands(readme):
    shown = re.findall(r"^visrec (\S+)(?: (\S+))?", readme, re.MULTILINE)
    assert len(shown) > 10
    for first, second in shown:
        assert first in COMMANDS or f"{first} {second}" in COMMANDS, f"visrec {first} {second}"


def test_every_public_name_is_documented(readme):
    names = [name for name in visrec.__all__ if not name.startswith("__")]
    assert [name for name in names if f"visrec.{name}" not in readme] == []
    for name in names:
        assert getattr(visrec, name).__doc__, name


def test_every_encoder_and_recommender_is_in_its_table(readme):
    for name in [*(name.rstrip(":") for name in ENCODERS), *RECOMMENDERS]:
        assert re.search(rf"^\| `{re.escape(name)}[`:]", readme, re.MULTILINE), name


def test_every_recommender_is_named_by_the_help_of_train():
    named = next(parameter.help for parameter in COMMANDS["train"].params if parameter.name == "model")
    assert sorted(re.findall(r"[a-z][a-z-]+(?=[,;.])", named.replace("for ratings ", ""))) == sorted(RECOMMENDERS)


def test_every_environment_variable_is_documented(readme):
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    variables = set(re.findall(r"VISREC_[A-Z_]*[A-Z]", sources))
    assert {"VISREC_CACHE", "VISREC_OFFLINE"} <= variables
    assert [name for name in sorted(variables) if name not in readme] == []


def test_links_lead_somewhere(readme):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", readme)
    assert len(links) >= 5
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README's examples name, drawn by visrec."""
    folder = tmp_path_factory.mktemp("reader")
    draw_shop(folder, n_items=84, n_users=60)
    return folder


def test_both_readmes_show_the_code_that_is_run(readme):
    assert BLOCKS
    assert [code for _, code in BLOCKS if code not in readme] == []


@pytest.mark.slow
@pytest.mark.parametrize(("language", "code"), BLOCKS)
def test_blocks_marked_runs_run(language, code, sample, tmp_path):
    for name in ("items.csv", "interactions.csv", "images"):
        (tmp_path / name).symlink_to(sample / name)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = {"python": [sys.executable, "-W", "error", "-c", code], "bash": ["bash", "-euo", "pipefail", "-c", code]}
    done = subprocess.run(command[language], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout
