"""What other packages announce is read once, and anew as soon as one was installed."""

from __future__ import annotations

import os

from benchmark.registry import entry_points


def test_what_is_installed_meanwhile_is_found(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    os.utime(tmp_path, (0, 0))  # clocks of file systems may be slower than this test
    assert not entry_points("benchmark.nothings")
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[benchmark.nothings]\nthing = json:loads\n")
    assert [each.name for each in entry_points("benchmark.nothings")] == ["thing"]
    os.utime(tmp_path, (1, 1))
    assert entry_points("benchmark.nothings")
    info.rename(tmp_path / "gone")
    assert not entry_points("benchmark.nothings")
