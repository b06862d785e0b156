"""The two rules every brigade package is made of."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")

def brigade_library(name, hdrs, srcs = [], deps = [], visibility = None, **kwargs):
    """One concept, one target; runtime/loop.h is included as "brigade/runtime/loop.h" everywhere.

    Private to its package unless a visibility is given.
    """
    cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        include_prefix = "brigade/" + native.package_name(),
        visibility = visibility,
        deps = deps,
        **kwargs
    )

def brigade_test(name, srcs, deps, backends = False, size = "small", **kwargs):
    """A doctest program; its main is tests/support/main.cc.

    With backends, what it says must hold on io_uring and on epoll: NAME and NAME_epoll.
    """
    deps = deps + [
        "//tests/support:main",
        "@doctest//doctest",
    ]
    if not backends:
        cc_test(name = name, size = size, srcs = srcs, deps = deps, **kwargs)
        return
    cc_library(
        name = name + "_cases",
        testonly = True,
        srcs = srcs,
        deps = deps,
        alwayslink = True,
    )
    for suffix, backend in [("", "io_uring"), ("_epoll", "epoll")]:
        cc_test(
            name = name + suffix,
            size = size,
            env = {"BRIGADE_BACKEND": backend},
            deps = [":" + name + "_cases"],
            **kwargs
        )
