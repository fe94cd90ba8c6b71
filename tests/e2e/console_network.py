"""The network between a browser and the system, as a SOCKS proxy that holds or cuts uploads."""

import contextlib
import socket
import socketserver
import struct
import threading
import urllib.parse
from collections.abc import Iterator

BUFFER = 1024 * 1024  # bytes
MAX_HOLD = 300  # seconds, after which a test has failed long ago
IPV4, NAME = 1, 3
ACCEPTED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


class Network:
    """Passes connections on. Holds uploads to `bucket`, or cuts their connection."""

    def __init__(self, bucket: str) -> None:
        self.start = f"PUT /{bucket}/".encode()
        self.change = threading.Condition()
        self.held: dict[str, int] = {}
        self.cuts: dict[str, int] = {}

    def hold(self, name: str, after: int = 0) -> None:
        """Holds the uploads of a file once this many bytes have passed."""
        with self.change:
            self.held[name] = after

    def cut(self, name: str, after: int = 0) -> None:
        """Cuts the connections of uploads of a file once this many bytes have passed.

        The browser itself sends an upload again if it had used the connection before.
        """
        with self.change:
            self.cuts[name] = after

    def mend(self) -> None:
        """Lets all uploads pass."""
        with self.change:
            self.held.clear()
            self.cuts.clear()
            self.change.notify_all()

    def passes(self, name: str, sent: int) -> bool:
        """Waits while an upload is held; returns whether its connection remains."""
        with self.change:
            self.change.wait_for(lambda: sent <= self.held.get(name, sent), MAX_HOLD)
            return sent <= self.cuts.get(name, sent)

    def uploaded_name(self, data: bytes) -> str | None:
        """Returns the name of the file whose upload begins here."""
        # The browser writes the head of a request on its own.
        if not data.startswith(self.start):
            return None
        target = data.split(b" ", 2)[1].decode()
        return urllib.parse.unquote(urllib.parse.urlsplit(target).path).rpartition("/")[2]


class Handler(socketserver.BaseRequestHandler):
    """One connection of the browser."""

    server: "NetworkServer"

    def handle(self) -> None:
        """Connects the browser with the host that it asks for."""
        client: socket.socket = self.request
        with contextlib.suppress(OSError), socket.create_connection(read_target(client)) as host:
            for end in (client, host):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(ACCEPTED)
            back = threading.Thread(target=pump, args=(host, client), daemon=True)
            back.start()
            self.send(client, host)
            for end in (client, host):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join()

    def send(self, client: socket.socket, host: socket.socket) -> None:
        """Sends what the browser sends, as the network lets it."""
        buffer = memoryview(bytearray(BUFFER))
        network = self.server.network
        name, sent = "", 0
        while count := client.recv_into(buffer):
            if found := network.uploaded_name(bytes(buffer[:4096])):
                name, sent = found, 0
            else:
                sent += count
            if name and not network.passes(name, sent):
                return
            host.sendall(buffer[:count])


class NetworkServer(socketserver.ThreadingTCPServer):
    """The proxy, on a free port of this machine."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, network: Network) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        # Otherwise the system takes in tens of MiB of an upload that is held.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.network = network


def read_target(client: socket.socket) -> tuple[str, int]:
    """Reads the request of a SOCKS client (RFC 1928), without authentication."""
    read = client.makefile("rb", buffering=0).read
    methods = (read(2) or b"\0\0")[1]
    read(methods)
    client.sendall(b"\x05\x00")
    kind = (read(4) or b"\0")[-1]
    if kind == IPV4:
        host = socket.inet_ntoa(read(4) or b"")
    elif kind == NAME:
        host = (read((read(1) or b"\0")[0]) or b"").decode()
    else:
        raise OSError(f"addresses of the kind {kind} are not supported")
    [port] = struct.unpack(">H", read(2) or b"")
    return host, port


def pump(source: socket.socket, target: socket.socket) -> None:
    """Passes on what `source` sends, and its end."""
    buffer = memoryview(bytearray(BUFFER))
    with contextlib.suppress(OSError):
        while count := source.recv_into(buffer):
            target.sendall(buffer[:count])
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def run_network(bucket: str) -> Iterator[tuple[Network, str]]:
    """Runs a network; yields it with its address."""
    network = Network(bucket)
    with NetworkServer(network) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield network, f"socks5://127.0.0.1:{server.server_address[1]}"
        finally:
            network.mend()
            server.shutdown()
