#pragma once

#include <string>
#include <vector>

#include "brigade/runtime/loop.h"
#include "brigade/tests/support/failing_allocator.h"

namespace brigade {

/// Does something in a loop, and arms a FailNth where its allocations begin to matter.
using Scenario = Task<void> (*)(FailNth::Plan plan);

/// Runs `scenario` again and again, each time in a thread and a loop of their own, so that no
/// memory lies ready (on the real clock the back end is set up), failing its 1st allocation, its
/// 2nd, ... until it has none left to fail; then once more with all from the 1st, from the 2nd on.
/// After each run: it ended well, or by std::bad_alloc, or by an error whose text contains one of
/// `documented`; the loop runs on, its tasks end, its ledger is zero when it has closed, and all
/// memory has come back.
void fail_every_allocation(Scenario scenario, LoopOptions options,
                           const std::vector<std::string>& documented = {});

/// The same for what brings a loop of its own.
void fail_every_allocation(void (*program)(FailNth::Plan plan));

/// Sets the back end up. The kernel limits the memory of rings and gives that of closed ones back a
/// little later: waits for it.
void set_up_io(Loop& loop);

/// What a scenario claims of itself; the check fails behind the run. Allocates nothing.
void expect(bool ok, const char* what) noexcept;

}  // namespace brigade
