#include "brigade/runtime/task_tree.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "brigade/runtime/repr.h"

namespace brigade {
namespace {

class Tree {
 public:
  Tree(const IntrusiveList<TaskContext>& tasks, TimePoint now, std::size_t limit)
      : now_(now), left_(limit) {
    tasks.for_each([this](const TaskContext& task) {
      order_.push_back(&task);
      task.for_each_waiting([&](const TaskContext& waiting) {
        nodes_[&waiting].awaited.push_back(&task);
        nodes_[&task].is_awaited = true;
      });
    });
  }

  std::string to_string() {
    for (const TaskContext* task : order_)
      if (!nodes_[task].is_awaited) add(*task);
    for (const TaskContext* task : order_) add(*task);  // Those that wait for each other.
    const std::size_t hidden = order_.size() - shown_;
    if (hidden > 0) text_ += "and " + std::to_string(hidden) + " more\n";
    return std::move(text_);
  }

 private:
  struct Node {
    std::vector<const TaskContext*> awaited;  // by this task
    bool is_awaited = false;
    bool shown = false;
  };

  // Without recursion: a chain of tasks may be a million long.
  void add(const TaskContext& root) {
    std::vector<std::pair<const TaskContext*, std::size_t>> stack{{&root, 0}};
    while (!stack.empty()) {
      const auto [task, depth] = stack.back();
      stack.pop_back();
      Node& node = nodes_[task];
      if (node.shown || left_ == 0) continue;
      node.shown = true;
      ++shown_;
      --left_;
      text_.append(2 * std::min(depth, kMaxIndent), ' ').append(line(*task));
      for (auto next = node.awaited.rbegin(); next != node.awaited.rend(); ++next)
        stack.emplace_back(*next, depth + 1);
    }
  }

  std::string line(const TaskContext& task) const {
    std::string text = "'" + task.name() + "' ";
    if (&task == current_context) {
      text += "runs";
    } else {
      const std::string reason = task.waits_for();
      text += reason.empty() ? "can run, " : "waits for " + reason + ", ";
      text += repr(std::chrono::duration<double>(now_ - task.since()).count()) + " s";
    }
    return text + ", spawned at " + brigade::to_string(task.where()) + "\n";
  }

  static constexpr std::size_t kMaxIndent = 40;

  const TimePoint now_;
  std::size_t left_;
  std::size_t shown_ = 0;
  std::vector<const TaskContext*> order_;  // in which they were spawned
  std::unordered_map<const TaskContext*, Node> nodes_;
  std::string text_;
};

}  // namespace

std::string task_tree(const IntrusiveList<TaskContext>& tasks, TimePoint now, std::size_t limit) {
  return Tree(tasks, now, limit).to_string();
}

std::string to_string(const std::source_location& where) {
  const std::string_view file = where.file_name();
  return std::string(file.substr(file.rfind('/') + 1)) + ":" + std::to_string(where.line());
}

}  // namespace brigade
