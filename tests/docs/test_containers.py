"""The Dockerfile and compose.yaml, read as closely as can be without an engine that runs them."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from visrec.cli.main import app
from visrec.server.app import create_app
from visrec.workspace.workspace import Workspace

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE_TEXT = (ROOT / "compose.yaml").read_text("utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
SERVICES = COMPOSE["services"]
SERVERS = [name for name, service in SERVICES.items() if "build" in service]


def instructions(name: str) -> list[str]:
    """The arguments of every instruction of that name, on one line each."""
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    return re.findall(rf"^\s*{name}\s+(.*)$", joined, re.MULTILINE)


def check_command(words: list[str]) -> None:
    """Raise where the command line of visrec does not take these words."""
    group = get_command(app)
    with group.make_context("visrec", list(words), resilient_parsing=False) as context:
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        command.make_context(name, rest, parent=context)


def test_the_dockerfile_has_no_faults():
    if shutil.which("hadolint") is None:
        pytest.skip("no hadolint here: it comes with the extra `dev` on x86-64 Linux")
    done = subprocess.run(["hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_is_there_and_reaches_the_builder():
    sent = (ROOT / ".dockerignore").read_text().split()
    assert sent[0] == "*"
    copied = [word for line in instructions("COPY") if not line.startswith("--from") for word in line.split()[:-1]]
    assert {"src", "pyproject.toml", "constraints.txt"} <= set(copied)
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in sent
    # What the build itself asks for.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= set(copied)
    stages = [line.split(" AS ")[-1] for line in instructions("FROM")]
    assert [line.split()[0] for line in instructions("COPY") if line.startswith("--from")] == [f"--from={stages[0]}"]


def test_the_extras_that_are_installed_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    (wanted,) = re.findall(r"'\.\[([\w,-]+)\]'", DOCKERFILE)
    assert set(wanted.split(",")) <= set(extras)
    assert "torch" in (ROOT / "constraints.txt").read_text()


def test_the_image_is_what_it_says():
    assert instructions("USER") == ["10001"]
    assert "--uid 10001" in instructions("RUN")[-1]
    last = DOCKERFILE.rindex("FROM ")
    assert not re.search(r"pip|apt|gcc|make", re.sub(r"#.*", "", DOCKERFILE[last:]))
    volumes = json.loads(instructions("VOLUME")[0])
    assert all(folder in instructions("RUN")[-1].split() for folder in volumes)
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["visrec"]
    check_command(json.loads(instructions("CMD")[-1]))
    assert f"VISREC_CACHE={volumes[1]}" in instructions("ENV")[-1]


def test_a_command_that_visrec_does_not_take_is_found():
    with pytest.raises(Exception, match="No such option"):
        check_command(["serve", "/shop", "--hots", "0.0.0.0"])


def test_health_is_asked_where_it_is_answered(tmp_path):
    paths = create_app(Workspace.create(tmp_path / "shop")).openapi()["paths"]
    (port,) = instructions("EXPOSE")
    asked = re.findall(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)", instructions("HEALTHCHECK")[0])
    assert asked == [(port, "/health/ready")]
    told = re.findall(r"health_uri (\S+)", COMPOSE_TEXT) + re.findall(r":8080(/[\w/]+)", COMPOSE_TEXT)
    for path in (*(path for _, path in asked), *told):
        assert path in paths
    # The healthcheck of the Dockerfile, as the engine runs it, is Python that compiles.
    words = json.loads(re.search(r"CMD (\[.*\])", instructions("HEALTHCHECK")[0]).group(1))
    assert words[:2] == ["python", "-c"]
    compile(words[2], "HEALTHCHECK", "exec")


def test_the_services_refer_to_what_there_is():
    assert len(SERVERS) == 2
    for service in SERVICES.values():
        depends = service.get("depends_on", [])
        assert set(depends) <= set(SERVICES)
        if isinstance(depends, dict):
            for name, how in depends.items():
                assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[name]
        named = [mount.split(":")[0] for mount in service.get("volumes", []) if not mount.startswith(".")]
        assert set(named) <= set(COMPOSE["volumes"])
        assert {one["source"] for one in service.get("configs", [])} <= set(COMPOSE["configs"])
    used = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert set(COMPOSE["volumes"]) <= set(used)
    targets = [mount.split(":")[1] for mount in SERVICES[SERVERS[0]]["volumes"]]
    assert set(json.loads(instructions("VOLUME")[0])) <= set(targets)
    (port,) = instructions("EXPOSE")
    (upstreams,) = re.findall(r"reverse_proxy (.*) \{", COMPOSE["configs"]["proxy"]["content"])
    assert upstreams.split() == [f"{name}:{port}" for name in SERVERS]


def test_the_commands_and_variables_exist():
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    for name in SERVERS:
        check_command(SERVICES[name]["command"])
        for variable in SERVICES[name]["environment"]:
            assert variable in ("PGPASSWORD",) or f'"{variable}"' in sources, variable
    shown = re.findall(r"docker compose run --rm (\S+) (.*?)(?:  +#.*)?$", COMPOSE_TEXT, re.MULTILINE)
    assert {words.split()[0] for _, words in shown} == {"build", "keys"}
    for service, words in shown:
        assert service in SERVERS
        check_command(shlex.split(words))


def test_the_servers_know_the_database_by_the_name_and_user_that_it_has():
    url = SERVICES[SERVERS[0]]["environment"]["VISREC_EVENTS_URL"]
    user, host, database = re.fullmatch(r"postgresql://(\w+)@(\w+)/(\w+)", url).groups()
    settings = SERVICES[host]["environment"]
    assert (settings["POSTGRES_USER"], settings["POSTGRES_DB"]) == (user, database)
    assert SERVICES[host]["healthcheck"]["test"][-3:] == [user, "--dbname", database]


def test_no_secret_is_written_down():
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if "PASS" in name:
                assert re.fullmatch(r"\$\{\w+:\?[^}]*\}", value)
    assert not re.search(r"^(ARG|ENV).*(PASS|KEY|TOKEN|SECRET)", DOCKERFILE, re.MULTILINE)
    # The database is reached by the servers alone, and the proxy from this machine.
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["proxy"]["ports"])
