#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/task.h"

namespace brigade {

/// What a shard is told of itself, and how it reaches the others: by run_in_loop() or Loop::post().
struct Shard {
  std::size_t index;             ///< 0 is on the calling thread.
  std::span<Loop* const> loops;  ///< Of all shards, by index. They outlive every task of a shard.
};

/// Makes the task of a shard: called in its loop, on its thread, by all shards at the same time.
using ShardFunction = std::function<Task<void>(Shard)>;

/// run() on many cores: `count` shards, each of them a thread with a loop of its own that runs the
/// task which `function` makes for it. They share nothing but the function: whatever else crosses,
/// crosses as a message. Each loop goes on, and runs what the others ask for, until the tasks of
/// all shards have ended; then all loops close. `options` are those of every loop: the functions
/// in them are called on every thread.
///
/// If the task of one shard fails, or ends by Cancelled, those of the others are cancelled. Ctrl-C,
/// on the main thread as for run(), cancels all of them.
///
/// Errors:       the first error of a shard's task, else Cancelled if one ended by it, when all
///               loops have closed; std::system_error if a thread cannot start, and none has;
///               std::invalid_argument for 0 shards, and for the virtual clock: time could jump in
///               one shard while another is about to send. As any of the others may post, a shard
///               whose tasks can never go on waits: there is no DeadlockError.
/// Cancellation: not a suspension point.
/// Complexity:   `count` - 1 threads; no state of the shards is touched by another but by a post.
/// Threads:      called where no loop runs.
/// Lifetime:     `function` lives until all loops have closed, and what it refers to must; handles
///               and streams must not leave their shard.
/// Example:      examples/run_sharded.cc
void run_sharded(std::size_t count, ShardFunction function, LoopOptions options = {});

}  // namespace brigade
