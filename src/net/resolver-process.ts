/**
 * The system's resolver (`getaddrinfo`: hosts file, nsswitch, search domains) in a child process.
 *
 * `getaddrinfo` blocks a thread of libuv's pool and cannot be cancelled. In this process, a few names whose servers do not
 * answer would block all other look-ups, and `process.exit` would wait for the threads. The child is started with the first
 * query, does not keep this process running, and ends when this process has ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { basename, dirname } from 'node:path';

/** A running query. */
export interface Query {
  /** The addresses as the resolver returns them. Rejects with an error whose `code` is that of the resolver. */
  readonly answer: Promise<string[]>;
  /** The caller does not need the answer any more. */
  abandon(): void;
}

export interface SystemQuestion {
  readonly name: string;
  /** Called when the query leaves the queue: its time limit starts then. */
  readonly started: () => void;
  /** Starts a query without the child process, for systems where it cannot be started. */
  readonly fallback: () => Query;
}

/** The message of the child. `code`: the error code (`EAI_AGAIN`, …) when there are no addresses. */
interface Reply {
  readonly id: number;
  readonly code?: string;
  readonly addresses: string[];
}

interface Question extends SystemQuestion {
  readonly found: (addresses: string[]) => void;
  readonly failed: (error: unknown) => void;
  isAbandoned: boolean;
  /** The query that {@link SystemQuestion.fallback} started. */
  other?: Query;
}

/** Most queries in the child at the same time. libuv uses half of its pool for `getaddrinfo`, so none of them waits there. */
export const MAX_QUESTIONS = 16;
const POOL_SIZE = 2 * MAX_QUESTIONS;
/** How long a child without queries keeps running, milliseconds. */
const IDLE_MS = 30_000;

/**
 * The program of the child: answers each message `{ id, name }`. It ignores signals, because an interrupt from the terminal
 * reaches it too, and ends when the channel closes; with SIGKILL, because an ordinary exit would wait for `getaddrinfo`.
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

/** Whether `-e` can be used: only Node.js has it; a bundled program would run itself a second time. */
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
    // For example Node.js's permission model, or the limit of open files.
    return undefined;
  }
}

/** Queries the system's resolver. At most {@link MAX_QUESTIONS} names at the same time; the others wait in a queue. */
export class ResolverProcess {
  #child: ChildProcess | undefined;
  #isReady = false;
  #idle: NodeJS.Timeout | undefined;
  #lastid = 0;
  readonly #waiting = new Set<Question>();
  /** The queries in the child, including abandoned ones, because each occupies a thread. */
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
      this.#send(question);
    }
    this.#updateRef();
  }

  /** Whether all threads of the child are occupied by abandoned queries while others wait. */
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

  #send(question: Question): void {
    const id = ++this.#lastid;
    this.#waiting.delete(question);
    this.#asked.set(id, question);
    question.started();
    this.#child?.send({ id, name: question.name }, () => undefined);
  }

  /** Ends the child, which may have exited. If it never answered, all queries fall back; otherwise a new child is started for the queue. */
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

  /** Keeps this process running only while a caller waits for a query. */
  #updateRef(): void {
    const child = this.#child;
    const isNeeded = this.#waiting.size > 0 || [...this.#asked.values()].some((q) => !q.isAbandoned);
    clearTimeout(this.#idle);
    if (!child) return;
    if (isNeeded) return child.channel?.ref();
    child.channel?.unref();
    this.#idle = setTimeout(() => this.#lose(child), IDLE_MS).unref();
  }
}
