#include "drivers/simulated/silicon.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "drivers/current_clamp/current_clamp.hpp"
#include "drivers/simulated/pace.hpp"

namespace thyrode {
namespace {

using silicon::SiliconInstrument;
using silicon::Time;

constexpr Time microsecond = 1'000'000;
/// The host may look at the line so often: ten bytes at 1 Mbaud.
constexpr Time look = 100 * microsecond;
constexpr Time sample = 4 * microsecond;
constexpr const char* image_file = "build/firmware/bin/thyrode_nucleo_f446re.bin";

/// A line to a chip in this thread. Waiting is what moves the chip's time.
class SiliconLink final : public Link {
 public:
  SiliconLink(std::shared_ptr<SiliconInstrument> instrument, double speed)
      : instrument_{std::move(instrument)}, speed_{speed}, pace_{speed, Sample{}} {}

  Result<std::size_t> read(std::span<std::uint8_t> into, Duration timeout) override {
    const Time until = instrument_->now() + std::max(look, static_cast<Time>(std::llround(timeout.si() * 1e12)));
    while (instrument_->outbox().empty() && instrument_->now() < until) {
      while (!pace_.allows(Sample{instrument_->now() / sample})) {
        std::this_thread::sleep_for(std::chrono::microseconds{200});
      }
      if (!instrument_->run_for(std::min(look, until - instrument_->now()))) {
        return fail(ErrorKind::device, instrument_->failure());
      }
    }
    const auto ready = instrument_->outbox();
    const std::size_t count = std::min(ready.size(), into.size());
    std::copy_n(ready.begin(), count, into.begin());
    instrument_->take(count);
    return count;
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override {
    instrument_->deliver(bytes);
    return {};
  }
  std::size_t unsent() const override { return instrument_->chip().usart().waiting(); }
  bool in_lockstep() const override { return false; }

 private:
  std::shared_ptr<SiliconInstrument> instrument_;
  double speed_;
  Pace pace_;
};

}  // namespace

Result<std::vector<std::uint8_t>> read_flash_image(const std::string& path) {
  std::vector<std::filesystem::path> places;
  if (!path.empty()) {
    places.emplace_back(path);
  } else {
    places.emplace_back(image_file);
    std::error_code ignored;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
    // A program of build/PRESET/bin finds what lies beside its preset.
    if (!ignored) places.push_back(program.parent_path() / "../../.." / image_file);
  }
  std::string looked;
  for (const auto& place : places) {
    std::ifstream file(place, std::ios::binary);
    looked += (looked.empty() ? "" : ", ") + place.lexically_normal().string();
    if (!file) continue;
    std::vector<std::uint8_t> image{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (image.size() >= 8 && image.size() <= silicon::Processor::flash_bytes) return image;
    return fail(ErrorKind::bad_input, fmt::format("{}: {} bytes are no flash image; the chip holds 8 to {}",
                                                  place.string(), image.size(), silicon::Processor::flash_bytes));
  }
  return fail(ErrorKind::bad_input,
              fmt::format("there is no flash image for the board nucleo_f446re (looked for {}); build it with "
                          "./dev firmware",
                          looked));
}

Result<std::unique_ptr<Device>> open_silicon(std::unique_ptr<SiliconInstrument> instrument, std::string uri,
                                             double speed) {
  const std::shared_ptr<SiliconInstrument> shared = std::move(instrument);
  auto device = CurrentClamp::open(std::make_unique<SiliconLink>(shared, speed), std::move(uri),
                                   [shared] { return shared->seconds(); });
  if (!device) return tl::make_unexpected(device.error());
  return std::move(*device);
}

Result<void> serve_client(SiliconInstrument& instrument, Link& client, double speed, const std::atomic<bool>& stop) {
  constexpr std::size_t full = 64 * 1024;  // bytes under way before the instrument waits
  constexpr Time longest_lease = 1'100'000 * microsecond;
  Pace pace{speed, Sample{instrument.now() / sample}};
  std::array<std::uint8_t, 4096> bytes;
  Result<void> ended;
  while (!stop.load(std::memory_order_relaxed) && ended) {
    bool moved = false;
    if (client.unsent() < full && pace.allows(Sample{instrument.now() / sample})) {
      moved = true;
      if (!instrument.run_for(5 * look)) return fail(ErrorKind::run_failed, instrument.failure());
    }
    if (const auto ready = instrument.outbox(); !ready.empty() && client.unsent() < full) {
      ended = client.write(ready);
      instrument.take(ready.size());
    }
    const auto came = client.read(bytes, moved ? Duration{} : 0.2_ms);
    if (!came) ended = tl::make_unexpected(came.error());
    if (came && *came > 0) instrument.deliver({bytes.data(), *came});
  }
  // A board whose host is gone runs on: its lease ends what flows.
  if (!instrument.run_for(longest_lease)) return fail(ErrorKind::run_failed, instrument.failure());
  instrument.take(instrument.outbox().size());
  return ended;
}

}  // namespace thyrode
