/** Our own output on full devices, closed pipes and stalled readers: real files, pipes and processes. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { transformFileSync } from '@swc/core';
import { OutputStream, RETRY_AFTER, type WritableOutput } from '../src/cli/output-stream.js';

const folder = mkdtempSync(join(tmpdir(), 'verack-output-'));
const children: ChildProcessWithoutNullStreams[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(stream: WritableOutput, limit = 1_048_576) {
  const events: string[] = [];
  let now = 0;
  const target = new OutputStream(stream, {
    notice: (lost, fault) => `(${lost} lines lost: ${fault})`,
    failed: (fault) => events.push(fault),
    recovered: (lost) => events.push(`recovered ${lost}`),
    now: () => now,
    limit,
  });
  return { target, events, pass: (ms: number) => (now += ms) };
}

test.each([
  [0, undefined],
  [undefined, undefined],
  [40, 40],
])('a terminal that reports the width %p has the width %p', (columns, expected) => {
  const stream = { ...file(1), isTTY: true, ...(columns !== undefined && { columns }) };
  expect(new OutputStream(stream).columns).toBe(expected);
});

/** A file or device that is written by its descriptor, as stdout is if it is one. */
const file = (fd: number): WritableOutput => ({
  fd,
  writableLength: 0,
  write: () => {
    throw new Error('files are written by their number');
  },
  on: () => undefined,
});

/** Opens another file with the same descriptor, as a disk that has free space again. */
function reopen(fd: number, path: string): void {
  closeSync(fd);
  expect(openSync(path, 'w')).toBe(fd);
}

/** A process that copies its input to its output through real pipes. */
function cat(): ChildProcessWithoutNullStreams {
  const child = spawn('cat');
  children.push(child);
  return child;
}

const LINE = `${'x'.repeat(1_023)}\n`;

describe('a full device', () => {
  test('drops the lines that do not fit, and is tried again once a second', () => {
    const { target, events, pass } = written(file(openSync('/dev/full', 'w')));
    for (let n = 0; n < 100; n += 1) target.write('a line\n');
    pass(RETRY_AFTER);
    target.write('a line\n');
    expect([target.lost, events]).toEqual([101, ['ENOSPC']]);
  });

  test('that has space again gets a notice in place of the lost lines', () => {
    const fd = openSync('/dev/full', 'w');
    const { target, events, pass } = written(file(fd));
    target.write('lost\n');
    target.write('lost too\nand this\n');
    reopen(fd, join(folder, 'room'));
    pass(RETRY_AFTER);
    target.write('written\n');
    target.write('next\n');
    expect(readFileSync(join(folder, 'room'), 'utf8')).toBe('(3 lines lost: ENOSPC)\nwritten\nnext\n');
    expect([target.lost, events]).toEqual([0, ['ENOSPC', 'recovered 3']]);
  });
});

describe('a reader that stalls', () => {
  test('buffers at most the limit', () => {
    const child = cat();
    child.kill('SIGSTOP');
    const { target, events } = written(child.stdin, 100_000);
    for (let n = 0; n < 5_000; n += 1) target.write(LINE);
    expect(child.stdin.writableLength).toBeLessThanOrEqual(100_000);
    expect(target.lost).toBeGreaterThan(4_000);
    expect(events).toEqual(['stalled']);
  });

  test('and reads again gets every line, or a notice in place of the lost ones', async () => {
    const child = cat();
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.kill('SIGSTOP');
    const { target, events } = written(child.stdin, 100_000);
    for (let n = 0; n < 2_000; n += 1) target.write(LINE);
    const { lost } = target;
    child.kill('SIGCONT');
    while (target.lost > 0) await once(child.stdout, 'data');
    await target.drain();
    target.write('after\n');
    child.stdin.end();
    await once(child, 'close');
    expect(output).toBe(`${LINE.repeat(2_000 - lost)}(${lost} lines lost: stalled)\nafter\n`);
    expect(events).toEqual(['stalled', `recovered ${lost}`]);
  });
});

test('a closed pipe is an event, not an exception', async () => {
  const child = cat();
  const { target, events } = written(child.stdin);
  child.stdout.destroy();
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (let n = 0; n < 10; n += 1) target.write(LINE);
  await target.drain();
  await new Promise((resolve) => setImmediate(resolve));
  expect(events).toHaveLength(1);
  expect(events[0]).toMatch(/^(EPIPE|ECONNRESET|ERR_STREAM_DESTROYED)$/);
  expect(target.lost).toBe(10);
});

describe('draining', () => {
  test('waits until the reader has read everything', async () => {
    const child = cat();
    const { target } = written(child.stdin, 10_000_000);
    child.stdout.resume();
    for (let n = 0; n < 2_000; n += 1) target.write(LINE);
    await target.drain();
    expect(child.stdin.writableLength).toBe(0);
  });
});

describe('stdout of a process', () => {
  /** The module in a form that a process can load, and a program that writes ten lines and reports on stderr what happened. */
  const program = (): string => {
    for (const name of ['cli/output-stream']) {
      const { code } = transformFileSync(`src/${name}.ts`, {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
      });
      mkdirSync(join(folder, dirname(name)), { recursive: true });
      writeFileSync(join(folder, `${name}.js`), code);
    }
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const main = `
      import { OutputStream } from './cli/output-stream.js';
      const out = new OutputStream(process.stdout, {
        notice: (lost) => lost + ' lost',
        failed: (fault) => console.error(fault),
      });
      for (let n = 0; n < 10; n += 1) out.write('line\\n');
      await out.drain();
      setImmediate(() => console.error('lost', out.lost));`;
    writeFileSync(join(folder, 'main.js'), main);
    return join(folder, 'main.js');
  };
  const run = (redirection: string) =>
    spawnSync('sh', ['-c', `"${process.execPath}" "${program()}" ${redirection}`], { encoding: 'utf8' });

  test.each([
    ['a full device', '> /dev/full', 'ENOSPC\nlost 10\n', ''],
    ['a pipe', '| cat', 'lost 0\n', 'line\n'.repeat(10)],
    ['a file', `> ${join(folder, 'out')}; cat ${join(folder, 'out')}`, 'lost 0\n', 'line\n'.repeat(10)],
  ])('%s', (_, redirection, stderr, stdout) => {
    expect(run(redirection)).toMatchObject({ status: 0, stderr, stdout });
  });
});
