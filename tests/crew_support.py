"""Work for the tests of jobs side by side, in a module that other processes import quickly."""

import os
import signal
import sys
import warnings

from munmaek.errors import InputError, MunmaekWarning


class Adding:
    """Does jobs named by sums, and some that go wrong."""

    def run(self, name, tell):
        tell(0.5, 1.0)
        if name == "wrong":
            message = "a line for the user"
            raise InputError(message)
        if name == "0+1":
            warnings.warn("one should know", MunmaekWarning, stacklevel=1)
        if name == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdout.write("what a job prints is no result\n")
        return sum(int(part) for part in name.split("+"))
