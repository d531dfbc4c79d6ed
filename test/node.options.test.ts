/** Names of options that do not exist: JavaScript has no compiler to find them. */
import { expect, test } from '@jest/globals';
import { createNode } from '../src/index.js';
import { probe } from '../src/probe/probe.js';

test.each<[options: object, value: string, hint: string]>([
  [{ chian: 'regtest' }, 'chian', 'did you mean chain?'],
  [{ maxInbound: 3 }, 'maxInbound', 'did you mean maxinbound?'],
  [{ rules: { handshakeTimout: 3 } }, 'handshakeTimout', 'did you mean handshakeTimeout?'],
  [{ outbound: { slot: 8 } }, 'slot', 'did you mean slots?'],
  [{ nothing_like_it: 1 }, 'nothing_like_it', 'the options are chain, rules,'],
])('%j', (options, value, hint) => {
  expect(() => createNode(options)).toThrow(
    expect.objectContaining({
      code: 'ERR_LOCAL_ARGUMENT',
      facts: { value, why: expect.stringContaining(hint) },
    }),
  );
});

test('a dial', async () => {
  const node = createNode({ chain: 'regtest' });
  const dial = () => node.dial('127.0.0.1:1', { persistant: true } as object);
  const facts = { value: 'persistant', why: expect.stringContaining('did you mean persistent?') };
  expect(dial).toThrow(expect.objectContaining({ code: 'ERR_LOCAL_ARGUMENT', facts }));
  await node.stop();
});

test('a probe', async () => {
  const asked = probe('127.0.0.1:1', { chian: 'regtest' } as object);
  const facts = { value: 'chian', why: expect.stringContaining('did you mean chain?') };
  await expect(asked).rejects.toMatchObject({ code: 'ERR_LOCAL_ARGUMENT', facts });
});

test('undefined options and undefined rules are as if they were absent', async () => {
  await createNode({ chain: 'regtest', rules: undefined as never }).stop();
});
