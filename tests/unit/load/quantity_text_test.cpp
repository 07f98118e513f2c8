#include "daemon/experiment/load/quantity_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace thyrode::load {
namespace {

using Kind = QuantityKind;

std::string refusal(std::string_view text, Kind kind) {
  const auto value = parse_quantity(text, kind);
  return value ? "accepted" : value.error().message;
}

TEST(QuantityText, ReadsEveryUnitToTheNearestDouble) {
  struct Case {
    const char* text;
    Kind kind;
    double si;
  };
  const std::vector<Case> cases{
      {"45.3 uA", Kind::current, 45.3e-6},
      {"45.3uA", Kind::current, 45.3e-6},
      {"45.3 µA", Kind::current, 45.3e-6},
      {"45.3 \u03bcA", Kind::current, 45.3e-6},
      {"-20 nA", Kind::current, -20e-9},
      {"+1.5e-4 A", Kind::current, 1.5e-4},
      {"150 pA", Kind::current, 150e-12},
      {"3 fA", Kind::current, 3e-15},
      {"3 V", Kind::voltage, 3.0},
      {"0.9059 V", Kind::voltage, 0.9059},
      {"7.116 mV", Kind::voltage, 7.116e-3},
      {"100 ms", Kind::duration, 0.1},
      {"15.89 us", Kind::duration, 15.89e-6},
      {"20 min", Kind::duration, 1200.0},
      {"2 h", Kind::duration, 7200.0},
      {".5 s", Kind::duration, 0.5},
      {"5. s", Kind::duration, 5.0},
      {"0.5 Hz", Kind::frequency, 0.5},
      {"50 /s", Kind::frequency, 50.0},
      {"25 kS/s", Kind::sampling_rate, 25e3},
      {"1 MS/s", Kind::sampling_rate, 1e6},
      {"47 Ohm", Kind::resistance, 47.0},
      {"2.4 kOhm", Kind::resistance, 2400.0},
      {"47 Ω", Kind::resistance, 47.0},
      {"1 GOhm", Kind::resistance, 1e9},
      {"1.309 uS", Kind::conductance, 1.309e-6},
      {"10 uF", Kind::capacitance, 10e-6},
      {"0.28 uC", Kind::charge, 0.28e-6},
      {"5 mA/s", Kind::slew, 5e-3},
      {"20 A/s", Kind::slew, 20.0},
      {"60 mC/min", Kind::charge_rate, 1e-3},
      {"2 nA/rtHz", Kind::current_density, 2e-9},
      {"2nA/√Hz", Kind::current_density, 2e-9},
      {"0.5 pA/sqrt(Hz)", Kind::current_density, 0.5e-12},
      {"2 %", Kind::ratio, 0.02},
      {"0.2%", Kind::ratio, 0.002},
      {"  34 \t uA ", Kind::current, 34e-6},
      {"0 uA", Kind::current, 0.0},
      {"17", Kind::number, 17.0},
  };
  for (const Case& c : cases) {
    const auto value = parse_quantity(c.text, c.kind);
    ASSERT_TRUE(value.has_value()) << c.text << ": " << value.error().message;
    EXPECT_EQ(*value, c.si) << c.text;
  }
}

TEST(QuantityText, TellsUpperFromLowerCase) {
  EXPECT_EQ(*parse_quantity("1 mA", Kind::current), 1e-3);
  EXPECT_EQ(*parse_quantity("1 MA", Kind::current), 1e6);
  EXPECT_EQ(refusal("500 mS", Kind::duration), "'500 mS' is a conductance, not a time; write for example \"500 ms\"");
  EXPECT_EQ(refusal("34 ua", Kind::current), "'34 ua' has the unknown unit 'ua'; did you mean \"34 uA\"?");
  EXPECT_EQ(refusal("34 KHz", Kind::frequency), "'34 KHz' has the unknown unit 'KHz'; did you mean \"34 kHz\"?");
}

TEST(QuantityText, RefusesABareNumberAndShowsAUnit) {
  EXPECT_EQ(refusal("34", Kind::current), "34 has no unit; write for example \"34 uA\"");
  EXPECT_EQ(refusal("1e-4", Kind::current), "1e-4 has no unit; write for example \"1e-4 uA\"");
  EXPECT_EQ(refusal("25000", Kind::sampling_rate), "25000 has no unit; write for example \"25000 kS/s\"");
}

TEST(QuantityText, NamesTheKindOfAnotherUnit) {
  EXPECT_EQ(refusal("34 mV", Kind::current), "'34 mV' is a voltage, not a current; write for example \"34 uA\"");
  EXPECT_EQ(refusal("25 kHz", Kind::sampling_rate),
            "'25 kHz' is a rate, not a sampling rate; write for example \"25 kS/s\"");
  EXPECT_EQ(refusal("50 mC/min", Kind::current),
            "'50 mC/min' is a charge per time, not a current; write for example \"50 uA\"");
  EXPECT_EQ(refusal("4 V", Kind::number), "'4 V' is a voltage, not a number without unit; write for example 4");
}

TEST(QuantityText, RefusesWhatIsNotANumber) {
  for (const char* text :
       {"",     " ",       "uA",       "nan uA",  "NaN",      "inf",   ".inf", "-infinity A", "- 3 uA",  "+-3 uA", ".",
        "e5 A", "0x10 uA", "1_000 uA", "1..5 uA", "1.2.3 uA", "--1 A", "1e A", "1 2 uA",      "3 uA uA", "3 u A"}) {
    EXPECT_NE(refusal(text, Kind::current), "accepted") << text;
  }
  EXPECT_EQ(refusal("off", Kind::current), "'off' is not a number with a unit; write for example \"45.3 uA\"");
  EXPECT_EQ(refusal("34,5 uA", Kind::current), "'34,5 uA' has a comma in its number; write \"34.5 uA\"");
}

TEST(QuantityText, RefusesWhatNoDoubleHolds) {
  const std::string range = " is outside the range of numbers; write a value between 1e-300 and 1e300 of its SI unit";
  EXPECT_EQ(refusal("1e999 uA", Kind::current), "'1e999 uA'" + range);
  EXPECT_EQ(refusal("1e-999 uA", Kind::current), "'1e-999 uA'" + range);
  EXPECT_EQ(refusal("1e99999999999999999999 uA", Kind::current), "'1e99999999999999999999 uA'" + range);
  EXPECT_EQ(refusal("1e306 h", Kind::duration), "'1e306 h'" + range);
  EXPECT_EQ(refusal("1e300 GA", Kind::current), "'1e300 GA'" + range);
  EXPECT_NE(refusal(std::string(5000, '9'), Kind::current), "accepted");
}

TEST(QuantityText, RefusesUnitsNobodyKnowsWithTheListOfThem) {
  EXPECT_EQ(
      refusal("3 parsec", Kind::current),
      "'3 parsec' has the unknown unit 'parsec'; units are A V s min h Hz S/s Ohm S F C A/s C/min A/rtHz % with the "
      "prefixes f p n u m k M G");
  EXPECT_NE(refusal("3 m%", Kind::ratio), "accepted");
  EXPECT_NE(refusal("3 kmin", Kind::duration), "accepted");
}

TEST(QuantityText, KeepsMessagesShortWholeAndFreeOfControlCharacters) {
  const std::string message = refusal(std::string(59, 'x') + "µµµµ\x1b[31m", Kind::current);
  EXPECT_LT(message.size(), 150U);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_NE(message.find("xxx...'"), std::string::npos) << message;
  EXPECT_EQ(refusal("\x1b[31m", Kind::current), "'?[31m' is not a number with a unit; write for example \"45.3 uA\"");
}

TEST(QuantityText, GivesTheSiUnitOfAnyQuantity) {
  const auto farads = parse_any_quantity("10 uF");
  ASSERT_TRUE(farads.has_value());
  EXPECT_EQ(*farads, (AnyQuantity{10e-6, Kind::capacitance}));
  EXPECT_EQ(si_unit(farads->kind), "F");
  EXPECT_EQ(si_unit(parse_any_quantity("47 Ω")->kind), "Ohm");
  EXPECT_EQ(si_unit(parse_any_quantity("2 min")->kind), "s");
  EXPECT_EQ(si_unit(parse_any_quantity("12")->kind), "");
  EXPECT_EQ(si_unit(parse_any_quantity("12 %")->kind), "");
}

TEST(QuantityText, TypedFormsCarryTheirDimension) {
  EXPECT_EQ(parse_current("45.3uA")->si(), 45.3e-6);
  EXPECT_EQ(parse_duration("2s")->si(), 2.0);
  EXPECT_EQ(parse_voltage("55 mV")->si(), 55e-3);
  EXPECT_EQ(parse_frequency("1 Hz")->si(), 1.0);
  EXPECT_EQ(parse_sampling_rate("25 kS/s")->si(), 25e3);
  EXPECT_FALSE(parse_current("2s").has_value());
  EXPECT_EQ(parse_duration("2").error().kind, ErrorKind::bad_input);
}

TEST(QuantityText, WritesWithThePrefixPeopleUse) {
  EXPECT_EQ(format_quantity(45.3e-6, Kind::current), "45.3 uA");
  EXPECT_EQ(format_quantity(140e-6, Kind::current), "140 uA");
  EXPECT_EQ(format_quantity(-20e-9, Kind::current), "-20 nA");
  EXPECT_EQ(format_quantity(0.0, Kind::current), "0 A");
  EXPECT_EQ(format_quantity(-0.0, Kind::current), "0 A");
  EXPECT_EQ(format_quantity(25e3, Kind::sampling_rate), "25 kS/s");
  EXPECT_EQ(format_quantity(0.1, Kind::duration), "100 ms");
  EXPECT_EQ(format_quantity(86400.0, Kind::duration), "24 h");
  EXPECT_EQ(format_quantity(120.0, Kind::duration), "2 min");
  EXPECT_EQ(format_quantity(60.0, Kind::duration), "60 s");
  EXPECT_EQ(format_quantity(121.0, Kind::duration), "121 s");
  EXPECT_EQ(format_quantity(0.0, Kind::ratio), "0 %");
  EXPECT_EQ(format_quantity(0.02, Kind::ratio), "2 %");
  EXPECT_EQ(format_quantity(0.0001, Kind::ratio), "0.01 %");
  EXPECT_EQ(format_quantity(0.125, Kind::ratio), "12.5 %");
  EXPECT_EQ(format_quantity(-1.5, Kind::ratio), "-150 %");
  EXPECT_EQ(format_quantity(1e-30, Kind::voltage), "1e-30 V");
  EXPECT_EQ(format_quantity(0.25, Kind::number), "0.25");
  EXPECT_EQ(format_rounded(999.96e-6, Kind::current), "1 mA");
  EXPECT_EQ(format_rounded(92e-6 / 13.0, Kind::current), "7.077 uA");
}

}  // namespace
}  // namespace thyrode::load
