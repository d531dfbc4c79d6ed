/**
 * The system's resolver (`getaddrinfo`: hosts file, nsswitch, search domains) in a child process.
 *
 * `getaddrinfo` blocks a thread of libuv's pool and cannot be cancelled. In this process a few names whose servers do not
 * answer would hold up every other name, and `process.exit`, which joins the threads of the pool, would wait for them. The
 * child is started with the first query, does not keep the process running, and exits when this process has exited.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { basename, dirname } from 'node:path';

/** A question that was asked. */
export interface Query {
  /** Addresses as the resolver gives them. Rejects with an error whose `code` is the resolver's. */
  readonly answer: Promise<string[]>;
  /** Nobody waits for the answer any more. */
  abandon(): void;
}

export interface SystemQuestion {
  readonly name: string;
  /** Called when the question leaves the queue: time counts from then. */
  readonly started: () => void;
  /** Asks in another way, where a child process cannot be started. */
  readonly fallback: () => Query;
}

/** `EAI_AGAIN` and the like: `code` is set when there are no addresses. */
interface Reply {
  readonly id: number;
  readonly code?: string;
  readonly addresses: string[];
}

interface Question extends SystemQuestion {
  readonly found: (addresses: string[]) => void;
  readonly failed: (error: unknown) => void;
  isAbandoned: boolean;
  /** The query of the fallback. */
  other?: Query;
}

/** Questions at a time. libuv gives half of its pool to `getaddrinfo`; so no question waits in the child. */
export const MAX_QUESTIONS = 16;
const POOL_SIZE = 2 * MAX_QUESTIONS;
/** How long a child without a question is kept, milliseconds. */
const IDLE_MS = 30_000;

/**
 * Answers each message `{ id, name }`. An interrupt from the terminal reaches it too: it leaves only when the channel closes, and
 * then by SIGKILL, because an ordinary exit would wait for `getaddrinfo`.
 */
export const RESOLVER_SCRIPT = `
const dns = require('node:dns');
const send = (message) => process.send(message, () => undefined);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', ({ id, name }) => {
  dns.lookup(String(name), { all: true }, (error, found) =>
    send({ id, code: error?.code, addresses: (found ?? []).map(({ address }) => address) }));
});
send({ ready: true });
`;

/** Only Node.js itself takes `-e`: another program, a bundle for example, would start a second time. */
const isNode = (program: string): boolean => /^node/i.test(basename(program));

function start(script: string): ChildProcess | undefined {
  if (!isNode(process.execPath)) return undefined;
  try {
    return spawn(process.execPath, ['-e', script], {
      cwd: dirname(process.execPath),
      env: { ...process.env, NODE_OPTIONS: '', UV_THREADPOOL_SIZE: String(POOL_SIZE) },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      windowsHide: true,
    });
  } catch {
    // The permission model, or no more files.
    return undefined;
  }
}

/** Asks the system's resolver. At most {@link MAX_QUESTIONS} names at a time; the others wait here. */
export class ResolverProcess {
  #child: ChildProcess | undefined;
  #isReady = false;
  #idle: NodeJS.Timeout | undefined;
  #lastid = 0;
  readonly #waiting = new Set<Question>();
  /** What the child is asking, abandoned questions included: each holds one of its threads. */
  readonly #asked = new Map<number, Question>();

  constructor(private readonly script = RESOLVER_SCRIPT) {}

  ask(asked: SystemQuestion): Query {
    let question!: Question;
    const answer = new Promise<string[]>((found, failed) => {
      question = { ...asked, found, failed, isAbandoned: false };
    });
    this.#waiting.add(question);
    this.#next();
    return { answer, abandon: () => this.#abandon(question) };
  }

  #abandon(question: Question): void {
    question.isAbandoned = true;
    question.other?.abandon();
    this.#waiting.delete(question);
    this.#next();
  }

  #next(): void {
    if (this.#isStuck()) this.#lose(this.#child);
    if (this.#waiting.size > 0 && !this.#child) this.#start();
    for (const question of this.#waiting) {
      if (!this.#isReady || this.#asked.size >= MAX_QUESTIONS) break;
      this.#hand(question);
    }
    this.#hold();
  }

  /** Every thread of the child serves a query that no caller waits for, and others wait. */
  #isStuck(): boolean {
    const isFull = this.#asked.size >= MAX_QUESTIONS && this.#waiting.size > 0;
    return isFull && [...this.#asked.values()].every(({ isAbandoned }) => isAbandoned);
  }

  #start(): void {
    const child = (this.#child = start(this.script));
    if (!child) return this.#fallBack([...this.#waiting]);
    child.unref();
    child.on('message', (message) => this.#receive(child, message as Reply));
    child.on('error', () => this.#lose(child));
    child.on('exit', () => this.#lose(child));
  }

  #receive(child: ChildProcess, reply: Reply): void {
    if (child !== this.#child) return;
    const question = this.#asked.get(reply.id);
    this.#asked.delete(reply.id);
    if (reply.code === undefined) question?.found(reply.addresses);
    else question?.failed(Object.assign(new Error(reply.code), { code: reply.code }));
    this.#isReady = true;
    this.#next();
  }

  #hand(question: Question): void {
    const id = ++this.#lastid;
    this.#waiting.delete(question);
    this.#asked.set(id, question);
    question.started();
    this.#child?.send({ id, name: question.name }, () => undefined);
  }

  /** The child has exited, or is to exit. One that never answered is not started again. */
  #lose(child: ChildProcess | undefined): void {
    if (!child || child !== this.#child) return;
    const lost = [...this.#asked.values(), ...(this.#isReady ? [] : this.#waiting)];
    this.#child = undefined;
    this.#isReady = false;
    this.#asked.clear();
    child.kill('SIGKILL');
    this.#fallBack(lost.filter(({ isAbandoned }) => !isAbandoned));
    this.#next();
  }

  #fallBack(questions: readonly Question[]): void {
    for (const question of questions) {
      this.#waiting.delete(question);
      question.other = question.fallback();
      question.other.answer.then(question.found, question.failed);
    }
  }

  /** Only queries that a caller waits for keep this process running. */
  #hold(): void {
    const child = this.#child;
    const isNeeded = this.#waiting.size > 0 || [...this.#asked.values()].some((q) => !q.isAbandoned);
    clearTimeout(this.#idle);
    if (!child) return;
    if (isNeeded) return child.channel?.ref();
    child.channel?.unref();
    this.#idle = setTimeout(() => this.#lose(child), IDLE_MS).unref();
  }
}
