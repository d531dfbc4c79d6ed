/**
 * Why a mutant that no test notices is left alive. A place is the end of a file's name and patterns: of the line where the
 * mutation begins, of the code replaced (`was`) and of what stands there instead (`is`).
 */
export const REASONS = [
  {
    reason: 'types only: the compiler notices (`npm run typecheck`)',
    places: [
      { file: '.machine.ts', line: /^types: \{$/ },
      { file: 'alphabet.ts', line: /_complete/ },
    ],
  },
  {
    reason: 'a placeholder after a fault: `decode` answers with the fault alone, nobody sees the value',
    places: [
      { file: 'codec.ts', line: /return at < 0 \?/ },
      { file: 'codec.ts', line: /return -1;/ },
      { file: 'codec.ts', line: /cursor\.code !== ''\) return/ },
    ],
  },
  {
    reason: 'the same outcome one step later: the decoder refuses what is let through',
    places: [
      { file: 'addresses.ts', line: /\^\[a-z2-7\]/ },
      { file: 'addresses.ts', line: /^\} catch/ },
      { file: 'messages.ts', line: /payload\.length < max\.at/ },
    ],
  },
  {
    reason: 'one turn more of a loop that finds nothing there',
    places: [
      { file: 'services.ts', line: /bit < 64/ },
      { file: 'command.ts', line: /i < command\.length/ },
    ],
  },
  {
    reason: 'performance only: another way to the same digest; buffers that grow sooner, later or by more',
    places: [
      { file: 'hash.ts', line: /SHORT|payload\.length === 0/ },
      { file: 'v1.ts', line: /needed <= this\.#payload\.length/ },
      { file: 'codec.ts', line: /sink\.bytes\.length/ },
      { file: 'codec.ts', line: /sink\.bytes\[at \+ i\] = value >>>/ },
    ],
  },
  {
    reason: 'no event can bring it: a narrowing for the compiler, or a case that the types rule out',
    places: [
      { file: 'supervisor.machine.ts', was: /event\.type === / },
      { file: 'notes.ts', line: /event\.fault \?\? ''/ },
      { file: 'transport.machine.ts', line: /ERR_LOCAL_BUG/ },
    ],
  },
];

export const UNEXPLAINED = 'not explained yet';
