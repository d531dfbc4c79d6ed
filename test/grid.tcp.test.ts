/** The grid on running nodes over TCP: the same cells as in memory, as far as the system permits. */
import { expect, test } from '@jest/globals';

import { obstacleIn, type Place, playAll, REACHED, report } from './grid/compare.js';
import { TcpPlayer, unfit } from './grid/tcp.js';

const obstacleOn = (place: Place): string => obstacleIn(place) || unfit(place.row, place.column);

/** Nodes that play at the same time. */
const PLAYERS = 4;

test('over TCP, a node does what the machine decides in each cell', async () => {
  const started = performance.now();
  const places = REACHED.filter((place) => obstacleOn(place) === '');
  const players = Array.from({ length: PLAYERS }, () => new TcpPlayer());
  const results = await Promise.all(
    players.map((player, i) =>
      playAll(
        places.filter((_, at) => at % PLAYERS === i),
        (row, column) => player.play(row, column),
      ),
    ),
  );
  await Promise.all(players.map((player) => player.stop()));
  expect(results.flatMap(({ actual }) => actual)).toEqual(results.flatMap(({ expected }) => expected));
  report('TCP', places.length, started, obstacleOn);
});
