// Numbers that travelled as text: the other end of daemon/report/pack.hpp.

/** Reads whole numbers, seven bits a byte, the lowest first. */
export class Unpacker {
  private readonly bytes: Uint8Array;
  private at = 0;
  private last = 0;

  constructor(text: string) {
    const binary = atob(text);
    this.bytes = new Uint8Array(binary.length);
    for (let k = 0; k < binary.length; ++k) this.bytes[k] = binary.charCodeAt(k);
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** The next number; 0 at the end. Exact up to 2^53. */
  next(): number {
    let value = 0;
    for (let weight = 1; this.at < this.bytes.length; weight *= 128) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 127) * weight;
      if (byte < 128) break;
    }
    return value;
  }

  /** The next of a series of near numbers; NaN where it is not known. */
  nextNear(): number {
    const code = this.next();
    if (code === 0) return NaN;
    this.last += code % 2 === 1 ? (code - 1) / 2 : -code / 2;
    return this.last;
  }
}
