"""What the system at hand has, asked as the product asks: by what is there, not by its name."""

import os

import pytest

HAS_FOLDER_DESCRIPTORS = hasattr(os, "O_DIRECTORY")
HAS_PIPES_WITH_NAMES = hasattr(os, "mkfifo")

# Elsewhere a folder that is in use cannot be moved, and rights are no bits.
posix_only = pytest.mark.skipif(not HAS_FOLDER_DESCRIPTORS, reason="of folders with descriptors")
windows_only = pytest.mark.skipif(HAS_FOLDER_DESCRIPTORS, reason="of folders without descriptors")
needs_named_pipes = pytest.mark.skipif(not HAS_PIPES_WITH_NAMES, reason="no pipes in folders here")
