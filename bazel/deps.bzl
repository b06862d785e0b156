"""The dependencies of brigade in WORKSPACE mode.

They are the machine's own packages, under the names the Bazel Central Registry gives them.
"""

def _debian_impl(ctx):
    home = ctx.path(Label("//bazel:deps.bzl")).dirname.get_child("debian").get_child(ctx.name)
    for entry in home.readdir():
        ctx.symlink(entry, entry.basename)

_debian = repository_rule(implementation = _debian_impl, local = True)

_OURS = [
    "cli11",
    "doctest",
    "google_benchmark",
    "liburing",
    "nlohmann_json",
    "remote_coverage_tools",
    "rules_cc",
    "rules_java",
]

# Bazel 7 looks for these; Debian ships them with its Bazel.
_SHIPPED = {
    "bazel_skylib": "/usr/share/bazel/tools/skylib",
    "rules_python": "/usr/share/bazel/rules/python",
}

def brigade_deps():
    """Declares each repository brigade uses, unless the workspace already has one of that name."""
    for name in _OURS:
        if not native.existing_rule(name):
            _debian(name = name)
    for name, path in _SHIPPED.items():
        if not native.existing_rule(name):
            native.local_repository(name = name, path = path)
