#include "brigade/sync/lock.h"

#include <ostream>

namespace brigade {

std::ostream& operator<<(std::ostream& out, const Lock& lock) { return out << lock.to_string(); }

}  // namespace brigade
