// wire.md against messages.hpp: the same messages in the same order, the same fields, types, offsets and sizes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "protocols/codec.hpp"

namespace thyrode::protocol {
namespace {

/// One row of a table: a field of a message or record.
struct Row {
  std::string name;
  std::string kind;
  std::size_t offset = 0;
  std::string bytes;  ///< "8", or "1 + n × 16" for a list
  bool operator==(const Row&) const = default;
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << fmt::format("offset {}: {} {}, {} bytes", row.offset, row.kind, row.name, row.bytes);
}

struct PageMessage {
  std::string name;
  int type = 0;
  std::vector<Row> rows;
};

struct Page {
  std::vector<PageMessage> messages;
  std::map<std::string, std::vector<Row>> records;
  std::map<std::string, std::map<std::string, unsigned>> enums;
  std::map<std::string, std::map<std::string, unsigned>> bits;  ///< of "ident.capabilities" ...
};

std::string trimmed(std::string text) {
  const std::size_t begin = text.find_first_not_of(" `");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" `") - begin + 1);
}

/// The cells of a row of a table; empty for any other line and for the rows of a table that hold no number.
std::vector<std::string> cells_of(const std::string& line) {
  if (!line.starts_with("|")) return {};
  std::vector<std::string> cells;
  for (std::size_t at = 1; at < line.size();) {
    const std::size_t end = std::min(line.find('|', at), line.size());
    cells.push_back(trimmed(line.substr(at, end - at)));
    at = end + 1;
  }
  const bool numbered = !cells.empty() && cells[0].find_first_not_of("0123456789") == std::string::npos;
  return numbered ? cells : std::vector<std::string>{};
}

Page read_page(std::istream& file) {
  Page result;
  std::vector<Row>* rows = nullptr;
  std::map<std::string, unsigned>* values = nullptr;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> cells = cells_of(line);
    if (line.starts_with("#")) rows = nullptr, values = nullptr;
    if (line.starts_with("#### record ")) {
      rows = &result.records[trimmed(line.substr(12))];
    } else if (line.starts_with("#### enum ")) {
      values = &result.enums[trimmed(line.substr(10))];
    } else if (line.starts_with("#### bits of ")) {
      values = &result.bits[trimmed(line.substr(13))];
    } else if (const std::size_t hex = line.find(" 0x"); line.starts_with("#### ") && hex != std::string::npos) {
      result.messages.push_back({trimmed(line.substr(5, hex - 5)), std::stoi(line.substr(hex + 3), nullptr, 16), {}});
      rows = &result.messages.back().rows;
    } else if (rows != nullptr && cells.size() == 6) {
      rows->push_back({cells[1], cells[2], std::stoul(cells[0]), cells[3]});
    } else if (values != nullptr && cells.size() == 3) {
      (*values)[cells[1]] = static_cast<unsigned>(std::stoul(cells[0]));
    }
  }
  return result;
}

const Page& page() {
  static const Page read = [] {
    std::ifstream file("protocols/wire.md");
    return read_page(file);
  }();
  return read;
}

template <class T>
constexpr const char* enum_name = nullptr;
template <>
constexpr const char* enum_name<State> = "state";
template <>
constexpr const char* enum_name<Status> = "status";
template <>
constexpr const char* enum_name<FaultCode> = "fault_code";
template <>
constexpr const char* enum_name<Trigger> = "trigger";
template <>
constexpr const char* enum_name<ResetCause> = "reset_cause";
template <>
constexpr const char* enum_name<Signal> = "signal";

template <class T>
constexpr const char* record_name = nullptr;
template <>
constexpr const char* record_name<SignalScale> = "signal_scale";
template <>
constexpr const char* record_name<SpikeRecord> = "spike_record";
template <>
constexpr const char* record_name<Level> = "level";
template <>
constexpr const char* record_name<CurrentMean> = "current_mean";

/// Bytes of a value on the wire, a list counted as empty.
template <class T>
std::size_t wire_size(const T& value) {
  std::vector<std::uint8_t> out(1000);
  detail::Writer writer{out};
  writer.put(value);
  return writer.size();
}

/// The type as the page writes it; adc and fine are names for u16 and i32, which C++ cannot tell apart.
template <class T>
std::string kind_of(const T& value) {
  if constexpr (detail::Composite<const T>) {
    return record_name<T>;
  } else if constexpr (detail::IsSequence<T>::value) {
    return fmt::format("list<{}, {}>", kind_of(value[0]), T::capacity);
  } else if constexpr (detail::IsArray<T>::value) {
    return fmt::format("{}[{}]", kind_of(value[0]), value.size());
  } else if constexpr (std::is_same_v<T, char>) {
    return "char";
  } else if constexpr (std::is_same_v<T, Sample>) {
    return "sample";
  } else if constexpr (std::is_same_v<T, Ticks>) {
    return "ticks";
  } else if constexpr (std::is_same_v<T, double>) {
    return "f64";
  } else if constexpr (std::is_enum_v<T>) {
    return enum_name<T>;
  } else {
    return fmt::format("{}{}", std::is_signed_v<T> ? 'i' : 'u', 8 * sizeof(T));
  }
}

template <class Message>
std::vector<Row> rows_of(const Message& message) {
  std::vector<Row> rows;
  std::size_t offset = 0;
  Message::fields(message, [&](const char* name, const auto& field) {
    using Field = std::decay_t<decltype(field)>;
    std::string bytes;
    if constexpr (detail::IsSequence<Field>::value) {
      bytes = fmt::format("1 + n × {}", wire_size(field[0]));
    } else {
      bytes = std::to_string(wire_size(field));
    }
    rows.push_back({name, kind_of(field), offset, bytes});
    offset += wire_size(field);
  });
  return rows;
}

std::vector<Row> with_plain_numbers(std::vector<Row> rows) {
  const auto replace = [](std::string& kind, const std::string& word, const char* plain) {
    const std::size_t at = kind.find(word);
    if (at != std::string::npos) kind.replace(at, word.size(), plain);
  };
  for (Row& row : rows) {
    replace(row.kind, "adc", "u16");
    replace(row.kind, "fine", "i32");
  }
  return rows;
}

TEST(WirePage, ListsEveryMessageInTheOrderOfTheTable) {
  std::vector<std::string> ours;
  for_each_message([&](const auto& message) { ours.push_back(fmt::format("{} {:#04x}", message.name, message.type)); });
  std::vector<std::string> theirs;
  for (const PageMessage& message : page().messages)
    theirs.push_back(fmt::format("{} {:#04x}", message.name, message.type));
  EXPECT_EQ(theirs, ours);
}

TEST(WirePage, GivesEveryFieldItsNameTypeOffsetAndSize) {
  std::size_t number = 0;
  for_each_message([&](const auto& message) {
    ASSERT_LT(number, page().messages.size());
    EXPECT_EQ(with_plain_numbers(page().messages[number++].rows), rows_of(message)) << message.name;
  });
}

TEST(WirePage, GivesEveryFieldOfARecordItsNameTypeOffsetAndSize) {
  const auto compare = [](const auto& record) {
    const std::string name = record_name<std::decay_t<decltype(record)>>;
    ASSERT_TRUE(page().records.contains(name)) << name;
    EXPECT_EQ(with_plain_numbers(page().records.at(name)), rows_of(record)) << name;
  };
  compare(SignalScale{});
  compare(SpikeRecord{});
  compare(Level{});
  compare(CurrentMean{});
  EXPECT_EQ(page().records.size(), 4U);
}

TEST(WirePage, NamesTheCodesOfTheConvertersAsSuch) {
  // Without this the comparison above would let a fine code pass as any i32.
  int fine = 0;
  int adc = 0;
  for (const PageMessage& message : page().messages) {
    for (const Row& row : message.rows) {
      fine += row.kind == "fine" ? 1 : 0;
      adc += row.kind.find("adc") != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_EQ(fine, 11);
  EXPECT_EQ(adc, 8);
}

using Values = std::map<std::string, unsigned>;
template <class E>
unsigned number(E value) {
  return static_cast<unsigned>(value);
}
#define THYRODE_VALUE(type, value) \
  { #value, number(type::value) }

TEST(WirePage, GivesEveryEnumItsValues) {
  EXPECT_EQ(page().enums.at("signal"),
            (Values{THYRODE_VALUE(Signal, v_out), THYRODE_VALUE(Signal, v_m), THYRODE_VALUE(Signal, i_read)}));
  EXPECT_EQ(page().enums.at("state"),
            (Values{THYRODE_VALUE(State, idle), THYRODE_VALUE(State, armed), THYRODE_VALUE(State, running),
                    THYRODE_VALUE(State, stopping), THYRODE_VALUE(State, fault), THYRODE_VALUE(State, boot)}));
  EXPECT_EQ(
      page().enums.at("status"),
      (Values{THYRODE_VALUE(Status, done), THYRODE_VALUE(Status, bad_state), THYRODE_VALUE(Status, out_of_range),
              THYRODE_VALUE(Status, too_late), THYRODE_VALUE(Status, queue_full), THYRODE_VALUE(Status, wrong_reason),
              THYRODE_VALUE(Status, unknown), THYRODE_VALUE(Status, malformed), THYRODE_VALUE(Status, unfit)}));
  EXPECT_EQ(
      page().enums.at("fault_code"),
      (Values{THYRODE_VALUE(FaultCode, none), THYRODE_VALUE(FaultCode, lease_expired),
              THYRODE_VALUE(FaultCode, late_segment), THYRODE_VALUE(FaultCode, current_limit),
              THYRODE_VALUE(FaultCode, readback), THYRODE_VALUE(FaultCode, compliance),
              THYRODE_VALUE(FaultCode, overrun), THYRODE_VALUE(FaultCode, estop),
              THYRODE_VALUE(FaultCode, telemetry_lost), THYRODE_VALUE(FaultCode, charge),
              THYRODE_VALUE(FaultCode, open_loop), THYRODE_VALUE(FaultCode, stuck), THYRODE_VALUE(FaultCode, rail)}));
  EXPECT_EQ(page().enums.at("trigger"), (Values{THYRODE_VALUE(Trigger, swing), THYRODE_VALUE(Trigger, level)}));
  EXPECT_EQ(
      page().enums.at("reset_cause"),
      (Values{THYRODE_VALUE(ResetCause, power_on), THYRODE_VALUE(ResetCause, pin), THYRODE_VALUE(ResetCause, brown_out),
              THYRODE_VALUE(ResetCause, watchdog), THYRODE_VALUE(ResetCause, software),
              THYRODE_VALUE(ResetCause, crash), THYRODE_VALUE(ResetCause, other)}));
  EXPECT_EQ(page().enums.size(), 6U);
}

std::map<std::string, unsigned> masks(const std::string& field) {
  std::map<std::string, unsigned> masks;
  for (const auto& [name, bit] : page().bits.at(field)) masks[name] = 1U << bit;
  return masks;
}

TEST(WirePage, GivesEveryCapabilityItsBit) {
  EXPECT_EQ(masks("ident.capabilities"), (Values{{"can_virtual_time", can_virtual_time},
                                                 {"can_snippets", can_snippets},
                                                 {"can_full_trace", can_full_trace},
                                                 {"can_set_baud", can_set_baud},
                                                 {"can_set_part", can_set_part},
                                                 {"can_trigger", can_trigger},
                                                 {"lacks_clock", lacks_clock},
                                                 {"lacks_converters", lacks_converters},
                                                 {"codes_noise_free", codes_noise_free}}));
}

#undef THYRODE_VALUE

}  // namespace
}  // namespace thyrode::protocol
