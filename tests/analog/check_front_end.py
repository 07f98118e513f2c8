"""What the analog front end must do, solved by ngspice from the parts of docs/hardware/front_end.yaml."""

import unittest

import bench
import budget

MICRO = 1e-6
LEAST_CURRENT_OFF = 1.0 * MICRO  # A: what may flow while the switch is open
# What `calibrate` takes out and the emulated front end draws: gain 1 %, zero 5 codes.
GAIN_TAKEN_OUT, ZERO_TAKEN_OUT = 0.01, 5.0


class Source(unittest.TestCase):
    def test_gives_four_hundred_microamperes_over_the_range_of_the_dac(self):
        self.assertAlmostEqual(bench.direct()["transconductance"] * 3.3 / 400e-6, 1.0, delta=0.003)
        self.assertGreater(bench.direct()["current_range"], 199e-6)

    def test_is_straight_to_a_hundredth_of_a_code(self):
        self.assertLess(bench.direct()["current_bend"], 0.01 * bench.AMPS_PER_DAC_CODE)

    def test_is_zero_within_a_code_where_the_dac_is_in_the_middle(self):
        self.assertLess(abs(bench.direct()["current_zero"]), bench.AMPS_PER_DAC_CODE)

    def test_keeps_its_current_over_the_membrane_range_and_half_a_volt_more_on_weak_rails(self):
        weak = bench.compliance("5.5", "-5.5")
        for key in ("high", "low"):
            self.assertGreater(bench.direct()[f"compliance_{key}"], 3.5)
            self.assertGreater(weak[key], 3.2)

    def test_feels_three_volts_of_load_as_less_than_a_third_of_a_code(self):
        self.assertGreater(bench.direct()["output_resistance"], 100e6)
        self.assertLess(abs(bench.direct()["mean_shift"]), bench.AMPS_PER_DAC_CODE / 3)

    def test_is_faster_than_two_samples_and_does_not_ring_on_any_load(self):
        self.assertGreater(bench.frequency()["source_corner"], 300e3)
        for load in bench.LOADS:
            with self.subTest(load=load):
                step = bench.step(load)
                # C1 takes its share of what flows into 100 nF.
                share = 1.0 / 101.0 if load == "100 nF" else 0.0
                self.assertAlmostEqual(step["moved"] / bench.SWEEP, 1.0 - share, delta=0.005)
                self.assertLess(step["overshoot"], 0.02)
                # 15 kOhm fill C1 with a time constant of 16 us.
                self.assertLess(step["settling"], 90e-6 if load == "15 kΩ" else 8e-6)

    def test_reads_itself_back_by_another_resistor(self):
        self.assertAlmostEqual(bench.direct()["read_gain"] / 6600.0, 1.0, delta=0.002)
        self.assertAlmostEqual(bench.direct()["read_zero"], 2048.0, delta=1.0)
        self.assertLess(bench.direct()["read_bend"], 0.1)


class Inputs(unittest.TestCase):
    def test_have_the_nominal_scales_of_the_instrument(self):
        direct = bench.direct()
        self.assertAlmostEqual(direct["membrane_gain"], 1.0, delta=0.001)
        self.assertAlmostEqual(direct["output_gain"], 4.0, delta=0.004)
        for name in ("membrane", "output"):
            self.assertAlmostEqual(direct[f"{name}_zero"], 32.0, delta=1.0)
            self.assertLess(direct[f"{name}_bend"], 0.1)

    def test_lose_three_decibels_at_four_tenths_of_the_sampling_rate(self):
        for name in ("membrane", "output", "read"):
            with self.subTest(signal=name):
                found = bench.frequency()
                self.assertAlmostEqual(found[f"{name}_corner"] / 100e3, 1.0, delta=0.04)
                self.assertLess(found[f"{name}_peaking"], 0.1)
                self.assertGreater(found[f"{name}_at_150k"], 7.4)
                self.assertGreater(found[f"{name}_at_1m"], 38.0)


class Supply(unittest.TestCase):
    def test_of_both_rails_is_six_volts(self):
        for upper, lower in (("R61", "R62"), ("R63", "R64")):
            self.assertAlmostEqual(1.2 * (1.0 + budget.ohms(upper) / budget.ohms(lower)), 6.0, delta=0.1)


class Neuron(unittest.TestCase):
    def test_of_published_values_fires_as_on_an_ideal_source(self):
        # The solver itself repeats the fast cycle of the MBN to a few parts in a thousand only.
        for name, repeats in (("msn", 1e-3), ("mbn", 5e-3)):
            with self.subTest(neuron=name):
                found = bench.neuron(name)
                self.assertGreaterEqual(found["spikes"], 3)
                self.assertAlmostEqual(found["interval"] / found["ideal_interval"], 1.0, delta=repeats)
                self.assertAlmostEqual(found["mean_current"] / found["command"], 1.0, delta=3e-3)

    def test_shows_the_peak_of_its_spikes_to_the_converter(self):
        for name in ("msn", "mbn"):
            with self.subTest(neuron=name):
                found = bench.neuron(name)
                self.assertAlmostEqual(found["seen"] / found["peak"], 1.0, delta=0.06)

    def test_of_a_hundred_nanofarad_is_slower_by_what_the_source_adds_to_its_membrane(self):
        found = bench.neuron("msn-fast")
        self.assertGreaterEqual(found["spikes"], 5)
        self.assertAlmostEqual(found["interval"] / found["ideal_interval"], 1.0 + 1e-9 / 100e-9, delta=3e-3)

    def test_bursting_or_fast_does_not_make_the_source_lose_its_current(self):
        for name in ("mbn", "mbn-fast"):
            with self.subTest(neuron=name):
                found = bench.neuron(name)
                self.assertGreaterEqual(found["spikes"], 10)
                self.assertAlmostEqual(found["mean_current"] / found["command"], 1.0, delta=5e-3)


class OpenSwitch(unittest.TestCase):
    def test_lets_less_than_a_microampere_through_whichever_rail_comes_or_goes_first(self):
        self.assertEqual(len(bench.worst_ramp()), 8)
        for name, worst in bench.worst_ramp().items():
            with self.subTest(rails=name):
                self.assertLess(worst, LEAST_CURRENT_OFF)

    def test_would_be_seen_if_it_were_not_open(self):
        current = bench.ramp_current(bench.ramps(True)["-6 V up first"], -1, relay={"goff": "1m"})
        self.assertGreater(current, 100 * LEAST_CURRENT_OFF)

    def test_lets_less_than_a_microampere_through_with_the_dac_at_either_rail(self):
        for name in ("DAC at 0", "DAC at 3.3 V"):
            self.assertLess(bench.open_switch()[name], LEAST_CURRENT_OFF)

    def test_follows_a_reset_within_a_tenth_of_a_millisecond(self):
        found = bench.open_switch()
        self.assertGreater(found["before_reset"], 190e-6)
        self.assertLess(found["reset_time"], 100e-6)
        self.assertLess(found["reset_after"], LEAST_CURRENT_OFF)

    def test_need_not_open_for_a_floating_dac_pin_to_command_little(self):
        # A nanoampere of leakage is 10 mV on R1, 12 codes: the read-back sees more than that.
        self.assertLess(bench.open_switch()["dead DAC, switch closed"], 15 * bench.AMPS_PER_DAC_CODE)

    def test_lets_the_source_be_read_back_without_a_neuron(self):
        closed = bench.direct()["read_gain"] * bench.direct()["transconductance"]
        self.assertAlmostEqual(bench.open_switch()["parked_gain"] / closed, 1.0, delta=0.002)

    def test_closes_with_less_than_a_nanocoulomb(self):
        self.assertLess(abs(bench.closing()["charge"]), 1e-9)


class Noise(unittest.TestCase):
    def test_of_the_source_is_the_sum_of_its_budget(self):
        self.assertAlmostEqual(bench.noise()["current 100 kHz"] / budget.sum_of(budget.current()), 1.0, delta=0.05)
        self.assertLess(bench.noise()["current 1 MHz"], 0.1 * bench.AMPS_PER_DAC_CODE)

    def test_of_the_inputs_is_the_sum_of_their_budgets_and_far_below_a_code(self):
        for pin, rows in (("adc_m", budget.membrane()), ("adc_o", budget.output())):
            with self.subTest(pin=pin):
                self.assertAlmostEqual(bench.noise()[pin] / budget.sum_of(rows), 1.0, delta=0.10)
                self.assertLess(bench.noise()[pin], 0.05 * bench.VOLTS_PER_CODE)

    def test_of_the_read_back_holds_that_of_the_current_too(self):
        added = budget.sum_of(budget.read_back())
        true = budget.sum_of(budget.current()) * 6600.0
        self.assertAlmostEqual(bench.noise()["adc_i"] / (added**2 + true**2) ** 0.5, 1.0, delta=0.10)
        self.assertLess(bench.noise()["adc_i"], 0.1 * bench.VOLTS_PER_CODE)


class Tolerances(unittest.TestCase):
    def test_leave_every_board_within_what_calibration_takes_out(self):
        found = bench.corners()
        with self.subTest(seed=bench.SEED):
            for key in ("current_gain", "read_gain", "membrane_gain", "output_gain"):
                self.assertLess(max(map(abs, found[key])), GAIN_TAKEN_OUT, key)
            for key in ("current_zero", "output_zero"):
                self.assertLess(max(map(abs, found[key])), ZERO_TAKEN_OUT, key)
            for key in ("membrane_corner", "output_corner"):
                self.assertLess(max(map(abs, found[key])), 0.05, key)

    def test_make_boards_differ(self):
        low, high = bench.corners()["output_gain"]
        self.assertGreater(high - low, 2e-4)


if __name__ == "__main__":
    unittest.main()
