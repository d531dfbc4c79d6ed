/** What was said in one case: by us, by the node, and what happened to the connections. */

export interface TranscriptLine {
  /** Milliseconds since the case began. */
  readonly at: number;
  readonly conn: string;
  /** Whose side it stands on; `both` for what happened to the connection. */
  readonly side: 'tester' | 'node' | 'both';
  readonly text: string;
}

export type Transcript = readonly TranscriptLine[];

/** More remarks than this say nothing new. */
const MOST = 400;

/** Takes remarks down. */
export class Minutes {
  readonly remarks: TranscriptLine[] = [];
  readonly #begin: number;

  constructor(private readonly now: () => number) {
    this.#begin = now();
  }

  note(conn: string, side: TranscriptLine['side'], text: string): void {
    if (this.remarks.length < MOST) {
      this.remarks.push({ at: Math.round(this.now() - this.#begin), conn, side, text });
    }
  }
}
