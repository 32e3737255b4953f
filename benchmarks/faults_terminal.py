"""A terminal that keeps what is shown on it."""

from __future__ import annotations

import os
import pty
import tempfile
from types import TracebackType

__all__ = ["Terminal", "is_cursor_hidden"]

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A terminal; a process that is to use it takes `inner` for a standard stream."""

    def __enter__(self) -> Terminal:
        outer, self.inner = pty.openpty()
        self._shown = tempfile.TemporaryFile()  # closed below
        self._reader = os.fork()  # a full terminal makes whoever writes wait
        if self._reader == 0:
            os.close(self.inner)
            try:
                while more := os.read(outer, 1 << 16):
                    self._shown.write(more)
            except OSError:  # nobody has it open any more
                self._shown.flush()
            finally:
                os._exit(0)
        os.close(outer)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shown.close()

    def text(self) -> str:
        """Give what was shown, once all others have ended."""
        os.close(self.inner)
        os.waitpid(self._reader, 0)
        self._shown.seek(0)
        return self._shown.read().decode(errors="replace")


def is_cursor_hidden(text: str) -> bool:
    """Tell whether what hid the cursor has not shown it again."""
    return text.rfind(_HIDE) > text.rfind(_SHOW)
