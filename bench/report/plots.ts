/** The two plots, as SVG: commands per second by the size of a command and by the size of the cluster. */

import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { bytesText } from '../matrix.js';
import type { LoadOutcome, Results } from '../results.js';

const COLORS = { Conclave: '#1f5fbf', 'limit: no consensus': '#7a8794' } as const;

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

interface Point {
  readonly x: string;
  readonly what: keyof typeof COLORS;
  readonly rate: number;
}

/** Three nodes, called on the leader: rates fall with the size of a command, so both axes are by ratio. */
export function commandsBySize(results: Results): Promise<string> {
  const outcomes = results.load
    .filter(({ row }) => isPlainWrite(row) && row.nodes === 3)
    .toSorted((a, b) => a.row.commandBytes - b.row.commandBytes);
  const points = bestOf(outcomes, ({ row }) => bytesText(row.commandBytes));
  return render(points, 'Commands per second by size of command, 3 nodes', 'size of a command', 'log');
}

/** 10-byte commands, called on the leader. */
export function commandsByClusterSize(results: Results): Promise<string> {
  const outcomes = results.load
    .filter(({ row }) => isPlainWrite(row) && row.commandBytes === 10)
    .toSorted((a, b) => a.row.nodes - b.row.nodes);
  const points = bestOf(outcomes, ({ row }) => String(row.nodes));
  return render(points, 'Commands per second by size of cluster, 10 B', 'nodes', 'linear');
}

function isPlainWrite({ operation, caller, threads, durable }: LoadOutcome['row']): boolean {
  return operation === 'write' && caller === 'leader' && threads && !durable;
}

/** One point per place on the axis: of its windows, the largest one. */
function bestOf(outcomes: readonly LoadOutcome[], place: (outcome: LoadOutcome) => string): Point[] {
  const largest = new Map<string, LoadOutcome>();
  for (const outcome of outcomes) {
    const known = largest.get(place(outcome));
    if (known === undefined || known.row.window < outcome.row.window) largest.set(place(outcome), outcome);
  }
  return [...largest].flatMap(([x, { result, limit }]): Point[] => [
    { x, what: 'Conclave', rate: result.commandsPerSecond },
    ...(limit === null ? [] : [{ x, what: 'limit: no consensus', rate: limit.result.commandsPerSecond } as const]),
  ]);
}

async function render(
  points: readonly Point[],
  title: string,
  xTitle: string,
  scale: 'log' | 'linear',
): Promise<string> {
  const x = { field: 'x', type: 'ordinal', sort: null, title: xTitle, axis: { labelAngle: 0 } } as const;
  const y = {
    field: 'rate',
    type: 'quantitative',
    title: 'commands/s',
    scale: { type: scale },
    axis: { format: '~s', grid: true },
  } as const;
  const color = {
    field: 'what',
    type: 'nominal',
    title: null,
    scale: { domain: Object.keys(COLORS), range: Object.values(COLORS) },
    legend: { orient: 'top' },
  } as const;
  const spec: TopLevelSpec = {
    title: { text: title, anchor: 'start' },
    width: 480,
    height: 280,
    padding: 12,
    background: 'white',
    data: { values: points.map((point) => ({ ...point })) },
    encoding: { x, y, color },
    layer: [
      { mark: { type: 'line', point: { size: 60 } } },
      numbers('limit: no consensus', -12),
      numbers('Conclave', 16),
    ],
    config: { font: 'Helvetica, Arial, sans-serif', axis: { labelFontSize: 12, titleFontSize: 12 } },
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  try {
    return (await view.toSVG()) + '\n';
  } finally {
    view.finalize();
  }
}

/** The limit's numbers stand above its line and ours below, for the lines may lie close together. */
function numbers(what: keyof typeof COLORS, dy: number): Layer {
  return {
    transform: [{ filter: { field: 'what', equal: what } }],
    mark: { type: 'text', dy },
    encoding: { text: { field: 'rate', type: 'quantitative', format: '.3~s' } },
  };
}
