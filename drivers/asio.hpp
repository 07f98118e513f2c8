// The one door to Boost.Asio. Boost 1.74 needs <utility> before it under C++20.
#pragma once

#include <boost/asio.hpp>
#include <utility>
