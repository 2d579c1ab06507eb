"""What holds for all tests: none fails for being slow, since machines may be busy."""

from hypothesis import settings

settings.register_profile("untimed", parent=settings.default, deadline=None)
settings.load_profile("untimed")
