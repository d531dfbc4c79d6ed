/** The transcript of one case: what each side sent, and what happened to the connections. */

export interface TranscriptLine {
  /** Milliseconds since the case began. */
  readonly at: number;
  readonly conn: string;
  /** Which side sent it; `both` for what happened to the connection. */
  readonly side: 'tester' | 'node' | 'both';
  readonly text: string;
}

export type Transcript = readonly TranscriptLine[];

/** Lines that are kept of one case. */
const MOST = 400;

/** Records the transcript of one case. */
export class TranscriptRecorder {
  readonly lines: TranscriptLine[] = [];
  readonly #begin: number;

  constructor(private readonly now: () => number) {
    this.#begin = now();
  }

  note(conn: string, side: TranscriptLine['side'], text: string): void {
    if (this.lines.length < MOST) {
      this.lines.push({ at: Math.round(this.now() - this.#begin), conn, side, text });
    }
  }
}
