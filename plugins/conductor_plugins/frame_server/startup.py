"""Run the Python files of an artist inside the software, and say in one sentence which line of which file went wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conductor_plugins.frame_server.errors import ScriptFailed


def run_script(path: str, log: Callable[[str], None]) -> None:
    """Run a startup script in the loaded scene, as the software's own script option does; what lies beside it can be imported.

    Raises:
        ScriptFailed: it cannot be read, raised an exception, or left by `sys.exit` with something else than 0.
    """
    log(f"startup script {path}")
    names: dict[str, Any] = {"__name__": "__main__", "__file__": path, "__builtins__": __builtins__}
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        # The names stay alive with the functions that the script gives to the software's callbacks.
        exec(compile(Path(path).read_bytes(), path, "exec"), names)  # noqa: S102  to run it is what the artist asks for
    except SystemExit as exc:
        if exc.code not in (None, 0):
            raise _failed("Startup script", path, exc) from exc
    except MemoryError:
        raise
    except Exception as exc:
        traceback.print_exc()
        raise _failed("Startup script", path, exc) from exc
    log(f"startup script {path} is done")


def place_of(exc: BaseException, path: str) -> tuple[str, int]:
    """Return file and line where an exception came from: the innermost place at or below `path`, a file or a folder."""
    if isinstance(exc, SyntaxError) and exc.filename and _lies_in(exc.filename, path):
        return exc.filename, exc.lineno or 0
    places = [(f.filename, f.lineno or 0) for f in traceback.extract_tb(exc.__traceback__) if _lies_in(f.filename, path)]
    return places[-1] if places else (path, 0)


def reason_of(exc: BaseException) -> str:
    """Return what an exception says, in one line."""
    words = exc.msg if isinstance(exc, SyntaxError) else str(exc)
    return f"{type(exc).__name__}: {' '.join(words.split()).rstrip('.')}" if words else type(exc).__name__


def _failed(what: str, path: str, exc: BaseException) -> ScriptFailed:
    return ScriptFailed(what, *place_of(exc, path), reason_of(exc))


def _lies_in(file: str, path: str) -> bool:
    return file == path or file.startswith(path.rstrip("/\\") + os.sep)
