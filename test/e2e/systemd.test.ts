/** The unit file under systemd's own checker, and messages through systemd's own program to a socket. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { SystemdNotifier } from '../../src/cli/systemd-notify.js';

const folder = mkdtempSync(join(tmpdir(), 'verack-systemd-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A test that needs Debian's systemd package: a counted skip without it, a failure under CI. */
const isInstalled = spawnSync('systemd-analyze', ['--version']).status === 0;
const needsSystemd = isInstalled || process.env.CI ? test : test.skip;

/** The unit with a program that exists on this machine. */
function verify(change: (unit: string) => string) {
  const unit = readFileSync('contrib/systemd/verack.service', 'utf8');
  const path = join(folder, 'verack.service');
  writeFileSync(
    path,
    change(unit.replace('ExecStart=/usr/local/bin/verack', `ExecStart=${process.execPath}`)),
  );
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
  return { status, stderr };
}

describe('contrib/systemd/verack.service', () => {
  needsSystemd('has no fault', () => {
    expect(verify((unit) => unit)).toEqual({ status: 0, stderr: '' });
  });

  // The exit code alone would not show it.
  needsSystemd('an unknown key would be seen', () => {
    const { stderr } = verify((unit) => unit.replace('MemoryMax', 'MemoryMost'));
    expect(stderr).toContain('MemoryMost');
  });
});

/** Receives datagrams at a UNIX socket; Node cannot. Perl is part of every Debian system. */
const RECEIVER = `
  use Socket; $| = 1;
  my $s; socket($s, AF_UNIX, SOCK_DGRAM, 0) && bind($s, pack_sockaddr_un($ARGV[0])) or die;
  print "bound\\n";
  while (defined recv($s, my $text, 4096, 0)) { print "[$text]\\n" if $text !~ /^BARRIER/; }`;

needsSystemd('messages reach the socket that NOTIFY_SOCKET names', async () => {
  const socket = join(folder, 'notify');
  const receiver = spawn('perl', ['-e', RECEIVER, socket]);
  let received = '';
  receiver.stdout.setEncoding('utf8').on('data', (text: string) => (received += text));
  const more = () => Promise.race([once(receiver.stdout, 'data'), once(receiver, 'exit')]);
  try {
    await more();
    const failures: string[] = [];
    const env = { ...process.env, NOTIFY_SOCKET: socket };
    const target = new SystemdNotifier({ env, failed: (code) => failures.push(code) });
    await target.ready('listening on 0.0.0.0:8333');
    await target.stopping();
    while (!received.includes('STOPPING') && receiver.exitCode === null) await more();
    expect(received).toBe('bound\n[READY=1\nSTATUS=listening on 0.0.0.0:8333]\n[STOPPING=1]\n');
    expect(failures).toEqual([]);
  } finally {
    receiver.kill();
  }
});
