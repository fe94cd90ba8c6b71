"""Starts MiniStack, the local AWS, with Nagle's algorithm off.

Each invocation of a function is several small writes over loopback; with Nagle on,
each waits some 40 ms for an acknowledgement.
"""

import socketserver

socketserver.StreamRequestHandler.disable_nagle_algorithm = True

from ministack.app import main  # noqa: E402  (only after the line above)

main()
