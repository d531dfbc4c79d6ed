/** Text of others on a terminal: bidirectional and invisible characters neither reorder nor hide anything. */
import { expect, test } from '@jest/globals';
import { CLI_COMMANDS } from '../src/cli/commands.js';
import { Output } from '../src/cli/output.js';
import { CapturedOutput, ran } from './support/command-line.js';

const NAME = 'a\u202eb\u200bc\u2066d\u009be\u{e0001}';

function output(json: boolean) {
  const [stdout, stderr] = [new CapturedOutput(), new CapturedOutput()];
  const options = { stdout, stderr, env: {}, json, quiet: false, verbose: 0, color: 'never' } as const;
  return { out: new Output(options), stdout, stderr };
}

test('they are replaced in every line for people', () => {
  const { out, stdout, stderr } = output(false);
  out.answer(NAME);
  out.failure(NAME);
  expect([stdout.text, stderr.text]).toEqual(['a?b?c?d?e?\n', 'a?b?c?d?e?\n']);
});

test('they are escaped in JSON, which reads back as the same value', () => {
  const { out, stdout } = output(true);
  out.object({ name: NAME });
  expect(stdout.text).toBe('{"name":"a\\u202eb\\u200bc\\u2066d\\u009be\\udb40\\udc01"}\n');
  expect(JSON.parse(stdout.text)).toEqual({ name: NAME });
});

test('they are replaced in sentences about the command line', async () => {
  const { stderr } = await ran(`probe ${NAME}:1:2`, CLI_COMMANDS);
  expect(stderr).toContain('"a?b?c?d?e?:1:2"');
});
