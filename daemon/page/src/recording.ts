// The data of a page (schema thyrode.report/1), in the shapes that the figures need.
import { Unpacker } from "./unpack";

type Maybe = number | null;

export interface Row {
  index: number;
  channel: number;
  leg: number;
  conditions: Record<string, number>;
  current_ua: number;
  direction: "up" | "down" | "none";
  start_tick: number;
  duration_s: number;
  status: string;
  label: string;
  label_fractions: Record<string, number>;
  vacancies: boolean;
  n_spikes: number;
  n_gaps: number;
  frequency_hz: Maybe;
  frequency_hz_low: Maybe;
  frequency_hz_high: Maybe;
  spike_rate_hz: Maybe;
  spike_rate_hz_low: Maybe;
  spike_rate_hz_high: Maybe;
  spikes_per_burst: Maybe;
  cv: Maybe;
  beta_n_per_ua: Maybe;
  beta_n_per_ua_low: Maybe;
  beta_n_per_ua_high: Maybe;
  beta_status: string;
  kappa: Maybe;
  kappa_low: Maybe;
  kappa_high: Maybe;
  sigma_current_ua: Maybe;
  relation: string | null;
  part: string | null;
  purpose: string | null;
  resumed_from: string | null;
  features: Maybe[];
  /** Number of the row in the table. */
  row: number;
  /** Rows that look the same: those of one leg, and those without a direction, each of which may be its own leg. */
  look: number;
}

/** The leg of a row, or where it has no direction the first such leg of its part. */
function looks(rows: Row[]): void {
  const first = new Map<string | null, number>();
  for (const row of rows) {
    if (row.direction === "none" && !first.has(row.part)) first.set(row.part, row.leg);
    row.look = row.direction === "none" ? first.get(row.part)! : row.leg;
  }
}

export interface LifFit {
  rheobase_ua: number;
  rheobase_low_ua: number;
  rheobase_high_ua: number;
  tau_ms: Maybe;
  tau_low_ms: Maybe;
  tau_high_ms: Maybe;
  refractory_ms: Maybe;
  refractory_low_ms: Maybe;
  refractory_high_ms: Maybe;
  ideal_slope_hz_per_ua: Maybe;
  ideal_slope_hz_per_ua_low: Maybe;
  ideal_slope_hz_per_ua_high: Maybe;
  range_ua: [number, number];
  chi2_per_dof: Maybe;
  accepted: boolean;
}

export interface Group {
  channel: number;
  conditions: Record<string, number>;
}

export interface Transition extends Group {
  leg: number;
  bracket_ua: [number, number];
  below: string;
  above: string;
  jump: boolean;
  ln_ratio: Maybe;
  beta_n_at_least_per_ua: Maybe;
}

export interface Loop extends Group {
  below: string;
  above: string;
  width_ua: number;
  half_range_ua: number;
  hysteretic: boolean;
  drift_separated: boolean;
}

export interface Precursor extends Group {
  leg: number;
  current_ua: number;
  beta_n_per_ua: number;
  reference_per_ua: number;
  deviations: Maybe;
  reference: string;
}

export interface DirectBeta {
  current_ua: number;
  offset_ua: number;
  beta_n_per_ua: Maybe;
  beta_n_per_ua_low: Maybe;
  beta_n_per_ua_high: Maybe;
  pairs: number;
}

export interface LabelMap {
  parameter: string;
  currents_ua: number[];
  values: number[];
  labels: string[];
  grid: (number | null)[][];
  cells: { columns: [number, number]; rows: [number, number]; label: number | null }[];
  measured_points: number;
  measurements: number;
}

export interface Fit {
  onset_low_ua: Maybe;
  onset_high_ua: Maybe;
  end_low_ua: Maybe;
  end_high_ua: Maybe;
  lif: LifFit | null;
  upper_line: {
    slope_hz_per_ua: Maybe;
    intercept_ua: Maybe;
    range_ua: [number, number];
  } | null;
  transitions: Transition[];
  loops: Loop[];
  precursors: Precursor[];
}

export interface Integrity {
  samples: number;
  gaps: number;
  overruns: number;
  retransmits: number | null; // not known where the program of the run died
  late_decisions: number | null;
  lost_frames: number;
}

interface RawDetail {
  gaps: [number, number][];
  spikes: { total: number; settling: number; held: number; times: string };
  isi: number[] | null;
  pairs: {
    bin_s: number;
    spikes: number;
    counts: number[];
    poisson_level: number;
    poisson_band95: [number, number];
    poisson_band95_all_bins: [number, number];
    featureless: boolean | null;
    window_clipped: boolean;
  } | null;
  levels: { from_s: number; every_s: number; low: string; high: string } | null;
  trace: { from_s: number; every_s: number; values: number; kept: number; packed: string } | null;
}

interface Signal {
  channel: string;
  code_mv: number;
  zero_code: number;
  trace: { code_mv: number; zero_code: number; codes_per_value: number; rate_hz: number } | null;
}

export interface RawRecording {
  file: string;
  run_files: string[];
  finalised: boolean;
  exit_status: string;
  running: {
    channel: string;
    current_ua: number;
    duration_s: number;
    n_spikes: number;
    frequency_hz: Maybe;
  } | null;
  sample_rate_hz: number;
  ticks_per_sample: number;
  virtual_time: boolean;
  signals: Signal[];
  histogram_ratio: number;
  origin: {
    session_start: string;
    finished: string;
    host_name: string;
    command_line: string;
    host_version: string;
  };
  link: { bytes_up: number; bytes_down: number; retransmits: number; lost_frames: number; bad_frames: number } | null;
  experiment_yaml: string;
  station_yaml: string;
  experiment_files: Record<string, string>;
  result: {
    experiment: string;
    device: { uri: string; board: string; firmware: string; serial: string };
    seed: number;
    steps: { keys: string[]; rows: unknown[][]; features: [string, string][] };
    fit: Fit;
    targets: { target: string; met: boolean; reached: string }[];
    direct_beta?: DirectBeta[];
    map?: LabelMap;
    integrity: Integrity;
  };
  details: (RawDetail | null)[];
}

/** A piece of a trace at its full rate. */
export interface Piece {
  from_s: number;
  every_s: number;
  mv: Float64Array;
}

/** One step with its series; times in seconds from the begin of the row. */
export interface Detail {
  gaps: [number, number][];
  /** All spikes that the page holds, those of the settling first. */
  spikes_s: Float64Array;
  total: number;
  settling: number;
  isi: { low_s: number; high_s: number; count: number }[] | null;
  pairs: RawDetail["pairs"];
  levels: { from_s: number; every_s: number; low_mv: Float64Array; high_mv: Float64Array } | null;
  trace: { pieces: Piece[]; every_s: number; values: number; kept: number } | null;
}

export class Recording {
  readonly rows: Row[];
  private readonly details = new Map<number, Detail | null>();

  constructor(readonly raw: RawRecording) {
    const { keys, rows } = raw.result.steps;
    this.rows = rows.map((values, row) => {
      const entries = keys.map((key, k) => [key, values[k]] as const);
      return { ...Object.fromEntries(entries), row } as unknown as Row;
    });
    looks(this.rows);
  }

  get features(): [string, string][] {
    return this.raw.result.steps.features;
  }

  /** Letter of a channel. */
  label(channel: number): string {
    return this.raw.signals[channel]?.channel ?? String(channel);
  }

  /** null where the page does not hold the step, or an earlier recording has its data. */
  detail(row: number): Detail | null {
    const known = this.details.get(row);
    if (known !== undefined) return known;
    const raw = this.raw.details[row];
    const detail = raw ? this.unpack(raw, this.rows[row]!.channel) : null;
    this.details.set(row, detail);
    return detail;
  }

  private unpack(raw: RawDetail, channel: number): Detail {
    return {
      gaps: raw.gaps,
      spikes_s: this.spikes(raw),
      total: raw.spikes.total,
      settling: raw.spikes.settling,
      isi: this.intervals(raw),
      pairs: raw.pairs,
      levels: this.levels(raw, channel),
      trace: this.trace(raw, channel),
    };
  }

  private spikes(raw: RawDetail): Float64Array {
    const times = new Unpacker(raw.spikes.times);
    const rate = this.raw.sample_rate_hz * this.raw.ticks_per_sample;
    const spikes = new Float64Array(raw.spikes.held);
    let ticks = 0;
    for (let k = 0; k < spikes.length; ++k) {
      ticks += times.next();
      spikes[k] = ticks / rate;
    }
    return spikes;
  }

  private intervals(raw: RawDetail): Detail["isi"] {
    if (!raw.isi) return null;
    const bins = [];
    for (let k = 0; k + 1 < raw.isi.length; k += 2) {
      const bucket = raw.isi[k]!;
      const edge = (n: number) => Math.pow(this.raw.histogram_ratio, n) * 1e-6;
      bins.push({ low_s: edge(bucket), high_s: edge(bucket + 1), count: raw.isi[k + 1]! });
    }
    return bins;
  }

  private levels(raw: RawDetail, channel: number): Detail["levels"] {
    const signal = this.raw.signals[channel];
    if (!raw.levels || !signal) return null;
    const unpack = (text: string) => {
      const codes = new Unpacker(text);
      const values: number[] = [];
      while (!codes.done) values.push((codes.nextNear() - signal.zero_code) * signal.code_mv);
      return Float64Array.from(values);
    };
    const { from_s, every_s, low, high } = raw.levels;
    return { from_s, every_s, low_mv: unpack(low), high_mv: unpack(high) };
  }

  private trace(raw: RawDetail, channel: number): Detail["trace"] {
    const signal = this.raw.signals[channel]?.trace;
    if (!raw.trace || !signal) return null;
    const { from_s, every_s, values, kept, packed } = raw.trace;
    const numbers = new Unpacker(packed);
    const pieces: Piece[] = [];
    let at = 0;
    while (!numbers.done) {
      at += numbers.next();
      const mv = new Float64Array(numbers.next());
      for (let k = 0; k < mv.length; ++k) {
        mv[k] = (numbers.nextNear() / signal.codes_per_value - signal.zero_code) * signal.code_mv;
      }
      pieces.push({ from_s: from_s + at * every_s, every_s, mv });
      at += mv.length;
    }
    return { pieces, every_s, values, kept };
  }
}
