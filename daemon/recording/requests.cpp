#include "daemon/recording/requests.hpp"

#include <cmath>

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/recorded_rows.hpp"

namespace thyrode::recording {
namespace {

template <class Body>
auto read_from(const std::string& path, Body&& body) {
  auto rows = guarded([&] {
    const h5::Handle file = open_for_reading(path);
    return body(file.get());
  });
  if (!rows) rows.error().kind = ErrorKind::bad_input;
  return rows;
}

}  // namespace

Result<std::vector<RecordedOrder>> read_orders(const std::string& path) {
  return read_from(path, [](hid_t file) {
    std::vector<RecordedOrder> orders;
    for (RecordedRows rows{file,
                           layout::orders().path,
                           {"kind", "channel", "at_sample"},
                           {"duration_s", "from_ua", "to_ua", "load_ohm"}};
         !rows.done(); rows.advance()) {
      RecordedOrder order;
      order.kind = static_cast<RecordedOrder::Kind>(rows.integer(0));
      order.channel = Channel{static_cast<std::uint8_t>(rows.integer(1))};
      order.at = Sample{rows.integer(2)};
      order.duration = Duration::from_si(rows.real(0));
      order.first = Current::from_si(rows.real(1) * 1e-6);
      order.last = Current::from_si(rows.real(2) * 1e-6);
      order.load = Resistance::from_si(rows.real(3));
      orders.push_back(order);
    }
    return orders;
  });
}

Result<std::vector<RecordedRequest>> read_requests(const std::string& path) {
  return read_from(path, [](hid_t file) {
    std::vector<RecordedRequest> requests;
    for (RecordedRows rows{file, layout::operator_requests().path, {"tick", "kind"}, {"value"}}; !rows.done();
         rows.advance()) {
      RecordedRequest request;
      request.after = to_sample(Ticks{rows.integer(0)});
      request.kind = static_cast<RecordedRequest::Kind>(rows.integer(1));
      if (!std::isnan(rows.real(0))) request.value = rows.real(0);
      requests.push_back(request);
    }
    return requests;
  });
}

}  // namespace thyrode::recording
