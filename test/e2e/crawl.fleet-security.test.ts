/** The fleet with a NATS server that requires TLS and credentials. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock, tcpNet } from '../../src/index.js';
import { build, endAll, Program } from '../support/cli-process.js';
import { planNetwork, SimulatedNetwork } from '../support/simulated-network.js';
import { hasNats, NatsServer } from './nodes/nats.js';
import { type SecuredNats, secureNats } from './nodes/nats-secured.js';

const plan = planNetwork({ seed: 1, size: 60, reachable: 40, octet: 81 });
const seed = ['--seednode', plan[0]!.addr, '--allow-unroutable'];

if (!hasNats() && process.env.CI !== 'true')
  test.skip('the fleet over TLS: nats-server is not installed', () => undefined);
else
  describe('a server that demands TLS and credentials', () => {
    const directory = mkdtempSync(join(tmpdir(), 'verack-fleet-security-'));
    let secured: SecuredNats;
    let server: NatsServer;
    let network: SimulatedNetwork;
    beforeAll(async () => {
      build();
      secured = secureNats(directory);
      server = await NatsServer.start(join(directory, 'streams'), secured.config);
      network = await new SimulatedNetwork(plan, { net: tcpNet(), clock: systemClock, seed: 1 }).start();
    });
    afterEach(endAll);
    afterAll(async () => {
      await network.stop();
      await server.stop();
      rmSync(directory, { recursive: true });
    });

    const fleet = (credentials: readonly string[], trusted: boolean, ...args: string[]): Program => {
      const url = server.url.replace('nats:', 'tls:').replace('127.0.0.1', 'localhost');
      const flags = ['crawl', '--regtest', '--json', '--nats', url, ...credentials, ...args];
      return new Program(flags, { env: trusted ? { NODE_EXTRA_CA_CERTS: secured.certificate } : {} });
    };
    const own = (): string[] => ['--nats-creds', secured.credentials];

    test('a worker and a coordinator with credentials find every reachable node', async () => {
      const worker = fleet(own(), true);
      const coordinator = fleet(own(), true, '--coordinate', ...seed);
      expect(await coordinator.exit).toBe(0);
      expect(JSON.parse(coordinator.stdout)).toMatchObject({ reachable: 40, attempted: 60 });
      worker.kill('SIGTERM');
      expect(await worker.exit).toBe(0);
    });

    test.each([
      ['without credentials', [] as string[], true],
      ['with credentials of another account', ['strangers'], true],
      ['when the certificate is not trusted', ['credentials'], false],
    ])('refused %s', async (_, names, trusted) => {
      const flags = names.flatMap((name) => ['--nats-creds', secured[name as keyof SecuredNats]]);
      const worker = fleet(flags, trusted);
      expect(await worker.exit).toBe(2);
      expect(worker.stderr).toContain('the connection to the server failed');
    });

    test('no server: a sentence, and exit code 4', async () => {
      const worker = new Program(['crawl', '--regtest', '--nats', 'nats://127.0.0.1:9']);
      expect(await worker.exit).toBe(4);
      expect(worker.stderr).toContain('the NATS server cannot be reached');
    });

    test('a password in the URL is refused: no secrets on the command line', async () => {
      const worker = new Program(['crawl', '--regtest', '--nats', 'nats://user:secret@127.0.0.1']);
      expect(await worker.exit).toBe(2);
      expect(worker.stderr).toContain('no secrets on the command line');
    });
  });
