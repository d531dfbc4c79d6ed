/**
 * Prometheus metrics of a node: `import { nodeMetrics, startExporter } from 'verack/metrics'`. Needs the package
 * `prom-client`, which is an optional dependency. This directory also has a dashboard for Grafana and alert rules.
 *
 * @module
 */
export { type MetricsOptions, type NodeMetrics, nodeMetrics } from './collector.js';
export { type CrawlFigures, crawlMetrics } from './crawl-metrics.js';
export { type Exporter, type ExporterOptions, startExporter } from './exporter.js';
export type { Health, SlotUse } from './health.js';
