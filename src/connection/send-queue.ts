/** What waits to be sent to one peer: how much, and since when nothing of it has been taken. */
export class SendQueue {
  /** Bytes, as of the last look. */
  bytes = 0;
  /** Moment since which bytes wait and the system has taken none; -1 when none wait. */
  stalledat = -1;

  /** `pending`: what the link holds now; `added`: what it was given since the last look. */
  update(at: number, pending: number, added = 0): void {
    const moved = pending < this.bytes + added;
    if (pending === 0) this.stalledat = -1;
    else if (moved || this.stalledat < 0) this.stalledat = at;
    this.bytes = pending;
  }
}
