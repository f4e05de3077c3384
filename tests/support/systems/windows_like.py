"""A system like Windows, as far as Linux can play it, for `pytest -p` and this module's name.

What Windows lacks is taken away, what it refuses is refused (to rename or remove what is open, to
open a folder, to replace by a rename), and the package is imported as it is on Windows. Not played:
case, its own spelling of paths, access lists, text files that end lines by themselves.
"""
# It stands in the place of the calls that pathlib makes.
# ruff: noqa: PTH100, PTH112, PTH115, PTH118, PTH119, PTH120, PTH208

import errno
import importlib
import importlib.metadata
import itertools
import os
import pkgutil
import re
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

MODULES: Final = ("fcntl", "pwd", "grp", "pty", "termios", "resource")
OF_OS: Final = (
    *("O_CLOEXEC", "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_NOCTTY", "O_PATH", "O_SYNC"),
    *("link", "mkfifo", "mknod", "fchmod", "chown", "fchown", "lchown", "fchdir", "chroot"),
    *("getuid", "geteuid", "getgid", "getegid", "setuid", "fork", "forkpty", "killpg", "setsid"),
    *("getpgid", "openpty", "pread", "pwrite", "fdatasync", "uname", "nice"),
)
OF_SIGNAL: Final = ("SIGKILL", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGPIPE")
# No open() of Linux knows these bits.
O_BINARY, O_NOINHERIT, O_TEMPORARY = 1 << 28, 1 << 29, 1 << 30
IN_USE, DENIED = 32, 5

_os: Final = {
    name: getattr(os, name)
    for name in ("open", "unlink", "link", "rename", "replace", "rmdir", "access")
}
_handles: Final = itertools.count(1)
_held: dict[int, tuple[int, int]] = {}  # handle -> the folder that is held in its place


class WindowsRefusalError(PermissionError):
    """A PermissionError as Windows raises it; that of `os.open`, which is C's, has no number."""

    def __init__(self, winerror: int, path: object) -> None:
        super().__init__(errno.EACCES, "refused as by Windows", str(path))
        self.winerror = winerror


def _identity(path: Any) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open_here() -> Iterator[str]:
    """Name the files that this process and its children have open."""
    me = os.getpid()
    tasks = Path(f"/proc/{me}/task/{me}/children").read_text(encoding="ascii").split()
    for process in (str(me), *tasks):
        folder = f"/proc/{process}/fd"
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            try:
                target = os.readlink(f"{folder}/{name}")
            except OSError:
                continue
            if target.startswith("/"):
                yield target


def _refuse_if_open(path: Any) -> None:
    """Refuse what stands open, or has something open in it, or is held."""
    identity = _identity(path)
    if identity is None:
        return
    if identity in list(_held.values()):
        raise WindowsRefusalError(IN_USE, path)
    whole = os.path.realpath(os.path.dirname(os.path.abspath(os.fsdecode(path))))
    whole = os.path.join(whole, os.path.basename(os.fsdecode(path)))
    for opened in _open_here():
        if opened == whole or opened.startswith(whole + "/"):
            raise WindowsRefusalError(IN_USE if opened == whole else DENIED, path)


def _no_descriptors(**more: object) -> None:
    if any(more.get(name) is not None for name in ("dir_fd", "src_dir_fd", "dst_dir_fd")):
        raise NotImplementedError("no descriptor of a folder here")


def _open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    _no_descriptors(dir_fd=dir_fd)
    caller = sys._getframe(1).f_globals.get("__name__", "")
    writes = flags & (os.O_WRONLY | os.O_RDWR)
    if caller.startswith("beel_mcp") and writes:
        assert flags & O_BINARY, f"{caller} writes a file in which Windows would end the lines"
    fd = _os["open"](path, flags & ~(O_BINARY | O_NOINHERIT | O_TEMPORARY), mode)
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise PermissionError(errno.EACCES, "refused as by C on Windows", str(path))
    if flags & O_TEMPORARY:
        _os["unlink"](path)
    return fd


def _unlink(path: Any, *, dir_fd: int | None = None) -> None:
    _no_descriptors(dir_fd=dir_fd)
    _refuse_if_open(path)
    _os["unlink"](path)


def _rmdir(path: Any, *, dir_fd: int | None = None) -> None:
    _no_descriptors(dir_fd=dir_fd)
    _refuse_if_open(path)
    _os["rmdir"](path)


def _rename(src: Any, dst: Any, **more: Any) -> None:
    _no_descriptors(**more)
    if os.path.lexists(dst):
        raise FileExistsError(errno.EEXIST, "taken, as on Windows", str(dst))
    _refuse_if_open(src)
    if os.path.isdir(src):
        _os["rename"](src, dst)
    else:  # in one step, as there
        _os["link"](src, dst, follow_symlinks=False)
        _os["unlink"](src)


def _replace(src: Any, dst: Any, **more: Any) -> None:
    _no_descriptors(**more)
    _refuse_if_open(src)
    _refuse_if_open(dst)
    _os["replace"](src, dst)


def _access(path: Any, mode: int, **more: Any) -> bool:
    """Tell of a folder no more than that it is there, as Windows does."""
    _no_descriptors(**more)
    return os.path.isdir(path) or _os["access"](path, mode)


def _create_file(path: str, *_: int) -> int:
    identity = _identity(path)
    if identity is None:
        raise FileNotFoundError(errno.ENOENT, "no such folder", path)
    handle = next(_handles)
    _held[handle] = identity
    return handle


def _winapi() -> ModuleType:
    module = ModuleType("_winapi")
    vars(module).update(CreateFile=_create_file, CloseHandle=_held.__delitem__)
    return module


def _all_of_the_package() -> None:
    import beel_mcp

    for module in pkgutil.walk_packages(beel_mcp.__path__, "beel_mcp."):
        if module.name not in ("beel_mcp.__main__", *_FOR_ONE_SYSTEM):
            importlib.import_module(module.name)


_IMPORTED_AS: Final = {"python_stdnum": "stdnum"}
_FOR_ONE_SYSTEM: Final = ("beel_mcp.files.on_windows", "beel_mcp.files.on_posix")


def _leave_to_libraries() -> None:
    """Let what is imported by now go on with the system that there is."""
    for module in (os, signal):
        whole = ModuleType(module.__name__)
        vars(whole).update(vars(module))
        for name, library in list(sys.modules.items()):
            ours = name in ("os", "pathlib", "shutil") or name.startswith("tests.")
            if not ours and vars(library).get(module.__name__) is module:
                setattr(library, module.__name__, whole)


def _take_away() -> None:
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    for module in MODULES:
        sys.modules[module] = None  # type: ignore[assignment]
    for name in OF_OS:
        if hasattr(os, name):
            delattr(os, name)
    for name in OF_SIGNAL:
        delattr(signal, name)
    for name in ("supports_dir_fd", "supports_fd", "supports_follow_symlinks"):
        setattr(os, name, set())
    vars(os).update(O_BINARY=O_BINARY, O_NOINHERIT=O_NOINHERIT, O_TEMPORARY=O_TEMPORARY)
    vars(os).update(open=_open, unlink=_unlink, remove=_unlink, rmdir=_rmdir)
    vars(os).update(rename=_rename, replace=_replace, access=_access)


def _all_that_it_stands_on() -> None:
    """Import what is no play: libraries go on with the system that there is."""
    _all_of_the_package()
    for line in importlib.metadata.requires("beel-mcp") or ():
        if "extra ==" in line:
            continue
        name = re.split(r"[^\w-]", line, maxsplit=1)[0].replace("-", "_")
        with suppress(ModuleNotFoundError):
            importlib.import_module(_IMPORTED_AS.get(name, name))


def _play() -> None:
    _all_that_it_stands_on()
    for name in [name for name in sys.modules if name.partition(".")[0] == "beel_mcp"]:
        del sys.modules[name]
    _leave_to_libraries()
    _take_away()
    sys.modules["_winapi"] = _winapi()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        _all_of_the_package()
    on_windows = sys.modules["beel_mcp.files.on_windows"]
    vars(on_windows)["long_path"] = str  # the prefix is for Windows' own paths
    os.environ["HOME"] = tempfile.gettempdir()  # which lies in the person's profile there


_play()
