"""Property tests here are quick, and say the same on a busy machine."""

from hypothesis import settings

settings.register_profile("unit", deadline=None, max_examples=50)
settings.load_profile("unit")
