/** Compiles source files one by one, without types, so that a test can start them as a program of its own. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import ts from 'typescript';

/** Writes `files` as JavaScript modules under `folder`, with their paths. */
export async function transpile(folder: string, files: readonly string[]): Promise<void> {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  for (const file of files) {
    const { outputText } = ts.transpileModule(await readFile(file, 'utf8'), { compilerOptions });
    const path = join(folder, file.replace(/ts$/, 'js'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, outputText);
  }
}
