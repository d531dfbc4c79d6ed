/**
 * Prometheus metrics of a node: `import { nodeMetrics, startExporter } from 'verack/metrics'`. Needs the package
 * `prom-client`, which the rest of the library does without. A dashboard for Grafana and alerts are in this folder.
 */
export { type NodeMetrics, nodeMetrics } from './collector.js';
export { type Exporter, type ExporterOptions, startExporter } from './exporter.js';
