#pragma once

#include <string>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/unique_fd.h"

namespace brigade {

/// The body of a test, as a captureless lambda.
using AsyncBody = Task<void> (*)();

/// The options of a test's loop: with BRIGADE_TEST_BACKEND=chaos or =simulated in the environment,
/// it runs on testing/chaos.h or testing/simulation.h with the seed of this run, unless the options
/// name a back end.
LoopOptions loop_options(LoopOptions options = {});

/// Whether that is the simulation, which knows no socket of the kernel.
bool is_simulated() noexcept;

/// Runs `body` in a loop on the virtual clock with loop_options(), closes the loop and checks that
/// nothing is left.
void run_async(AsyncBody body, LoopOptions options = {});

/// The same on the real clock.
void run_async_real(AsyncBody body, LoopOptions options = {});

/// Closes `loop` and checks that its ledger is zero.
void close_and_check(Loop& loop);

/// Drops the handle of a task that is spawned for its effect alone.
inline void detach(const TaskRef&) noexcept {}

/// Gives the other ready tasks `count` turns.
Task<void> turns(int count);

/// What awaiting `task` threw, as repr() shows it, or "Cancelled"; "nothing" if it did not throw.
Task<std::string> thrown_by(Task<void> task);

/// The read and the write end of a pipe, neither of which blocks.
struct Pipe {
  Pipe();
  void write_byte() const;
  void read_byte() const;

  UniqueFd reader;
  UniqueFd writer;
};

}  // namespace brigade
