"""Every curl line of the documents, run as it stands against a server of the sample shop."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from visrec.server.app import create_app
from visrec.server.keys import Keys
from visrec.server.settings import ServerSettings
from visrec.workspace.workspace import Workspace

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)


def curl_lines(document: Path) -> list[str]:
    """The commands that begin with curl, each with the lines that go on from it."""
    joined = "\n".join(_BLOCK.findall(document.read_text("utf-8"))).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.startswith("curl ")]


@pytest.fixture
def served(shop, tmp_path):
    """The sample shop with the item and the files that the documents name, served; gives its host and port."""
    pictures = [Path(row["path"]) for row in Workspace.open(shop).catalogue.images().to_pylist()[:2]]
    for name, picture in zip(("photo.jpg", "vase.jpg"), pictures, strict=True):
        shutil.copy(picture, tmp_path / name)
    workspace = Workspace.open(shop)
    workspace.put_items([{"item_id": "0156-lamp", "title": "Lamp"}], {"0156-lamp": pictures[0].read_bytes()})
    server = uvicorn.Server(uvicorn.Config(create_app(workspace, ServerSettings()), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def run(line: str, address: str, folder: Path, **more: str) -> object:
    assert "127.0.0.1:8765" in line
    command = line.replace("127.0.0.1:8765", address).replace(
        "curl ", "curl --silent --show-error --fail-with-body ", 1
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_the_documents_show_curl_and_the_same_lines():
    shown = {document.name: [line.partition("  #")[0] for line in curl_lines(document)] for document in DOCUMENTS}
    assert len(shown["README.md"]) >= 9
    assert shown["README.md"] == shown["README.zh.md"]


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if curl_lines(path)], ids=lambda path: path.name)
def test_every_curl_line_runs(document, served, shop, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    answers = [(line, run(line, served, tmp_path, KEY="")) for line in curl_lines(document) if "$KEY" not in line]
    told = {}
    for line, answer in answers:
        route = re.search(r"/v1/[^\s\"?]+", line).group()
        told["DELETE " + route if "DELETE" in line else route] = answer
    assert len(told["/v1/users/42/recommendations"]["items"]) == 10
    assert told["/v1/feedback"] == {"received": 1, "stored": 1}
    assert told["DELETE /v1/feedback"] == {"removed": 1, "kept": 0}
    assert told["/v1/items/0999-vase/picture"]["new"] == 1
    assert len(told["/v1/query/pictures"]["items"]) == len(told["/v1/recommendations"][0]["items"]) == 5
    # Keys come last: from then on every request needs one.
    key = Keys(shop).add("reader", "read")
    with_key = [run(line, served, tmp_path, KEY=key) for line in curl_lines(document) if "$KEY" in line]
    assert [answer["items"] for answer in with_key] == [86]
    with pytest.raises(AssertionError, match="A key is needed"):
        run(curl_lines(document)[0], served, tmp_path)
