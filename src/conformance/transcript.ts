/** The transcript of one case: what each side sent, and how connections opened and closed. */

/** One line of a transcript. */
export interface TranscriptLine {
  /** Milliseconds since the case began. */
  readonly at: number;
  /** The name of the connection; empty for none. */
  readonly conn: string;
  /** The side that acted; `both` for other events. */
  readonly side: 'tester' | 'node' | 'both';
  readonly text: string;
}

export type Transcript = readonly TranscriptLine[];

/** Most lines of one case that are kept. */
const MAX_LINES = 400;

/** Records the transcript of one case. */
export class TranscriptRecorder {
  readonly lines: TranscriptLine[] = [];
  readonly #begin: number;

  constructor(private readonly now: () => number) {
    this.#begin = now();
  }

  note(conn: string, side: TranscriptLine['side'], text: string): void {
    if (this.lines.length < MAX_LINES) {
      this.lines.push({ at: Math.round(this.now() - this.#begin), conn, side, text });
    }
  }
}
