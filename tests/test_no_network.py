"""Without --download nothing leaves the machine: watched inside the interpreter, in every process that is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Python runs a module of this name before anything else, in worker processes, too.
WATCH = """
import os, sys

def hook(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
                 "socket.gethostbyname", "urllib.Request"):
        if event == "socket.connect" and isinstance(arguments[1], (str, bytes)):
            return  # between processes of this machine
        if event == "socket.bind" and arguments[1][0] == "::1":
            return  # urllib3 finds out by it whether there is IPv6
        with open(os.environ["NETWORK_LOG"], "a") as log:
            log.write(f"{event} {arguments[1:]}\\n")
        raise ConnectionRefusedError(f"{event} {arguments[1:]}")

sys.addaudithook(hook)
"""

#: From training to a report, with a worker process, which a time limit asks for, and what people look at before.
WHOLE = """
import benchmark
from benchmark.planning import speed
speed.PROBE_SECONDS = 0.001  # nobody asks how fast this machine is
if __name__ == "__main__":
    settings = ["epochs=1", "batch_size=256", "threats.linf.steps=1", "validation.images=50", "validation.steps=1"]
    zoo = benchmark.train("at", set=settings, out="zoo", progress=False)
    (found,) = benchmark.evaluate(
        zoo, suite="smoke", n=10, results="results", time_limit=600, save_adversarial=True, progress=False
    )
    assert not found.failures
    assert benchmark.verify("results", zoo)
    assert benchmark.report(results="results", out="reports").exists()
    for kind in ("methods", "attacks", "suites", "recipes", "datasets", "architectures", "papers"):
        assert benchmark.list(kind)
    assert benchmark.paper("mat", table="5", dry_run=True, zoo="zoo", results="results", out="reports").jobs
    benchmark.doctor(results="results", zoo="zoo")
"""

#: What lies elsewhere: a network, or a dataset whose name begins with "data ".
ELSEWHERE = [
    "robustbench:Carmon2019Unlabeled",
    "robustbench:cifar100/Linf/Rebuffi2021Fixing_70_16_cutmix_ddpm",
    "torchvision:resnet18",
    "timm:resnet18",
    *(f"data {name}" for name in ("cifar10", "cifar100", "mnist", "fashion-mnist", "svhn")),
]

REFUSED = f"""
import json
import benchmark
from benchmark.data import load
said = {{}}
for name in {ELSEWHERE}:
    try:
        load(name[5:]) if name.startswith("data ") else benchmark.load_model(name)
    except benchmark.BadInput as error:
        said[name] = str(error)
print(json.dumps(said))
"""


@pytest.fixture
def watched(tmp_path):
    """Runs a program in an empty folder, watched; gives what it printed and what it did on the network."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    log, home = tmp_path / "log", tmp_path / "home"
    log.touch()
    home.mkdir()

    def run(program: str) -> tuple[str, list[str]]:
        path = home / "program.py"
        path.write_text(program)
        env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("HF_")},
            "PYTHONPATH": f"{tmp_path / 'watch'}{os.pathsep}{ROOT}",
            "NETWORK_LOG": str(log),
            "OMP_NUM_THREADS": "1",
            "HOME": str(home),
            "TORCH_HOME": str(home),
            "BENCHMARK_DATA": str(home / "data"),
        }
        done = subprocess.run(
            [sys.executable, str(path)], cwd=home, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, log.read_text().splitlines()

    return run


def test_the_watch_sees_what_leaves(watched):
    calls = ["create_connection(('127.0.0.1', 9))", "getaddrinfo('example.org', 80)", "gethostbyname('example.org')"]
    lines = [f"try: socket.{call}\nexcept ConnectionRefusedError: pass\nelse: raise SystemExit(1)" for call in calls]
    _, seen = watched("import socket\n" + "\n".join(lines))
    assert [line.split()[0] for line in seen] == ["socket.getaddrinfo", "socket.getaddrinfo", "socket.gethostbyname"]


def test_from_training_to_the_report_nothing_leaves(watched):
    assert watched(WHOLE)[1] == []


def test_what_lies_elsewhere_is_not_fetched_but_explained(watched):
    if not (find_spec("robustbench") and find_spec("timm")):
        pytest.skip("needs the extra robustbench")
    out, seen = watched(REFUSED)
    said = json.loads(out)
    assert seen == []
    assert list(said) == ELSEWHERE
    assert all("pass --download to fetch" in message for message in said.values())
