/** Learns the state machines of nodes from outside, and compares them. */
export { learnNode } from './learn-node.js';
export type { LearnNodeOptions, LearnResult } from './learn-node.js';
export { acceptedConnections, dialledConnections, isLoopback } from './fresh-connections.js';
export type { Connections } from './fresh-connections.js';
export { chartModel } from './chart-model.js';
export type { Behaviour, ChartOptions } from './chart-model.js';
export { compare } from './compare.js';
export type { ModelDifference } from './compare.js';
export { readModel } from './model.js';
export type { Model } from './model.js';
export { mermaidOf } from './mermaid.js';
export { xstateConfigOf } from './xstate-config.js';
export { explanationOf, loadKnownDifferences } from './known-differences.js';
export type { TransportName } from './alphabet.js';
