#include "firmware/boards/native/native_instrument.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tests/unit/native/host.hpp"

namespace thyrode::native {
namespace {

using namespace protocol;

TEST(NativeInstrument, NeverRunsPastTheGrant) {
  Host host{1, false, 0.0, true};
  host.run();
  EXPECT_EQ(host.device->now(), Sample{0});
  std::mt19937_64 random{4};
  std::int64_t until = 0;
  for (int k = 0; k < 200; ++k) {
    until += static_cast<std::int64_t>(random() % 300);
    host.grant(until);
    ASSERT_LE(host.device->now().index, until);
    ASSERT_GT(host.device->now().index, until - Nominal::block);  // and as far as whole blocks go
  }
}

TEST(NativeInstrument, WhatTheLastHostHasGrantedIsNotRunForTheNext) {
  for (const bool by_hello : {false, true}) {
    Host host{1};
    host.send(Grant{Sample{1'000'000}});
    for (int k = 0; k < 3; ++k) ASSERT_TRUE(host.device->step());
    const Sample stood = host.device->now();
    ASSERT_LT(stood, Sample{1'000'000});
    if (!by_hello) host.device->link_lost();
    host.send(Hello{});
    host.run();
    EXPECT_EQ(host.device->now(), stood);
    ASSERT_FALSE(host.all<Ident>().empty());
    EXPECT_EQ(host.all<Ident>().back().now, stood) << "the time that the host begins with";
    host.grant(stood.index + 5000);
    EXPECT_GT(host.device->now(), stood);
    EXPECT_LE(host.device->now(), stood + 5000);
  }
}

TEST(NativeInstrument, ByEventsItGoesFromMarkToMark) {
  Host host{1};
  host.grant(2500);
  host.grant(4999);
  EXPECT_EQ(host.device->now(), Sample{2500});
  host.grant(5000);
  EXPECT_EQ(host.device->now(), Sample{5000});
  host.grant(12'499);
  EXPECT_EQ(host.device->now(), Sample{10'000});
}

std::vector<std::uint8_t> bytes_of(std::uint64_t seed, std::uint64_t cuts = 0, std::uint16_t decimation = 10) {
  Host host{seed, false, 0.2e-6};
  host.begin(60e-6, decimation);
  if (cuts == 0) {
    for (std::int64_t at = 2500; at <= 100'000; at += 2500) host.grant(at);
    return host.bytes;
  }
  std::mt19937_64 random{cuts};
  std::int64_t at = 0;
  while (at < 100'000) {
    at = std::min<std::int64_t>(at + 1 + static_cast<std::int64_t>(random() % 9000), 100'000);
    host.grant(at);
  }
  return host.bytes;
}

TEST(NativeInstrument, SameSeedGivesTheSameBytesAndAnotherSeedOthers) {
  const auto first = bytes_of(11);
  EXPECT_GT(first.size(), 20'000U);
  EXPECT_TRUE(first == bytes_of(11));
  EXPECT_FALSE(first == bytes_of(12));
}

TEST(NativeInstrument, TheCutsBetweenGrantsDoNotShowInTheBytes) {
  const auto whole = bytes_of(11);
  for (const std::uint64_t cuts : {1U, 2U, 3U}) EXPECT_TRUE(whole == bytes_of(11, cuts)) << "cuts " << cuts;
}

TEST(NativeInstrument, TheCutsBetweenGrantsDoNotShowWithoutATraceEither) {
  const auto whole = bytes_of(11, 0, 0);
  EXPECT_GT(whole.size(), 5'000U);
  for (const std::uint64_t cuts : {1U, 2U, 3U}) EXPECT_TRUE(whole == bytes_of(11, cuts, 0)) << "cuts " << cuts;
}

TEST(NativeInstrument, SpikeTimesAreTheTrueOnesPlusAConstant) {
  Host host{3, true};
  host.begin(60e-6);
  for (std::int64_t at = 2500; at <= 500'000; at += 2500) host.grant(at);
  std::vector<double> fires;  // ticks
  for (const Truth& event : host.truth) {
    if (event.kind == Truth::Kind::fire) fires.push_back((double(event.sample.index) + event.fraction) * 256.0);
  }
  const auto spikes = host.spikes();
  ASSERT_GT(spikes.size(), 20U);
  // A spike that is still open at the end has no record.
  ASSERT_GE(fires.size(), spikes.size());
  ASSERT_LE(fires.size(), spikes.size() + 1);
  std::vector<double> latency;
  for (std::size_t k = 0; k < spikes.size(); ++k) latency.push_back(double(spikes[k].at.count) - fires[k]);
  const auto [least, most] = std::minmax_element(latency.begin(), latency.end());
  EXPECT_LE(*most - *least, 64.0);  // 1 µs
  EXPECT_GT(*least, 0.0);
  // 2.25 µs of the filter, one sample at most of interpolation, and the rise to 80 mV.
  EXPECT_LT(*most, 8.0 * 64.0);
}

TEST(NativeInstrument, GivesTheNeuronTheCurrentOfTheCommand) {
  Host host{3, true};
  host.begin(20.3e-6);
  for (std::int64_t at = 25'000; at <= 250'000; at += 25'000) host.grant(at);
  ASSERT_FALSE(host.truth.empty());
  EXPECT_EQ(host.truth[0].sample, Sample{5000});
  EXPECT_NEAR(host.truth.back().value, 20.3e-6, 1e-9);
}

TEST(NativeInstrument, ALostLinkMeansNoCurrent) {
  Host host{5, true};
  host.begin(60e-6);
  for (std::int64_t at = 10'000; at <= 50'000; at += 10'000) host.grant(at);
  ASSERT_FALSE(host.truth.empty());
  host.device->link_lost();
  host.truth.clear();
  host.grant(60'000);
  EXPECT_GT(host.device->now(), Sample{50'000});
  ASSERT_FALSE(host.truth.empty());
  EXPECT_EQ(host.truth[0].kind, Truth::Kind::current);
  EXPECT_EQ(host.truth[0].sample, Sample{50'000});
  EXPECT_EQ(host.truth[0].value, 0.0);
  for (const Truth& event : host.truth) {
    EXPECT_EQ(event.value, 0.0);  // also of events that are no current
  }
  // The next host finds an instrument that is idle.
  host.bytes.clear();
  host.send(Arm{});
  host.run();
  FrameReader reader;
  std::span<const std::uint8_t> left{host.bytes};
  Status answer = Status::unknown;
  while (!left.empty()) {
    if (!reader.push(left) || !reader.frame() || reader.frame()->type != Ack::type) continue;
    answer = decode<Ack>(reader.frame()->payload)->status;
  }
  EXPECT_EQ(answer, Status::done);
}

}  // namespace
}  // namespace thyrode::native
