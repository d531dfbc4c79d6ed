/** The ceiling of dialling: bytes made beforehand, nothing checked. The tasks of a `Worker`. */
import { connect } from 'node:net';
import type { Dialled, Dials } from './dialler.js';
import { features, frame, nonceAt, version } from './canned-bytes.js';
import { serveTasks } from './tasks.js';

const VERSION = version();
const REST = Buffer.concat([features(), frame('ping', Buffer.from('measured'))]);

/** One handshake; whether it came as far as the pong. */
function shakeHands(host: string, port: number, over: (isDone: boolean) => void): void {
  let [answered, isDone] = [false, false];
  const socket = connect({ host, port, noDelay: true }, () => socket.write(VERSION));
  socket.on('error', () => undefined);
  socket.on('close', () => over(isDone));
  socket.on('data', (chunk: Buffer) => {
    if (!answered) {
      answered = true;
      socket.write(REST);
    } else if (nonceAt(chunk, 'pong') >= 0) {
      isDone = true;
      socket.destroy();
    }
  });
}

function dialAll({ port, addresses, total }: Dials): Promise<Dialled> {
  const began = performance.now();
  let [started, ended, done] = [0, 0, 0];
  return new Promise((resolve) => {
    const dial = (host: string): void => {
      started++;
      shakeHands(host, port, (isDone) => {
        if (isDone) done++;
        if (++ended === total) resolve({ done, seconds: (performance.now() - began) / 1e3 });
        else if (started < total) dial(host);
      });
    };
    for (let i = 1; i <= Math.min(addresses, total); i++) dial(`127.0.0.${i}`);
  });
}

serveTasks({ dialAll });
