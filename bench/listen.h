#pragma once

#include <string>

// What the hand-written servers have in common with every server of the suite: they are given
// "0", for any free TCP port of 127.0.0.1, or the path of a Unix socket.

/// A listening socket that blocks; prints "listening on ADDRESS". Exits with 1 if there is none,
/// and with 2 if the program was not given exactly one argument.
int listen_as_told(int argc, char** argv);

/// Prints what could not be done, and why, and exits with 1.
[[noreturn]] void fail(const char* what, int positive_errno);
