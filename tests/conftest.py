"""What holds for all tests: none fails for being slow, since machines may be busy."""

import pytest
from hypothesis import settings

settings.register_profile("untimed", parent=settings.default, deadline=None)
settings.load_profile("untimed")

#: Seconds after which a slow test counts as hanging; what the others have is set in pyproject.toml.
HANGING = 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(HANGING))
