// Colours: Okabe and Ito's, which people with any colour vision tell apart, for a light and a dark ground.

export interface Palette {
  ground: string;
  ink: string;
  muted: string;
  grid: string;
  /** By leg: up, down, up again ... */
  legs: string[];
  trace: string;
  envelope: string;
  band: string;
  transition: string;
  select: string;
  gap: string;
}

export const light: Palette = {
  ground: "#ffffff",
  ink: "#1b1f24",
  muted: "#57606a",
  grid: "#e3e6ea",
  legs: ["#0072b2", "#d55e00", "#009e73", "#aa4499"],
  trace: "#0072b2",
  envelope: "#a8cfe6",
  band: "#d9dde2",
  transition: "#f3dfb0",
  select: "#1b1f24",
  gap: "#f0b8b8",
};

export const dark: Palette = {
  ground: "#15191e",
  ink: "#e8ebee",
  muted: "#a3adb8",
  grid: "#2c333b",
  legs: ["#56b4e9", "#f0913c", "#3fc79a", "#dd8ec9"],
  trace: "#56b4e9",
  envelope: "#2a5878",
  band: "#39424c",
  transition: "#4d4225",
  select: "#ffffff",
  gap: "#6d2f2f",
};

/** One colour a pattern, whatever the ground: a map is a picture of its own. */
export const labelColours: Record<string, string> = {
  QH: "#dadde1",
  QD: "#7d858e",
  TS: "#e69f00",
  FS: "#56b4e9",
  IB1: "#009e73",
  IB2: "#f0e442",
  soft: "#cc79a7",
  irregular: "#d55e00",
  transient: "#c9b79c",
  mixed: "#33383e",
  undetermined: "#ffffff",
};

export type Choice = "auto" | "light" | "dark";

/** Which theme the page has, and who wants to know when it changes. */
export class Theme {
  private readonly listeners: (() => void)[] = [];
  private readonly system = matchMedia("(prefers-color-scheme: dark)");
  private chosen: Choice = "auto";

  constructor() {
    this.system.addEventListener("change", () => this.apply());
    this.apply();
  }

  get choice(): Choice {
    return this.chosen;
  }
  get palette(): Palette {
    return this.isDark ? dark : light;
  }
  choose(choice: Choice): void {
    this.chosen = choice;
    this.apply();
  }
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  private get isDark(): boolean {
    return this.chosen === "auto" ? this.system.matches : this.chosen === "dark";
  }
  private apply(): void {
    document.documentElement.dataset["theme"] = this.isDark ? "dark" : "light";
    for (const listener of this.listeners) listener();
  }
}
