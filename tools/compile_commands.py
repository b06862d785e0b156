#!/usr/bin/env python3
"""Writes compile_commands.json for clangd:  tools/compile_commands.py [bazel flags]

Bazel shows the compiler copies of our headers (_virtual_includes); clangd is shown the headers
themselves, through the link .include/brigade, so that go-to-definition lands in runtime/loop.h.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = ROOT / ".include"
VIRTUAL = re.compile(r"bazel-out/[^/]+/bin/(?!external/).*/_virtual_includes/")


def bazel(*args):
    command = [ROOT / "bazelw", *args]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode()


def arguments(action, output_base, execution_root):
    """The compiler's arguments, with paths that hold outside of Bazel."""
    places = {"external/": output_base, "bazel-out/": execution_root}
    for arg in action["arguments"]:
        if arg == "-fno-canonical-system-headers":  # GCC only.
            continue
        flag, path = re.fullmatch(r"(-I)?(.*)", arg).groups(default="")
        if VIRTUAL.match(path):
            yield flag + str(INCLUDE)
        else:
            place = next((p for start, p in places.items() if path.startswith(start)), None)
            yield f"{flag}{place}/{path}" if place else arg


def main():
    flags = sys.argv[1:]
    output_base = bazel("info", *flags, "output_base").strip()
    execution_root = bazel("info", *flags, "execution_root").strip()
    query = bazel("aquery", *flags, "--output=jsonproto", 'mnemonic("CppCompile", //...)')

    commands = {}
    for action in json.loads(query)["actions"]:
        args = list(arguments(action, output_base, execution_root))
        source = args[args.index("-c") + 1]
        commands[source] = {"directory": str(ROOT), "file": source, "arguments": args}

    INCLUDE.mkdir(exist_ok=True)
    if not (INCLUDE / "brigade").is_symlink():
        (INCLUDE / "brigade").symlink_to("..")
    (ROOT / "compile_commands.json").write_text(json.dumps(list(commands.values()), indent=1))
    print(f"compile_commands.json: {len(commands)} files")


if __name__ == "__main__":
    main()
