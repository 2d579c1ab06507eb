"""What the README shows of evaluating one's own network runs as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from benchmark import cli
from benchmark.ledger import load_results

ROOT = Path(__file__).parent.parent
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("## Evaluate your own network")[1].split("\n## ")[0]

#: What the reader has.
MY_CODE = """
import torch
from torch import nn

def make_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

model = make_model()
x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
y = model(x).argmax(1)
"""


@pytest.mark.usefixtures("one_thread")
@pytest.mark.timeout(300)
def test_the_section_runs_as_it_stands_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("my_code.py").write_text(MY_CODE)
    (code,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    shown: dict[str, object] = {}
    exec(code, shown)
    assert Path("reports/index.html").is_file()
    adversarial, success, distance = (shown[name] for name in ("adversarial", "success", "distance"))
    assert adversarial.shape == shown["x"].shape
    assert (distance[success] <= 8 / 255 + 1e-6).all()
    (found,) = load_results("results")
    assert (found.name, found.dataset["name"], found.failures) == ("my-network", "mine", ())

    np.savez("test.npz", images=shown["x"].numpy(), labels=shown["y"].numpy(), classes=np.array([*"0123456789"]))
    own, published, *_ = re.findall(r"\$ bench (.*)", SECTION)
    with pytest.raises(SystemExit) as ended:
        cli.main(shlex.split(own))
    assert not ended.value.code
    assert len(load_results("results")) == 2
    with pytest.raises(SystemExit) as ended:  # its images are not here
        cli.main(shlex.split(published.replace(" --download", "")))
    assert ended.value.code == 2
    assert "torchvision:resnet50" in capsys.readouterr().err
