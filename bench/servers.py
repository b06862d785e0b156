"""The echo servers that tools/bench compares: ours, those by hand, and peers that Debian has."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
BUILT = Path(os.environ.get("TEST_TMPDIR", ROOT)) / ".bench"  # A test cannot write beside itself.

LIMITS = ["uring one-shot", "uring multishot"]  # The better one is what all are measured against.
OURS = "brigade"
OWN = [OURS, "brigade epoll", *LIMITS, "epoll by hand"]
TARGETS = [
    "//apps:echo_server",
    "//apps:echo_load",
    "//bench:growth",
    "//bench:micro",
    "//bench:uring_echo",
    "//bench:uring_multishot_echo",
    "//bench:epoll_echo",
]

# Debian's crates, and nothing from the network.
CARGO = ["--config", 'source.crates-io.replace-with="debian"']
CARGO += ["--config", 'source.debian.directory="/usr/share/cargo/registry"']

# name: (what Debian calls it, a file of the package, the command that builds it, the one that runs)
PEER_TABLE = {
    "asio": (
        "libasio-dev",
        "/usr/include/asio.hpp",
        ["g++", "-std=c++20", "-O2", "-DNDEBUG", PEERS / "asio_echo.cpp"]
        + ["-o", BUILT / "asio_echo"],
        [BUILT / "asio_echo"],
    ),
    "libuv": (
        "libuv1-dev",
        "/usr/include/uv.h",
        ["gcc", "-O2", "-DNDEBUG", PEERS / "uv_echo.c"]
        + ["-o", BUILT / "uv_echo", "-luv"],
        [BUILT / "uv_echo"],
    ),
    "tokio": (
        "cargo librust-tokio-dev",
        "/usr/share/cargo/registry/tokio-1.24.2/Cargo.toml",
        ["/usr/bin/cargo", "build", "--quiet", "--release", "--offline", "--jobs", "2", *CARGO]
        + ["--manifest-path", BUILT / "tokio/Cargo.toml"],
        [BUILT / "tokio/target/release/tokio_echo"],
    ),
    "Go": (
        "golang-go",
        "/usr/bin/go",
        ["/usr/bin/go", "build", "-o", BUILT / "go_echo", PEERS / "go_echo.go"],
        [BUILT / "go_echo"],
    ),
    "Node": ("nodejs", "/usr/bin/node", None, ["/usr/bin/node", PEERS / "node_echo.js"]),
    "asyncio": (
        "python3",
        "/usr/bin/python3",
        None,
        ["/usr/bin/python3", PEERS / "asyncio_echo.py"],
    ),
}
ALL = [*OWN, *PEER_TABLE]


def build(targets):
    """The folder of the release binaries."""
    subprocess.run(["./bazelw", "build", "--config=release", *targets], cwd=ROOT, check=True)
    info = ["./bazelw", "info", "--config=release", "bazel-bin"]
    return Path(subprocess.check_output(info, cwd=ROOT, universal_newlines=True).strip())


def build_peer(name, table=PEER_TABLE):
    """Whether it is there to run; says what is missing if not."""
    package, file, command, _ = table[name]
    if not os.path.exists(file):
        print(f"tools/bench: no {name}: apt-get install {package}", file=sys.stderr)
        return False
    if command is None:
        return True
    BUILT.mkdir(parents=True, exist_ok=True)
    if name == "tokio":  # Cargo writes beside its manifest.
        shutil.copytree(PEERS / "tokio", BUILT / "tokio", dirs_exist_ok=True)
    home = {"GOCACHE": str(BUILT / "go"), "CARGO_HOME": str(BUILT / "cargo")}
    env = {**os.environ, **home, "RUSTC": "/usr/bin/rustc", "CXXFLAGS": ""}
    subprocess.run(list(map(str, command)), check=True, env=env)
    return True


class DoesNotListen(Exception):
    pass


class Running:
    """A server on a core of its own, for as long as the `with` lasts."""

    def __init__(self, name, binaries, core, unix_path):
        at = str(unix_path) if unix_path else "0"
        by_hand = {
            "uring one-shot": "uring_echo",
            "uring multishot": "uring_multishot_echo",
            "epoll by hand": "epoll_echo",
        }
        env = dict(os.environ)
        if name.startswith(OURS):
            env["BRIGADE_BACKEND"] = "epoll" if name.endswith("epoll") else "io_uring"
            command = [binaries / "apps/echo_server", "--unix" if unix_path else "--port", at]
        elif name in by_hand:
            command = [binaries / "bench" / by_hand[name], at]
        else:
            command = [*PEER_TABLE[name][3], at]
        command = ["taskset", "-c", str(core), *map(str, command)]
        self.name = name
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, env=env, universal_newlines=True
        )
        self.pid = self.process.pid
        line = self.process.stdout.readline()
        if not re.match(r"listening on ", line):
            self.__exit__()
            raise DoesNotListen(f"it said '{line.strip()}', not where it listens")
        port = line.strip().rpartition(":")[2]
        self.arguments = ["--unix", at] if unix_path else ["--port", port]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
