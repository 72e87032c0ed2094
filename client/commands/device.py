"""The choice of a device on the command line."""

from enum import StrEnum


class Device(StrEnum):
    """Where to compute; auto takes a GPU where there is one."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
