/** Measures what waits to be sent to one peer: how many bytes, and since when the system has taken none of them. */
export class UnsentBytes {
  /** Bytes that waited at the last update. */
  bytes = 0;
  /** Timestamp since which bytes wait and the system has taken none; -1 when none wait. */
  stalledat = -1;

  /** `pending`: bytes that the link holds now; `added`: bytes that were written to it since the last update. */
  update(at: number, pending: number, added = 0): void {
    const moved = pending < this.bytes + added;
    if (pending === 0) this.stalledat = -1;
    else if (moved || this.stalledat < 0) this.stalledat = at;
    this.bytes = pending;
  }
}
