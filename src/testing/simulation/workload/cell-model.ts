/** Numbers that are created and dropped, as a sequential object: each name is judged by itself. Pure. */

import { UNKNOWN, type SequentialModel } from '../../linearizability/sequential-model.js';
import type { CellClass } from '../objects/simulation-cell.js';

/** What is asked of a name, by those who take it for one of a class. */
export type CellInput =
  | readonly [method: 'create', name: string, of: CellClass, first: number]
  | readonly [method: 'drop', name: string]
  | readonly [method: 'add', name: string, of: CellClass, amount: number]
  | readonly [method: 'get', name: string, of: CellClass];

/** `exists` and `missing` change nothing. What `create` and `drop` return when they have done it is `done`. */
export type CellOutput = number | 'done' | 'exists' | 'missing';

/** Null: there is none of this name. */
type Cell = { readonly of: CellClass; readonly value: number } | null;

export const cellModel: SequentialModel<Cell, CellInput, CellOutput> = {
  name: 'created object',
  initial: null,
  step(cell, input, output) {
    const [next, result] = stepOf(cell, input);
    return output === UNKNOWN || output === result ? [next] : [];
  },
  equals: (a, b) => a?.of === b?.of && a?.value === b?.value,
  isRead: ([method]) => method === 'get',
  partOf: ([, name]) => name,
  describe: (cell) => (cell === null ? 'absent' : `a ${cell.of} with ${cell.value}`),
};

function stepOf(cell: Cell, input: CellInput): [next: Cell, result: CellOutput] {
  if (input[0] === 'create') return cell === null ? [{ of: input[2], value: input[3] }, 'done'] : [cell, 'exists'];
  if (input[0] === 'drop') return [null, cell === null ? 'missing' : 'done'];
  if (cell?.of !== input[2]) return [cell, 'missing'];
  if (input[0] === 'get') return [cell, cell.value];
  const value = cell.value + input[3];
  return [{ of: cell.of, value }, value];
}
