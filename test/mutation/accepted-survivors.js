/**
 * Why a mutant that no test detects is left alive. A place is the end of a file's name and patterns: of the line where the
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
      { file: 'sha256.ts', line: /^for \(let/ },
      { file: 'curve.ts', line: /^for \(let/ },
      { file: 'field.ts', line: /^for \(let/ },
      { file: 'v1.ts', line: /^for \(let i = 0; i < 4; i\+\+\) bytes/ },
      { file: 'command.ts', line: /i < command\.length/ },
    ],
  },
  {
    reason:
      'performance only: another way to the same digest or the same command; buffers that grow sooner, later or by more',
    places: [
      { file: 'command.ts', line: /wordAt|bytes\[at\]!|keyOf|padEnd|function knownCommand/ },
      { file: 'command.ts', was: /found\??\.words/ },
      { file: 'field.ts', line: /words\.length > 0\) return false/ },
      { file: 'hash.ts', line: /SHORT|payload\.length === 0/ },
      { file: 'pile.ts', line: /GROWTH_STEP|piece\.length === wanted|needed <= |Math\.max/ },
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
      { file: 'policy.ts', was: /event\.type !== 'clock\.tick'/ },
      { file: 'messages.ts', line: /id === undefined|rows\.get\(command\)\?\.shortid/ },
    ],
  },
  {
    reason:
      'the same value in other words: bits that a 32-bit array drops, an end counted from the other side, a key with nothing',
    places: [
      { file: 'sha256.ts', was: /root\(n\) % 1/ },
      { file: 'v1.ts', line: /COMMAND_AT \+ COMMAND_SIZE/ },
      { file: 'v1.ts', line: /network === undefined/ },
      {
        file: 'opening.ts',
        line: /network === undefined|bytes\.length >= V1_PREFIX_SIZE|chunk\.length === 0/,
      },
      { file: 'receiver.ts', is: /^""$/ },
      { file: 'sender.ts', line: /i < LENGTH_SIZE/ },
      { file: 'port.ts', line: /setAAD/ },
      { file: 'assembler.ts', line: /value > 0x7f|value > 63n|locals > 0/ },
      { file: 'curve.ts', line: /4 \* \(i & 1\)|hex\.match/ },
      { file: 'field.ts', line: /shift > LIMB_BITS - 8|LIMBS > limb \+ 2/ },
    ],
  },
  {
    reason: 'wiped secrets: whether memory was cleared cannot be seen from outside',
    places: [
      { file: 'forward.ts', line: /^wipe\(\): void/ },
      { file: 'port.ts', line: /^} catch/ },
      { file: 'keys.ts', line: /wipe|fill\(0\)/ },
    ],
  },
  {
    reason: 'the upper half of a counter: 2^32 packets would have to be sent first',
    places: [{ file: 'forward.ts', line: /second \/ 2 \*\* 32/ }],
  },
  {
    reason: 'a guard against a mistake of our own: the memory asked for is known when the program is built',
    places: [{ file: 'field.ts', line: /memory is used up/ }],
  },
  {
    reason:
      'shown by no vector and no random number: a second overflow of the field, the y of the point at infinity',
    places: [
      { file: 'field.ts', was: /over \* EXCESS_LOW/ },
      { file: 'program.ts', line: /at === 0/ },
    ],
  },
  {
    reason: 'a test that notices it was written after this run',
    places: [{ file: 'receiver.ts', line: /this\.#garbage\.length \+ this\.#aad\.length/ }],
  },
];

export const UNEXPLAINED = 'not explained yet';
