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

def brigade_test(
        name,
        srcs,
        deps,
        backends = False,
        chaos = True,
        simulated = True,
        size = "small",
        **kwargs):
    """A doctest program; its main is tests/support/main.cc.

    With backends, what it says must hold on io_uring, on epoll, on testing/chaos.h and on
    testing/simulation.h: NAME, NAME_epoll, NAME_chaos and NAME_simulated. The last two reach the
    loops whose options tests/support/async.h makes; chaos = False and simulated = False leave them
    out where there are none, or where it is about the kernel.
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
    variants = [
        ("", {"BRIGADE_BACKEND": "io_uring"}),
        ("_epoll", {"BRIGADE_BACKEND": "epoll"}),
    ]
    if chaos:
        variants.append(("_chaos", {"BRIGADE_TEST_BACKEND": "chaos"}))
    if simulated:
        variants.append(("_simulated", {"BRIGADE_TEST_BACKEND": "simulated"}))
    for suffix, env in variants:
        cc_test(
            name = name + suffix,
            size = size,
            env = env,
            deps = [":" + name + "_cases"],
            **kwargs
        )
