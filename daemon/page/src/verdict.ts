// Whether a recording is whole: the one box that a reader looks at first.
import type { Recording } from "./recording";
import { count, duration, fixed, number, whole } from "./words";

export interface Verdict {
  good: boolean;
  title: string;
  lines: string[];
}

const ends: Record<string, string> = {
  stopped: "The run was stopped before its plan had ended.",
  device_lost: "The run ended because the device was lost.",
  safety_trip: "The run ended with a safety trip: the device took the current to zero.",
  run_failed: "The run failed before its plan had ended.",
  continued:
    "The run went on in another file: this one has the data of its own steps, the last one the results of all.",
  recovered: "The program died before the plan had ended; the file was finished afterwards. What it holds is whole.",
  recording_overrun: "The run ended because the disk was too slow.",
};

export function verdictOf(recording: Recording): Verdict {
  const { integrity } = recording.raw.result;
  const { finalised, exit_status: exit, running } = recording.raw;
  const lost = integrity.gaps + integrity.lost_frames + integrity.overruns;
  const lines: string[] = [];
  if (!finalised) {
    lines.push(
      "The run is not finished: it goes on, or its program died. This page has what was in the file when it was " +
        "made. " +
        "β_n, fits and transitions still change with later steps.",
    );
    if (running) {
      const rate = running.frequency_hz !== null ? `, ${number(running.frequency_hz)} Hz` : "";
      lines.push(
        `Under way then: ${fixed(running.current_ua, 3)} µA on channel ${running.channel} for ` +
          `${duration(running.duration_s)}, ${count(running.n_spikes, "spike")}${rate}.`,
      );
    }
  } else if (exit !== "success") {
    lines.push(ends[exit] ?? `The run ended as “${exit}”.`);
  }
  const cut = recording.rows.filter((row) => row.status === "interrupted").length;
  if (cut > 0) lines.push(`${count(cut, "step")} cut off before the end: in no fit.`);
  const samples =
    integrity.samples > 0
      ? `${whole(integrity.samples)} samples of the trace`
      : "No trace was recorded; spikes and levels";
  if (lost === 0) {
    lines.push(`${samples}: nothing was lost on the way.`);
  } else {
    lines.push(
      `${samples}: ${count(integrity.gaps, "gap")}, ${count(integrity.lost_frames, "lost frame")}, ` +
        `${count(integrity.overruns, "overrun")}. No interval and no rate reaches across a gap.`,
    );
  }
  const late = integrity.late_decisions ?? 0;
  if (integrity.late_decisions === null || integrity.retransmits === null) {
    lines.push(
      "How many decisions came too late and messages had to be sent again is not known: the run did not end by itself.",
    );
  }
  if (late > 0) {
    lines.push(`${count(late, "decision")} came too late: the current stayed longer than planned.`);
  }
  const repeats = integrity.retransmits ?? 0;
  if (repeats > 0)
    lines.push(`${count(repeats, "message")} had to be sent again; none is missing.`);
  const whole_ = lost === 0 && late === 0;
  const ended = exit === "success" || exit === "continued";
  const good = whole_ && finalised && ended && cut === 0;
  const title = good
    ? exit === "continued"
      ? "Complete: nothing is missing from this file, one of several of its run"
      : "Complete: nothing is missing from this recording"
    : whole_
      ? "Not complete: the run did not reach its end"
      : "Not complete: data are missing";
  return { good, title, lines };
}
