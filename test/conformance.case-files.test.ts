/** A case file that cannot be parsed is one sentence that names the file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { loadCaseFiles, loadKnown, loadVerdicts } from '../src/conformance/case-files.js';
import { Malformed } from '../src/conformance/case-schema.js';

const folder = mkdtempSync(join(tmpdir(), 'verack-cases-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(['{', '', '[1,]', '\u0000'])('%j is malformed', (text) => {
  const path = join(folder, 'own.json');
  writeFileSync(path, text);
  for (const load of [() => loadCaseFiles(folder), () => loadKnown(path), () => loadVerdicts(path)])
    expect(load).toThrow(Malformed);
  expect(() => loadCaseFiles(folder)).toThrow('own.json is not JSON');
});
